"""What a scan of a line says, in Chinese or English: meters, notes, the verdict, and all of it as configuration."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from adapters.link import server_of
from adapters.scan import Met, Stage, Tally
from adapters.scan_probe import Note
from adapters.serial_port import line_text
from daemon.config.toml_text import comment, quoted

_BY_ID = Path("/dev/serial/by-id")
_A_FEW = 8    # bytes that a line may crackle without meaning anything

WORDS = {
    "stage": ("{stage}  (about {left} left)", "{stage}  （还需约 {left}）"),
    "minutes": ("{n} min", "{n} 分钟"),
    "seconds": ("{n} s", "{n} 秒"),
    "met": (
        "found: {protocol} {address}, {line}{about}: {models}",
        "找到：{protocol} {address}，{line}{about}：{models}",
    ),
    "one of": ("several fit: {models}", "有几种型号符合：{models}"),
    "no model": ("no table fits", "没有符合的设备表"),
    "port": ("{why}; these settings are left out", "{why}；跳过这组串口参数"),
    "interrupted": ("interrupted; this is what was found so far", "已中断；以下是目前找到的"),
    "count": ("meters found: {count}", "共找到 {count} 块表"),
    "written": (
        '{file} is written. Fill in the places (and what else begins with a question mark), name it in caretaker.toml '
        '(include = ["{file}"], above all tables), and run: caretaker check caretaker.toml',
        '已写入 {file}。请填写位置（以及其他以问号开头的各项），在 caretaker.toml 最前面写 include = ["{file}"]，'
        "然后运行：caretaker check caretaker.toml",
    ),
    "exists": ("{file} exists already and was left alone", "{file} 已存在，未作改动"),
    "head": ("Found by: caretaker scan {port}", "由 caretaker scan {port} 找到"),
    "fill": (
        "Fill in what begins with a question mark; `caretaker check` lists it. Which meter is which is told by the "
        "address on its plate.",
        "请填写以问号开头的各项；caretaker check 会列出还缺什么。哪块是哪块，看表上的表号。",
    ),
    "place": (
        "the place it measures, such as dorm-3/101",
        "它计量的位置，如 dorm-3/101",
    ),
    "pick": ("one of: {models}", "从中选一：{models}"),
    "make": (
        "no table fits: pick one of `caretaker models`, or write one, see docs/meters.md",
        "没有符合的设备表：从 caretaker models 中选，或自己写一个，见 docs/meters.zh.md",
    ),
    # -- notes
    "crowd": (
        "Several devices answer to {about} at once and cannot be told apart: they do not know shortened addresses. "
        "Connect them one by one, or take the addresses from their plates.",
        "有几块表同时应答 {about}，无法区分（它们不支持缩位地址）：请逐块接上再扫描，或直接抄表上的地址。",
    ),
    "clash": (
        "More than one device seems to have the address {about}: give each its own.",
        "似乎有不止一块表用地址 {about}：请改成各不相同。",
    ),
    "doubtful": (
        "A frame named the meter {about}, but it does not answer to that address: it was left out.",
        "有一帧报文里的表地址是 {about}，但按此地址询问无应答，未列入。",
    ),
    "noise": (
        "Bytes keep coming without a question: another master on this line, or noise (end resistor, shield).",
        "没有询问也不断有数据：线上可能另有主站，或有干扰（终端电阻、屏蔽层）。",
    ),
    "dlt698": (
        "The meter {about} speaks DL/T 698.45, which Caretaker does not read: have it set to DL/T 645-2007.",
        "表 {about} 用的是 DL/T 698.45，本软件不能读：请厂家改为 DL/T 645-2007。",
    ),
    # -- verdicts
    "unasked": (
        "{size} bytes came that were no answer: another master on this line (two masters collide), or noise.",
        "收到 {size} 字节不是应答的数据：线上可能另有主站（两个主站会互相干扰），或有干扰。",
    ),
    "garbage": (
        "Bytes but no frame: usually A and B are swapped or the speed is wrong; else two devices of one address, or no "
        "end resistor.",
        "有数据但不成帧：多半是 A、B 接反，或速率、校验不对；也可能两块表地址相同，或缺终端电阻。",
    ),
    "echo": (
        "Only our own request came back: the adapter returns what is sent, and no meter answered. Check the wires A "
        "and B to the meters, their power, and the speed.",
        "只收到自己发出的数据：转换器会回送，但没有表应答。请检查到表的 A、B 线、表是否有电、速率。",
    ),
    "nothing": (
        "Nothing came. In this order: A and B swapped (change them over), no wire or no power at the meter, settings "
        "that were not tried (--line), a protocol that the meter does not speak.",
        "没有任何应答。依次检查：A、B 是否接反（对调试试）、线是否接通、表是否有电、未试过的串口参数（--line）、"
        "表是否用这些协议。",
    ),
}  # fmt: skip
_LANGUAGES = ("en", "zh")
_TITLES = {
    "dlt645-2007": "DL/T 645-2007", "dlt645-1997": "DL/T 645-1997", "cjt188-2004": "CJ/T 188", "mbus": "M-Bus",
    "modbus": "Modbus",
}  # fmt: skip
_KINDS_ZH = {
    "cold water": "冷水", "hot water": "热水", "drinking water": "直饮水", "reclaimed water": "中水", "heat": "热量",
    "cooling": "冷量", "heat and cooling": "冷热量", "gas": "燃气", "electricity": "电", "water": "水",
}  # fmt: skip


def say(code: str, language: str, **values: object) -> str:
    """A sentence in one of the two languages."""
    return WORDS[code][_LANGUAGES.index(language)].format(**values)


def stage_name(stage: Stage) -> str:
    """What is searched for now."""
    return f"{line_text(stage.line)}  {stage.protocol}"


def stage_text(stage: Stage, left_s: float, language: str) -> str:
    """What is searched for now, and how long all may still take."""
    code, unit_s = ("minutes", 60.0) if left_s >= 90 else ("seconds", 1.0)
    left = say(code, language, n=max(1, round(left_s / unit_s)))
    return say("stage", language, stage=stage_name(stage), left=left)


def met_text(met: Met, language: str) -> str:
    """A meter that was found."""
    found = met.found
    models = ", ".join(found.models) or say("no model", language)
    if len(found.models) > 1:
        models = say("one of", language, models=models)
    about = f", {_kind(found.about, language)}" if found.about else ""
    return say(
        "met", language, protocol=_TITLES[found.protocol], address=found.address, line=line_text(met.line),
        about=about, models=models,
    )  # fmt: skip


def verdict(met: Sequence[Met], notes: Sequence[Note], tally: Tally, language: str) -> list[str]:
    """What the scan as a whole comes to."""
    lines = [say("count", language, count=len(met))] if met else []
    if not met and not notes:
        heard = "garbage" if tally.answered else "echo" if tally.echoes else "nothing"
        lines.append(say(heard, language))
    if tally.unasked > _A_FEW:
        lines.append(say("unasked", language, size=tally.unasked))
    return lines


def config(port: str, met: Sequence[Met], language: str, *, is_line_known: bool = True) -> str:
    """A source with its meters as TOML, the places left to be filled in."""
    usual = Counter(one.line for one in met).most_common(1)[0][0]
    rows = [
        comment(say("head", language, port=port)), comment(say("fill", language)), "",
        "[[source]]", f"name = {quoted(_name(port))}", 'kind = "serial"', f"port = {quoted(_lasting(port))}",
    ]  # fmt: skip
    if is_line_known:
        rows.append(f"line = {quoted(line_text(usual))}")
    for one in met:
        rows += ["", *_device(one, language)]
        if one.line != usual:
            rows.append(f"  line = {quoted(line_text(one.line))}")
    return "\n".join(rows) + "\n"


def _device(met: Met, language: str) -> Iterator[str]:
    found = met.found
    about = f", {_kind(found.about, language)}" if found.about else ""
    yield f"  [[source.device]]   {comment(f'{_TITLES[found.protocol]}{about}')}"
    if len(found.models) == 1:
        model = found.models[0]
    elif found.models:
        model = "? " + say("pick", language, models=", ".join(found.models))
    else:
        model = "? " + say("make", language)
    yield f"  model = {quoted(model)}"
    yield f"  address = {quoted(found.address)}"
    yield f"  place = {quoted('? ' + say('place', language))}"


def _kind(about: str, language: str) -> str:
    return _KINDS_ZH.get(about, about) if language == "zh" else about


def _name(port: str) -> str:
    server = server_of(port)
    last = f"{server.host}-{server.port}" if server else Path(port).name
    return re.sub(r"[^\w.-]+", "-", last).strip("-.") or "line"


def _lasting(port: str) -> str:
    """The name of a port that stays the same when adapters are plugged in in another order."""
    if server_of(port) is not None or not _BY_ID.is_dir():
        return port
    links = (str(link) for link in sorted(_BY_ID.iterdir()) if os.path.realpath(link) == os.path.realpath(port))
    return next(links, port)
