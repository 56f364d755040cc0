"""`caretaker password` writes a hash that the panel takes, and only its owner can read."""

import io
from argparse import Namespace
from pathlib import Path

import pytest
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from daemon.commands import password


@pytest.mark.parametrize("line", ["correct horse\n", "correct horse\r\n", "correct horse"])
def test_one_line_of_input_becomes_a_private_hash(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "panel.password"
    path.write_text("the old one")
    path.chmod(0o644)
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    assert password.run(Namespace(file=path)) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert PasswordHash((Argon2Hasher(),)).verify("correct horse", path.read_text().strip())
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("line", ["", "\n", "short\n"])
def test_a_short_password_changes_nothing(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "panel.password"
    monkeypatch.setattr("sys.stdin", io.StringIO(line))
    assert password.run(Namespace(file=path)) == 2
    assert "at least 8 characters" in capsys.readouterr().err
    assert not path.exists()


def test_a_folder_that_is_not_there_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert password.run(Namespace(file=tmp_path / "nowhere" / "panel.password")) == 2
    assert "nowhere" in capsys.readouterr().err
