"""set the password of the panel

设置面板密码
"""

import argparse
import getpass
import os
import sys
from pathlib import Path

NAME = "password"

LEAST_LENGTH = 8


class PasswordError(Exception):
    """What was typed cannot be the password."""


def add(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Ask for the panel's password twice and write its hash to FILE, which only you can read. "
        "When the input is not a terminal, one line of it is the password."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="where the hash goes; name it in [panel] password_file")


def run(args: argparse.Namespace) -> int:
    """Write the hash; 2 when the password or the file will not do."""
    from dashboard.sign_in import hash_password  # only here, so that the other commands start without a web framework

    try:
        write_private(args.file, hash_password(_asked()) + "\n")
    except (PasswordError, OSError) as error:
        sys.stderr.write(f"caretaker password: {error}\n")
        return 2
    sys.stdout.write(f"{args.file}\n")
    return 0


def _asked() -> str:
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise PasswordError("the two are not the same; nothing was written")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < LEAST_LENGTH:
        raise PasswordError(f"at least {LEAST_LENGTH} characters, please; nothing was written")
    return password


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
