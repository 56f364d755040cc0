"""Timetables of rooms: CSV as spreadsheets write it, ICS with its repetitions, and every mistake by its row."""

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

import daemon.config.ics
from daemon.config import ConfigError, load
from daemon.config.ics import MOST_EVENTS
from daemon.config.timetable import MOST_TOLD
from rules.calendar import Calendar, Lesson, Span
from rules.hours import Hours

SITE = """\
[site]
id = "s"
[[building]]
id = "teach-1"
name = "1号教学楼"
kind = "teaching"
rooms = ["101-103"]
[[building]]
id = "teach-2"
kind = "teaching"
rooms = ["101", "Lab"]
[[term]]
name = "autumn"
from = 2026-09-01
to = 2026-12-31
[[timetable]]
file = "{}"
"""
EIGHT, NINE = Span(480, 525), Span(535, 580)


def read(folder: Path, content: str | bytes, *, name: str = "timetable.csv", more: str = "") -> Calendar:
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    path = folder / "site.toml"
    path.write_text(SITE.format(name) + more, encoding="utf-8")
    loaded = load(path, environ={"LANG": "en"})
    assert loaded.warnings == ()
    return loaded.site.calendar


def mistakes(
    folder: Path, content: str, *, name: str = "timetable.csv", site: str = SITE, language: str = "en"
) -> list[str]:
    (folder / name).write_text(content, encoding="utf-8")
    path = folder / "site.toml"
    path.write_text(site.format(name), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(path, environ={"LANG": language})
    return [line.partition("timetable.file: ")[2] for line in refused.value.lines]


# -- CSV

ENGLISH = """room,weekday,start,end,week
teach-1/101,Monday,08:00,08:45,
teach-1/101,wed,8:55,9:40,odd
teach-2/Lab,7,08:00:00,08:45:00,2
"""
CHINESE = """教室,星期,开始时间,结束时间,单双周
1号教学楼101,周一,8:00,8:45,
teach-1/101,星期三,8：55,9：40,单周
lab,礼拜日,08:00,08:45,双
"""
LESSONS = {
    "teach-1/101": (Lesson(0, EIGHT), Lesson(2, NINE, 1)),
    "teach-2/Lab": (Lesson(6, EIGHT, 2),),
}


@pytest.mark.parametrize(
    "content",
    [
        ENGLISH.encode(), ENGLISH.replace(",", ";").encode(), ENGLISH.replace("\n", "\r\n").encode("utf-8-sig"),
        CHINESE.encode(), CHINESE.encode("gbk"), CHINESE.encode("gb18030"), CHINESE.replace(",", "\t").encode("utf-16"),
        ENGLISH.replace("\n", "\n\n,,,,\n").encode(),
    ],
    ids=["en", "semicolon", "bom", "zh", "gbk", "gb18030", "excel unicode", "empty rows"],
)  # fmt: skip
def test_a_timetable_is_read_as_spreadsheets_write_it(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path, content).timetable == LESSONS


def test_columns_come_in_any_order_and_others_are_left_alone(tmp_path: Path) -> None:
    rows = "课程,结束,开始,星期,房间\n数学,08:45,08:00,一、三,teach-1/102\n"
    assert read(tmp_path, rows).timetable == {"teach-1/102": (Lesson(0, EIGHT), Lesson(2, EIGHT))}


def test_rooms_may_stand_in_a_building_that_the_configuration_names(tmp_path: Path) -> None:
    rows = "room,weekday,start,end\n101,1,08:00,08:45\n"
    made = read(tmp_path, rows, more='building = "teach-2"\n')
    assert made.timetable == {"teach-2/101": (Lesson(0, EIGHT),)}


def test_two_files_are_one_timetable(tmp_path: Path) -> None:
    (tmp_path / "more.csv").write_text("room,weekday,start,end\nteach-1/101,2,08:00,08:45\n")
    made = read(tmp_path, ENGLISH, more='[[timetable]]\nfile = "more.csv"\n')
    assert made.timetable["teach-1/101"] == (Lesson(0, EIGHT), Lesson(1, EIGHT), Lesson(2, NINE, 1))


def test_every_bad_row_is_told_with_its_number(tmp_path: Path) -> None:
    rows = """room,weekday,start,end,week
teach-1/101,Monday,08:00,08:45,
teach-1/1O1,Monday,08:00,08:45,
teach-1/101,Mo,25:00,08:45,third
teach-1/101,Monday,08:45,08:00,
101,Monday,08:00,08:45,
teach-1/101
"""
    assert mistakes(tmp_path, rows) == [
        'row 3: no room "teach-1/1O1", allowed: teach-1, teach-1/101, teach-1/102, teach-1/103; '
        'did you mean "teach-1/101"?',
        'row 4: "Mo" cannot be read as weekday, allowed: Monday, Mon, 1, or several with commas',
        'row 4: "third" cannot be read as week, '
        'allowed: nothing, odd, even, or weeks of a [[term]] such as 1-8,10-16 odd',
        'row 4: "25:00" cannot be read as start, allowed: a time such as 08:00',
        'row 5: its end 08:00 does not lie after its start 08:45',
        'row 6: no room "101", allowed: teach-1, teach-2',  # which of the two?
        'row 7: "" cannot be read as weekday, allowed: Monday, Mon, 1, or several with commas',
        'row 7: "" cannot be read as start, allowed: a time such as 08:00',
        'row 7: "" cannot be read as end, allowed: a time such as 08:45',
    ]


def test_of_many_bad_rows_the_first_are_told_and_the_others_counted(tmp_path: Path) -> None:
    rows = "room,weekday,start,end\nteach-1/101,1,08:00,08:45\n" + "x,Mo,08:00,8:45\n" * 10_000
    said = mistakes(tmp_path, rows)
    assert said[:2] == [
        'row 3: no room "x", allowed: teach-1, teach-2',
        'row 3: "Mo" cannot be read as weekday, allowed: Monday, Mon, 1, or several with commas',
    ]
    assert said[2 * MOST_TOLD:] == ["and 9950 more mistakes like these"]
    events = ics(*(MATHS.replace("teach-1/101", f"{n}") for n in range(MOST_TOLD + 7)))
    assert mistakes(tmp_path, events, name="t.ics")[MOST_TOLD:] == ["and 7 more mistakes like these"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "its first line lacks a column: room, weekday, start, end"),
        ("room,weekday,from,x\n", "its first line lacks a column: end"),
        ("teach-1/101,1,08:00,08:45\n", "its first line lacks a column: room, weekday, start, end"),
    ],
)
def test_a_file_without_its_columns_is_told_once(tmp_path: Path, content: str, expected: str) -> None:
    (said,) = mistakes(tmp_path, content)
    assert said.startswith(expected)


