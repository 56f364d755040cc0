"""Publishing as a school sets it: the configuration, what is left out, and a whole gateway at a real broker."""

import json
import time
from pathlib import Path

import pytest
from broker import mosquitto
from campus import NOW, busy_campus
from test_adapters_mqtt import publish
from test_adapters_publisher import Listener

from adapters.publish import Publishing
from daemon.clock import SystemClock
from daemon.config import ConfigError, Loaded, load
from daemon.publishing import Publication
from daemon.wiring import wire

SCHOOL = """\
[site]
id = "s"
name = "一中"
clock = "trust"
grace_s = 0
[panel]
listen = "127.0.0.1:0"
[store]
commit_s = 0.1
[[building]]
id = "d"
kind = "dormitory"
rooms = ["101-102"]
washrooms = ["1F-wash"]
[[building]]
id = "t"
kind = "teaching"
rooms = ["105"]
[[building]]
id = "h"
kind = "staff_housing"
rooms = ["1"]
[[source]]
name = "broker"
kind = "mqtt"
url = "mqtt://127.0.0.1:{port}"
username = "caretaker"
  [[source.topic]]
  filter = "meters/{{building}}/{{room}}"
  payload = "number"
  quantity = "power_w"
"""


def school(folder: Path, publish_table: str, *, port: int = 1883) -> Loaded:
    path = folder / "caretaker.toml"
    path.write_text(SCHOOL.format(port=port) + publish_table, encoding="utf-8")
    return load(path, environ={"LANG": "en"})


def publishing_of(folder: Path, keys: str) -> Publishing:
    found = school(folder, f'[publish]\nsource = "broker"\n{keys}').publishing
    assert found is not None
    return found


def test_nothing_is_published_unless_it_is_written(tmp_path: Path) -> None:
    assert school(tmp_path, "").publishing is None


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        ("", {"d", "d/1F-wash", "t", "t/105", "h"}),  # no room where somebody lives
        ("dorm_rooms = true", {"d", "d/101", "d/102", "d/1F-wash", "t", "t/105", "h", "h/1"}),
        ('where = { building = "d" }', {"d", "d/1F-wash"}),
        ('where = { kind = "dorm_room" }', set()),
        ('where = { kind = "dorm_room" }\ndorm_rooms = true\nexcept = "d/102"', {"d/101"}),
        ('except = ["t", "d"]', {"d/1F-wash", "t/105", "h"}),
    ],
)
def test_which_places_are_published(tmp_path: Path, keys: str, places: set[str]) -> None:
    assert publishing_of(tmp_path, keys).places == places


def test_the_broker_of_a_source_or_another_one(tmp_path: Path) -> None:
    found = publishing_of(tmp_path, 'discovery = "none"\nprefix = "a/b"')
    assert (found.host, found.port, found.username, found.client_id) == ("127.0.0.1", 1883, "caretaker",
                                                                         "caretaker-s-publish")  # fmt: skip
    assert (found.status_topic, found.discovery) == ("a/b/s/status", "")
    other = school(tmp_path, '[publish]\nsource = "mqtts://hub:9"\nusername = "u"\n').publishing
    assert other is not None
    assert (other.host, other.port, other.tls, other.username, other.password) == ("hub", 9, True, "u", None)


