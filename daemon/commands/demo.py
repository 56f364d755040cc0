"""show it on this machine alone: a simulated campus, three things wrong, no hardware, no question"""

import argparse
import logging
import tempfile
from pathlib import Path

NAME = "demo"


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, default=8080, help="port of the panel (default 8080; 0: any free one)")
    parser.add_argument("--language", choices=("zh", "en"), default="zh", help="of the panel (default zh)")


def run(args: argparse.Namespace) -> int:
    from daemon.clock import SystemClock
    from daemon.commands.run import log_to_stderr, serve
    from daemon.config import load
    from daemon.demo.campus import demo_campus

    log_to_stderr()
    with (
        tempfile.TemporaryDirectory(prefix="caretaker-demo-") as folder,
        demo_campus(Path(folder), listen=f"127.0.0.1:{args.port}", language=args.language) as campus,
    ):
        loaded = load(campus.config)
        logging.getLogger("caretaker").info("three things go wrong every two and a half minutes; Ctrl-C ends it")
        return serve(loaded, SystemClock(trusted=True), banner=BANNER[args.language])


BANNER = {
    "zh": "演示：校园是模拟的，等待时间缩短为几秒（正式使用：流水 30 分钟、长明灯 15 分钟、大功率 20 秒）",
    "en": "Demo: the campus is simulated and its holds are seconds (in earnest: water 30 min, lights 15 min, power 20 s)",
}