SPRING = '[[term]]\nname = "spring"\nfrom = 2026-02-28\nto = 2026-03-31\n'  # from a Saturday: week 1 from 2 March


@pytest.mark.parametrize(
    ("week", "expected"),
    [
        ("1-16周", [(0, "2026-09-01", "2026-12-20"), (0, "2026-03-02", "2026-03-31")]),
        ("第2～3周（单）", [(1, "2026-09-07", "2026-09-20"), (1, "2026-03-09", "2026-03-22")]),
        ("2-3 even", [(2, "2026-09-07", "2026-09-20"), (2, "2026-03-09", "2026-03-22")]),
        ("1,17", [(0, "2026-09-01", "2026-09-06"), (0, "2026-12-21", "2026-12-27"), (0, "2026-03-02", "2026-03-08")]),
        ("17周", [(0, "2026-12-21", "2026-12-27")]),
    ],
)
def test_weeks_may_be_numbered_from_the_begin_of_each_term(
    tmp_path: Path, week: str, expected: list[tuple[int, str, str]]
) -> None:
    made = read(tmp_path, f"room;weekday;start;end;week\nteach-1/101;1;08:00;08:45;{week}\n", more=SPRING)
    days = [(parity, date.fromisoformat(first), date.fromisoformat(last)) for parity, first, last in expected]
    assert set(made.timetable["teach-1/101"]) == {Lesson(0, EIGHT, *held) for held in days}


