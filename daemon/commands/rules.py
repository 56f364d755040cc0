"""what each rule finds, its parameters, and what to do

规则手册：每条规则发现什么，有哪些参数，怎么处理
"""

import argparse
import os
import sys
from difflib import get_close_matches

import orjson

from daemon.config.errors import LANGUAGES, message_language

NAME = "rules"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = "List the rules, or tell one in full. With --markdown: the whole handbook as a page."
    parser.add_argument("name", nargs="?", metavar="NAME", help="one rule, such as running_water")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--markdown", action="store_true", help="as a page for the documentation")
    shape.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--language", choices=LANGUAGES, help="default: by LANG, else zh")


def run(args: argparse.Namespace) -> int:
    """Print the list, one rule, or the handbook."""
    from daemon import handbook
    from rules import RULES

    language = args.language or message_language(os.environ, "zh")
    if args.name and args.name not in RULES:
        near = "".join(f" — {name}?" for name in get_close_matches(args.name, RULES, 1))
        print(f"{args.name}{near}\n{handbook.overview(RULES, language)}", file=sys.stderr)
        return 2
    kinds = {args.name: RULES[args.name]} if args.name else RULES
    if args.json:
        sys.stdout.buffer.write(orjson.dumps(handbook.as_json(kinds, language), option=orjson.OPT_APPEND_NEWLINE))
    elif args.markdown:
        sys.stdout.buffer.write(handbook.markdown(kinds, language).encode())
    else:
        print(handbook.text(kinds[args.name], language) if args.name else handbook.overview(RULES, language))
    return 0
