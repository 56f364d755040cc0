"""write a commented configuration to start from

写一份带注释的起始配置
"""

import argparse
import os
import sys
from importlib.resources import files
from pathlib import Path

from daemon.config.errors import LANGUAGES, message_language
from daemon.config.words import WORDS

NAME = "init"


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = "Write a commented configuration to start from; an existing file is left alone."
    parser.add_argument("file", type=Path, nargs="?", default=Path("caretaker.toml"), metavar="FILE",
                        help="where to write it (default: caretaker.toml)")  # fmt: skip
    parser.add_argument("--language", choices=LANGUAGES, help="of the comments (default: by LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Write the file, unless there is one."""
    language = args.language or message_language(os.environ, "zh")
    text = files("daemon.config").joinpath("starting", f"{language}.toml").read_text(encoding="utf-8")
    try:
        with args.file.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        sys.stderr.write(WORDS["exists"][language].format(args.file) + "\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{args.file}: {error.strerror}\n")
        return 1
    sys.stdout.write(WORDS["written"][language].format(args.file) + "\n")
    return 0