@pytest.mark.parametrize("week", ["3", "0-4", "5-4", "1-", "1-999", "40-41周", "x周"])
def test_weeks_that_are_none(tmp_path: Path, week: str) -> None:
    (said,) = mistakes(tmp_path, f"room,weekday,start,end,week\nteach-1/101,1,08:00,08:45,{week}\n")
    assert said.startswith(f'row 2: "{week}" cannot be read as week, allowed: ')


def test_mistakes_are_told_in_chinese_throughout(tmp_path: Path) -> None:
    rows = "教室,星期,开始,结束,单双周\nteach-1/101,周八,10:00,9:00,三\n"
    assert mistakes(tmp_path, rows, language="zh") == [
        "第 2 行：“周八”不能作为星期，可写：周一、星期一、一、1，可用顿号写几天",
        "第 2 行：“三”不能作为单双周，可写：不写、单、双，或学期（须写 [[term]]）中的周次，如 1-16周、1-8,10-16周(单)",
        "第 2 行：结束 9:00 不在开始 10:00 之后",
    ]
    (said,) = mistakes(tmp_path, "教室,x\n", language="zh")
    assert said.startswith("第一行缺少列：星期, 开始, 结束；")


def test_no_file_is_a_mistake_and_a_folder_too(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE.format("none.csv") + '[[timetable]]\nfile = "."\n', encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(tmp_path / "site.toml", environ={"LANG": "en"})
    assert [line.partition("timetable.file: ")[2] for line in refused.value.lines] == [
        'no such file "none.csv"', 'cannot read ".": Is a directory',
    ]  # fmt: skip


# -- ICS


def ics(*events: str) -> str:
    body = "".join(f"BEGIN:VEVENT\n{event.strip()}\nEND:VEVENT\n" for event in events)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//x//EN\n{body}END:VCALENDAR\n"


MATHS = """UID:1
SUMMARY:数学
LOCATION:teach-1/101
DTSTART;TZID=Asia/Shanghai:20260902T080000
DTEND;TZID=Asia/Shanghai:20260902T084500
"""
WEDNESDAYS = date(2026, 9, 2), date(2026, 12, 30)

EVENTS = {
    "once": (MATHS, [Lesson(2, EIGHT, 0, WEDNESDAYS[0], WEDNESDAYS[0])]),
    "weekly": (MATHS + "RRULE:FREQ=WEEKLY\n", [Lesson(2, EIGHT, 0, *WEDNESDAYS)]),
    "by days": (MATHS + "RRULE:FREQ=WEEKLY;BYDAY=WE,FR;COUNT=4\n", [
        Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 9, 9)),
        Lesson(4, EIGHT, 0, date(2026, 9, 4), date(2026, 9, 11)),
    ]),
    "every second week": (MATHS + "RRULE:FREQ=WEEKLY;INTERVAL=2;COUNT=3\n",
                          [Lesson(2, EIGHT, 1, date(2026, 9, 2), date(2026, 9, 30))]),
    "until, in UTC": (MATHS + "RRULE:FREQ=WEEKLY;UNTIL=20260916T000000Z\n",
                      [Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 9, 16))]),
    "until a day": (MATHS + "RRULE:FREQ=WEEKLY;UNTIL=20260916\n",
                    [Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 9, 16))]),
    "with exceptions": (
        MATHS + "RRULE:FREQ=WEEKLY;COUNT=6\nEXDATE;TZID=Asia/Shanghai:20260909T080000,20260923T080000\n",
        [Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 10, 7), (date(2026, 9, 9), date(2026, 9, 23)))],
    ),
    "more days": (MATHS + "RDATE;TZID=Asia/Shanghai:20260905T080000\n", [
        Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 9, 2)),
        Lesson(5, EIGHT, 0, date(2026, 9, 5), date(2026, 9, 5)),
    ]),
    "no rhythm": (MATHS + "RDATE;TZID=Asia/Shanghai:20261125T080000\n", [
        Lesson(2, EIGHT, 0, day, day) for day in (date(2026, 9, 2), date(2026, 11, 25))
    ]),
    "in UTC": (MATHS.replace(";TZID=Asia/Shanghai", "").replace("T080000", "T000000Z").replace("T084500", "T004500Z"),
               [Lesson(2, EIGHT, 0, WEDNESDAYS[0], WEDNESDAYS[0])]),
    "without a zone": (MATHS.replace(";TZID=Asia/Shanghai", ""),
                       [Lesson(2, EIGHT, 0, WEDNESDAYS[0], WEDNESDAYS[0])]),
    "by its duration": (MATHS.replace("DTEND;TZID=Asia/Shanghai:20260902T084500", "DURATION:PT45M"),
                        [Lesson(2, EIGHT, 0, WEDNESDAYS[0], WEDNESDAYS[0])]),
    "before and after the term": (MATHS.replace("20260902", "20260805") + "RRULE:FREQ=WEEKLY\n",
                                  [Lesson(2, EIGHT, 0, *WEDNESDAYS)]),
    "cancelled": (MATHS + "STATUS:CANCELLED\n", []),
    "over midnight": (MATHS.replace("20260902T084500", "20260903T010000"), []),
}  # fmt: skip