@pytest.mark.parametrize(
    ("table", "line", "said"),
    [
        ('source = "brokr"', 38, 'publish.source: unknown source "brokr"'),
        ('source = "http://x"', 38, "publish.source: not the address of a broker"),
        ('source = "broker"\nusername = "u"', 39, 'publish.username: the source "broker" says this already'),
        ('source = "mqtt://x"\npassword_file = "p"', 39, "publish.password_file: a password needs a username"),
        ('source = "broker"\nprefix = "a/#"', 39, 'publish.prefix: "a/#" cannot begin a topic'),
        ('source = "broker"\nprefix = "$SYS"', 39, 'publish.prefix: "$SYS" cannot begin a topic'),
        ('source = "broker"\nexcept = ["t/106"]', 39, 'publish.except: unknown place "t/106"'),
        ('source = "broker"\nwhere = { kind = "dorm" }', 39, 'publish.where.kind: unknown kind "dorm"'),
        ('source = "broker"\nevery_s = 0.1', 39, "publish.every_s: too small"),
        ('prefix = "x"', 37, "publish.source: this key is needed here"),
    ],
)
def test_mistakes_are_told_where_they_are(tmp_path: Path, table: str, line: int, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        school(tmp_path, f"[publish]\n{table}\n")
    shift = SCHOOL.count("\n") - 36
    assert any(f"caretaker.toml:{line + shift}: {said}" in text for text in error.value.lines), error.value.lines


def test_that_nothing_is_left_to_publish_is_said(tmp_path: Path) -> None:
    made = school(tmp_path, '[publish]\nsource = "broker"\nwhere = { kind = "dorm_room" }\n')
    assert any("dorm_rooms = true" in warning for warning in made.warnings)


def test_alerts_are_said_in_the_language_of_the_site_and_none_of_a_dorm_room() -> None:
    campus = busy_campus()
    places = frozenset({"teach-1/105", "dorm-3/1F-wash"})
    publishing = Publishing(host="h", port=1, site="no1", client_id="c", places=places)
    wanted = Publication(publishing, campus, language="zh").wanted()
    assert wanted is not None
    told = {topic: json.loads(item.payload) for topic, item in wanted.items() if "/alerts/" in topic}
    assert list(told) == ["caretaker/no1/alerts/12"]  # not the heater in dorm-3/402, nor what is over
    alert = told["caretaker/no1/alerts/12"]
    assert alert["severity"] == "critical"
    assert alert["since"] == "2026-02-05T12:51:00+08:00"
    assert alert["place_name"] == "3号宿舍楼 1F-wash"
    assert "42 分钟" in alert["sentence"]
    state = json.loads(wanted["caretaker/no1/gateway"].payload)
    assert state == {"open_alerts": 1, "worst": "critical", "offline": ["dorm-3 bus"], "notices": []}
    assert not any("402" in topic for topic in wanted)
    assert wanted["caretaker/no1/source/dorm-3 bus/online"].payload == b"0"


def test_a_gateway_that_cannot_answer_publishes_nothing_new() -> None:
    class Busy(type(busy_campus())):  # type: ignore[misc]
        def latest(self) -> dict[str, object]:
            raise TimeoutError

    publishing = Publishing(host="h", port=1, site="no1", client_id="c", places=frozenset())
    campus = busy_campus()
    assert Publication(publishing, Busy(campus.site), language="en").wanted() is None


def test_readings_are_told_every_few_seconds_at_most() -> None:
    campus = busy_campus()
    publishing = Publishing(host="h", port=1, site="no1", client_id="c", places=frozenset({"teach-1/105"}), every_s=5.0)
    publication, topic = Publication(publishing, campus, language="en"), "caretaker/no1/teach-1/105/lighting/power_w"
    told = []
    for second in range(12):
        campus.at = NOW + second
        campus.newest["teach-1/105/lighting/power_w"] = campus.newest["teach-1/105/lighting/power_w"]._replace(
            at=campus.at, value=float(second)
        )
        wanted = publication.wanted()
        assert wanted is not None
        told.append(wanted[topic].payload)
    assert told == [b"0"] * 5 + [b"5"] * 5 + [b"10"] * 2


def test_a_gateway_publishes_what_it_measures_and_not_where_people_live(tmp_path: Path) -> None:
    with mosquitto(tmp_path) as broker:
        made = school(tmp_path, '[publish]\nsource = "broker"\nevery_s = 1\n', port=broker.port)
        listener = Listener(broker.port)
        gateway = wire(made, SystemClock(trusted=True), died=lambda _: None)
        gateway.start()
        listener.wait(lambda there: there.get("caretaker/s/source/broker/online") == b"1")
        publish(broker.port, [("meters/d/101", b"1500"), ("meters/t/105", b"61.7")])
        listener.wait(lambda there: there.get("caretaker/s/t/105/power_w") == b"61.7")
        assert listener.there["caretaker/s/status"] == b"online"
        assert json.loads(listener.there["caretaker/s/gateway"])["open_alerts"] == 0
        config = next(json.loads(text) for topic, text in listener.there.items() if "t_105_power_w" in topic)
        assert (config["state_topic"], config["name"]) == ("caretaker/s/t/105/power_w", "功率")
        began = time.monotonic()
        gateway.stop()
        assert time.monotonic() - began < 5.0
        listener.wait(lambda there: there["caretaker/s/status"] == b"offline")
        listener.close()
    assert not any("101" in topic for topic in listener.there)
