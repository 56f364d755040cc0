"""write a commented configuration to start from

写一份带注释的起始配置
"""

import argparse
import os
import sys
from importlib.resources import files
from pathlib import Path

from daemon.config.errors import LANGUAGES, message_language
from daemon.config.files import TABLES_FOLDER
from daemon.config.words import WORDS

NAME = "init"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Write a commented configuration to start from, or the template of a device table to fill in; an existing file "
        "is left alone."
    )
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE",
                        help="where to write it (default: caretaker.toml, or devices/TEMPLATE.toml)")  # fmt: skip
    parser.add_argument("--template", metavar="NAME", help="a device table to fill in: boiler-controller")
    parser.add_argument("--language", choices=LANGUAGES, help="of the comments (default: by LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Write the file, unless there is one."""
    language = args.language or message_language(os.environ, "zh")
    path = args.file or Path(f"{TABLES_FOLDER}/{args.template}.toml" if args.template else "caretaker.toml")
    if args.template:
        from adapters.device_table import templates

        if args.template not in templates():
            sys.stderr.write(f"{args.template!r}: {', '.join(templates())}\n")
            return 1
        text = templates()[args.template]
    else:
        text = files("daemon.config").joinpath("starting", f"{language}.toml").read_text(encoding="utf-8")
    try:
        if args.template:
            path.parent.mkdir(exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        sys.stderr.write(WORDS["exists"][language].format(path) + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{path}: {error.strerror}\n")
        return 1
    sys.stdout.write(WORDS["filled" if args.template else "written"][language].format(path) + "\n")
    return 0
