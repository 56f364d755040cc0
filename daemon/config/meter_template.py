"""The template of a meter list: examples to be replaced, which no import takes, and what each column means."""

from collections.abc import Sequence
from pathlib import Path

from daemon.config.errors import Findings
from daemon.config.meter_cells import number_of
from daemon.config.meter_list import COLUMNS, Meter, title
from daemon.config.sheet import write_sheet

_SHOWN = ("place", "model", "address", "multiplier", "part", "every_s", "source", "line", "note")
_SHEETS = {"zh": ("表计清单", "说明"), "en": ("meters", "about")}
_EXAMPLES = (  # model, address, multiplier, every_s, line, note
    ("dlt645-single-phase", "000000012345", "", "30", "", {"zh": "示例，请删去", "en": "an example, delete it"}),
    ("dlt645-three-phase", "000000012346", "200/5", "60", "",
     {"zh": "示例：互感器 200/5", "en": "an example: transformers 200/5"}),
    ("eastron-sdm120", "17", "1", "", "9600 8N1", {"zh": "示例：Modbus", "en": "an example: Modbus"}),
)
_PLACES = ("dorm-1/101", "dorm-1/102", "dorm-1/103")
_NOTES = {
    "zh": (
        "每行一块表，删去示例行后填写。列的顺序不限，不认识的列不影响导入。",
        "位置：配置中的位置编号，如 dorm-1/101，或它的名称；也可以分“楼”和“房间”两列。必填，不要合并单元格。",
        "型号：caretaker models 列出的型号，如 dlt645-single-phase，也可写“DL/T 645-2007 单相电表”。必填。",
        "表地址：表上的通信地址，所有数字都要写。此列须为“文本”格式，否则开头的 0 和长号码的末尾会丢失。必填。",
        "  DL/T 645 为 12 位；CJ/T 188 为 14 位（前 4 位是厂家代码）；Modbus 为 1 到 247；M-Bus 为 1 到 250，或 16 位"
        "二级地址。",
        "倍率：互感器变比或脉冲倍率，如 40 或 200/5；表内已设的不要再写。不写则为 1。",
        "回路：一处有几块表时用来区分，如 lighting（照明）、sockets（插座）、ac（空调）。不写则为整个位置。",
        "间隔：每隔几秒读一次。不写则为 30。",
        "总线：配置中串口数据源的名称或串口；只有一条时可不写。",
        "串口参数：与总线不同时才写，如 9600 8N1。",
        "导入：caretaker import meters 本文件 --config caretaker.toml",
    ),
    "en": (
        "One meter a row; delete the examples. Columns may stand in any order, and others beside them do no harm.",
        "place: the id of a place in the configuration, such as dorm-1/101, or its name; or two columns, building and "
        "room. Needed; do not merge cells.",
        "model: one of those that caretaker models lists, such as dlt645-single-phase. Needed.",
        "address: the address for communication on the meter, with all its digits. The column must be formatted as "
        "text, or zeros in front and the end of long numbers are lost. Needed.",
        "  DL/T 645: 12 digits; CJ/T 188: 14 digits, the first four are the maker's; Modbus: 1 to 247; M-Bus: 1 to "
        "250, or the 16 digits of the secondary address.",
        "multiplier: the ratio of current transformers, or of pulses, such as 40 or 200/5, unless the meter knows it.",
        "part: tells several meters of one place apart, such as lighting, sockets or ac. Without: the whole place.",
        "every_s: how often it is read, in seconds. Without: 30.",
        "source: the name or the port of a serial line in the configuration; where there is one line alone, none.",
        "line: settings that differ from those of the line, such as 9600 8N1.",
        "Import it: caretaker import meters THIS_FILE --config caretaker.toml",
    ),
}  # fmt: skip


def write_template(file: Path, language: str, *, places: Sequence[str] = (), source: str = "") -> None:
    """Write a list with examples at these places on this line; FileExistsError if there is a file already."""
    named = [title(column) if language == "zh" else COLUMNS[column][0] for column in _SHOWN]
    rows = [named]
    for place, (model, address, multiplier, every_s, line, note) in zip(places or _PLACES, _EXAMPLES, strict=False):
        rows.append([place, model, address, multiplier, "", every_s, source, line, note[language]])
    write_sheet(file, _SHEETS[language], rows, _NOTES[language])


def is_example(meter: Meter) -> bool:
    """Whether a row is one of the examples as a whole, whatever its place and line, which the template looks up."""
    said = {key: value for key, value in meter.keys.items() if key != "place"}
    for model, address, multiplier, every_s, line, notes in _EXAMPLES:
        example: dict[str, object] = {"model": model, "address": address}
        example |= {"line": line} if line else {}
        for key, text in (("multiplier", multiplier), ("every_s", every_s)):
            example |= {key: number_of(text, (), Findings())} if text else {}
        if any(said == example | {"note": note} for note in notes.values()):
            return True
    return False
