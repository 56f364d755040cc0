"""show it with simulated sensors, no hardware

演示：模拟的校园，不需要任何设备
"""

import argparse
import logging
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

from daemon.config.errors import LANGUAGES, message_language

NAME = "demo"

_PLAY = """
演示校园：模拟的传感器走真实的 MQTT 和串口，等待时间缩短为几秒。
半分钟内出现三个报警，一分多钟后恢复；每两分钟重来一遍。

The demo campus: simulated sensors on real MQTT and a real serial line, with holds of seconds. Three alerts come within
half a minute and clear after little more than one; every two minutes it begins anew.

    dorm-3/2F-wash   盥洗室水龙头没关       a tap left running
    teach-1/103      教室人走灯没关         lights left on in an empty classroom
    dorm-3/102       宿舍里用电热水壶       a kettle in a dorm room; its meter is on the serial line

"""
_NOT_FREE = """\
端口 {port} 不能用（{why}），改用一个空闲端口。
Port {port} cannot be used ({why}); here is a free one.

"""
_READY = "打开 / open {url} — 按 Ctrl-C 结束 / Ctrl-C ends it\n"
_BANNER = {
    "zh": "演示：校园是模拟的，等待时间缩短为几秒"
    "（正式默认值：流水 {water:g} 分钟，长明灯 {lights:g} 分钟，大功率 {power:g} 秒）",
    "en": "Demo: the campus is simulated and its holds are seconds "
    "(the defaults in earnest: running water {water:g} min, lights {lights:g} min, high power {power:g} s)",
}


def add(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.description = (
        "Show Caretaker on this machine alone: an embedded broker, simulated sensors and meters, the daemon and its "
        "panel. Nothing is asked and nothing stays behind."
    )
    parser.add_argument(
        "--port", type=_port, default=8080, metavar="PORT",
        help="of the panel (default: %(default)s); one that is taken is replaced by any free one",
    )  # fmt: skip
    parser.add_argument("--language", choices=LANGUAGES, help="of the campus (default: by LANG, else zh)")


def run(args: argparse.Namespace) -> int:
    """Show the campus until Ctrl-C, SIGTERM or the end of the terminal."""
    from daemon.commands.run import end_on_signals, log_to_stderr, serve
    from daemon.config import load
    from daemon.demo.campus import demo_campus

    end = end_on_signals(signal.SIGHUP)
    log_to_stderr(logging.WARNING)
    language = args.language or message_language(os.environ, "zh")
    why = _why_not(args.port)
    says = _PLAY + (_NOT_FREE.format(port=args.port, why=why) if why else "") + _READY
    with (
        tempfile.TemporaryDirectory(prefix="caretaker-demo-") as folder,
        demo_campus(Path(folder), listen=f"127.0.0.1:{0 if why else args.port}", language=language) as config,
    ):
        return serve(load(config), end, ready=lambda url: _say(says.format(url=url)), banner=_banner(language))


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _why_not(port: int) -> str:
    """Why a port cannot be listened on; empty when it can."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return ""


def _banner(language: str) -> str:
    from rules.high_power import HighPower
    from rules.lights_left_on import LightsLeftOn
    from rules.running_water import RunningWater

    water, lights, power = RunningWater().hold_min, LightsLeftOn().classroom_min, HighPower().hold_s
    return _BANNER[language].format(water=water, lights=lights, power=power)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
