"""`caretaker run` says why it does not, and by its exit code whether trying again can help (systemd asks)."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

from tracked import ROOT

SITE = '[site]\nid = "x"\nclock = "trust"\n[panel]\nlisten = "127.0.0.1:{port}"\n'


def started(folder: Path, text: str) -> "subprocess.Popen[str]":
    (folder / "caretaker.toml").write_text(text, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, "-m", "daemon.cli", "run", "--config", str(folder / "caretaker.toml")], cwd=ROOT, text=True,
        stderr=subprocess.PIPE,
    )  # fmt: skip


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and what it said."""
    try:
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    return process.returncode, said


def test_a_wrong_configuration_is_not_tried_again(tmp_path: Path) -> None:
    code, said = ended(started(tmp_path, SITE.format(port=0) + "[hours]\nday = 3\n"))
    assert code == 2
    assert f"{tmp_path}/caretaker.toml:7: hours.day:" in said


def test_a_store_that_cannot_be_used_may_be_later(tmp_path: Path) -> None:
    (tmp_path / "caretaker.db").write_text("no database, but long enough to be read as one" * 9)
    code, said = ended(started(tmp_path, SITE.format(port=0)))
    assert code == 1
    assert f"{tmp_path}/caretaker.db" in said
    assert "Traceback" not in said


def test_an_address_that_is_taken_may_be_free_later(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = ended(started(tmp_path, SITE.format(port=port)))
    assert code == 1
    assert str(port) in said
    assert "Traceback" not in said


def test_it_ends_cleanly_when_asked(tmp_path: Path) -> None:
    process = started(tmp_path, SITE.format(port=0))
    assert process.stderr is not None
    assert any("panel: http://127.0.0.1:" in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    code, said = ended(process)
    assert code == 0
    assert [line.partition(": ")[2] for line in said.splitlines()] == ["stopped in good order"]