@pytest.mark.parametrize(("event", "expected"), EVENTS.values(), ids=EVENTS)
def test_events_become_weekly_lessons(tmp_path: Path, event: str, expected: list[Lesson]) -> None:
    made = read(tmp_path, ics(event), name="t.ics")
    assert made.timetable == ({"teach-1/101": tuple(expected)} if expected else {})


def test_a_day_that_was_moved_is_held_where_it_was_moved_to(tmp_path: Path) -> None:
    moved = MATHS.replace("20260902T", "20260917T").replace("teach-1/101", "teach-1/102")
    moved += "RECURRENCE-ID;TZID=Asia/Shanghai:20260916T080000\n"
    gone = MATHS + "RECURRENCE-ID;TZID=Asia/Shanghai:20260923T080000\nSTATUS:CANCELLED\n"
    made = read(tmp_path, ics(MATHS + "RRULE:FREQ=WEEKLY;COUNT=5\n", moved, gone), name="t.ics")
    assert made.timetable == {
        "teach-1/101": (Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 9, 30),
                               (date(2026, 9, 16), date(2026, 9, 23))),),
        "teach-1/102": (Lesson(3, EIGHT, 0, date(2026, 9, 17), date(2026, 9, 17)),),
    }  # fmt: skip


def test_lessons_are_held_on_exactly_the_days_of_the_file(tmp_path: Path) -> None:
    event = MATHS + "RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20261130\nEXDATE;TZID=Asia/Shanghai:20260914T080000\n"
    made = read(tmp_path, ics(event), name="t.ics")
    hours = Hours(made, "teaching", made.usual, timetable=made.timetable["teach-1/101"])
    days = [date(2026, 8, 25) + timedelta(days=count) for count in range(110)]
    held = {day for day in days if hours.lesson(made.at_minute(day, 500)).open}
    meant = {day for day in days if day.weekday() in (0, 2) and date(2026, 9, 2) <= day <= date(2026, 11, 30)}
    free = {date(2026, 9, 14), *(date(2026, 10, day) for day in range(1, 8))}      # left out, and a holiday
    assert held == meant - free | {date(2026, 10, 10)}  # a Saturday that follows a Wednesday


def test_events_that_are_no_lessons_are_a_warning(tmp_path: Path) -> None:
    whole_day = "UID:2\nSUMMARY:x\nLOCATION:teach-1/101\nDTSTART;VALUE=DATE:20260902\n"
    nowhere = MATHS.replace("LOCATION:teach-1/101\n", "")
    with pytest.raises(AssertionError, match="2 events name no place or no time"):
        read(tmp_path, ics(MATHS, whole_day, nowhere), name="t.ics")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (ics(MATHS, MATHS.replace("1/101", "1/104"), MATHS.replace("teach-1/101", "Aula")),
         ['event 2: no room "teach-1/104", allowed: teach-1, teach-1/101, teach-1/102, teach-1/103',
          'event 3: no room "Aula", allowed: teach-1, teach-2']),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT\n", ["cannot be read as a timetable: "]),
        ("hello", ["cannot be read as a timetable: "]),
        (ics("LOCATION:teach-1/101\n"), ["cannot be read as a timetable: "]),
        (ics(MATHS + "RRULE:FREQ=SECONDLY\n"), ["cannot be read as a timetable: 数学: FREQ=SECONDLY"]),
        (ics(MATHS + "RRULE:FREQ=minutely;BYMONTH=2;BYMONTHDAY=30\n"),
         ["cannot be read as a timetable: 数学: FREQ=MINUTELY"]),
        (ics(MATHS + "RRULE:FREQ=DAILY;INTERVAL=0\n"), ["cannot be read as a timetable: 数学: INTERVAL=0"]),
        (ics(MATHS + "RRULE:FREQ=YEARLY;INTERVAL=-1\n"), ["cannot be read as a timetable: 数学: INTERVAL=-1"]),
        (ics(MATHS + "RRULE:FREQ=DAILY;BYSECOND=1,2\n"), ["cannot be read as a timetable: 数学: BYSECOND=1,2"]),
        (ics(MATHS).replace("BEGIN:VEVENT\n", "BEGIN:VEVENT\n" * (MOST_EVENTS + 1)),
         [f"cannot be read as a timetable: > {MOST_EVENTS} VEVENT"]),
        (ics(MATHS + "RRULE:FREQ=FORTNIGHTLY\n"), ["cannot be read as a timetable: "]),
    ],
    ids=["rooms", "cut", "text", "no start", "endless", "no day", "no step", "backward", "seconds", "long", "no rule"],
)  # fmt: skip
def test_what_is_wrong_in_an_ics_is_a_message(tmp_path: Path, content: str, expected: list[str]) -> None:
    said = mistakes(tmp_path, content, name="t.ics")
    assert len(said) == len(expected), said
    assert all(line.startswith(start) for line, start in zip(said, expected, strict=True)), said


def test_the_repeats_of_all_events_are_bounded_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon.config.ics, "MOST_REPEATS", 20)
    weekly = MATHS + "RRULE:FREQ=WEEKLY;COUNT=10\n"
    assert len(read(tmp_path, ics(weekly, weekly), name="t.ics").timetable) == 1
    said = mistakes(tmp_path, ics(weekly, weekly, MATHS), name="t.ics")
    assert said == ["cannot be read as a timetable: 数学: > 20"]


def test_an_ics_needs_a_term(tmp_path: Path) -> None:
    without = SITE.replace('[[term]]\nname = "autumn"\nfrom = 2026-09-01\nto = 2026-12-31\n', "")
    assert mistakes(tmp_path, ics(MATHS), name="t.ics", site=without) == [
        "a timetable as .ics needs a [[term]], for the days to lay it out over"
    ]


def test_a_lesson_over_the_change_of_clocks_stays_at_its_hour(tmp_path: Path) -> None:
    event = MATHS.replace("Asia/Shanghai", "Europe/Berlin") + "RRULE:FREQ=WEEKLY;COUNT=12\n"
    (tmp_path / "t.ics").write_text(ics(event))
    text = SITE.format("t.ics").replace('id = "s"', 'id = "s"\ntimezone = "Europe/Berlin"')
    (tmp_path / "site.toml").write_text(text, encoding="utf-8")
    made = load(tmp_path / "site.toml", environ={}).site.calendar
    assert made.timetable["teach-1/101"] == (Lesson(2, EIGHT, 0, date(2026, 9, 2), date(2026, 11, 18)),)
    assert made.local(made.at_minute(date(2026, 11, 18), 480)) == datetime(2026, 11, 18, 8, tzinfo=made.zone)
