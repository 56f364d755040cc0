"""What deploy/ ships is sound: lock files, scripts, the broker's settings, the unit, the distribution."""

import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue
from threading import Event

import paho.mqtt.client as mqtt
import pytest
from broker import program
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from paho.mqtt.enums import CallbackAPIVersion
from tracked import ROOT, text_of, tracked

PACKAGES = ("adapters", "daemon", "dashboard", "rules")
RUNTIME, TEST = Path("deploy/requirements.txt"), Path("deploy/requirements-test.txt")
SCRIPTS = [path for path in tracked("deploy", ".ci") if (text_of(path) or "").startswith("#!")]
WAIT_SECONDS = 20

# Brackets keep these patterns from finding themselves.
MACHINE_WORDS = re.compile(
    r"pypi[.]org|python[h]osted|deb[.]debian|debian[.]org/debian|registry[.]npm|npm[j]s|tuna[.]tsing|aliyun[.]com"
    r"|--(extra-)?index[-]url|(?<![\w.])/(work|root|opt/pypi)[/]|[.]py[e]nv|/home/\w+[/]"
)


def requirements(path: Path) -> dict[str, tuple[str, list[str]]]:
    """Locked name -> its requirement and its hashes."""
    found: dict[str, tuple[str, list[str]]] = {}
    for entry in re.split(r"\n(?=\S)", (text_of(path) or "").strip()):
        if not entry.startswith("#"):
            requirement, *hashes = re.split(r"\s*\\\n\s*", entry)
            found[canonicalize_name(Requirement(requirement).name)] = (requirement, hashes)
    return found


def project() -> dict[str, list[str]]:
    """What pyproject.toml asks for, by lock file."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras, groups = table["project"]["optional-dependencies"], table["dependency-groups"]
    runtime = [*table["build-system"]["requires"], *table["project"]["dependencies"], *extras["demo"], *groups["build"]]
    return {str(RUNTIME): runtime, str(TEST): runtime + groups["test"]}


def test_the_project_names_no_registry_and_no_path_of_a_machine() -> None:
    found = {str(path): match[0] for path in tracked() if (match := MACHINE_WORDS.search(text_of(path) or ""))}
    assert found == {}


@pytest.mark.parametrize("path", [RUNTIME, TEST], ids=str)
def test_a_lock_file_holds_names_versions_and_hashes_alone(path: Path) -> None:
    assert "://" not in (text_of(path) or "")
    for requirement, hashes in requirements(path).values():
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", requirement)
        assert hashes
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes)


@pytest.mark.parametrize("path", [RUNTIME, TEST], ids=str)
def test_a_lock_file_holds_all_that_the_project_asks_for(path: Path) -> None:
    locked = requirements(path)
    for asked in map(Requirement, project()[str(path)]):
        requirement, _ = locked[canonicalize_name(asked.name)]
        version = requirement.split(";")[0].split("==")[1].strip()
        assert asked.specifier.contains(version), f"{asked} is locked as {version}: run deploy/lock"


def test_tests_run_on_the_versions_that_are_deployed() -> None:
    runtime, test = requirements(RUNTIME), requirements(TEST)
    assert {name: test.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("path", SCRIPTS, ids=str)
def test_a_script_is_executable_and_parses(path: Path) -> None:
    assert os.access(ROOT / path, os.X_OK)
    checked = subprocess.run(["bash", "-n", ROOT / path], capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_all_commands_are_there() -> None:
    assert {".ci/run", "deploy/setup", "deploy/demo", "deploy/test", "deploy/bench"} <= {str(path) for path in SCRIPTS}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--wheels"], "--wheels wants a folder"),
        (["--wheels", "/nowhere"], "--wheels wants a folder"),
        (["--what"], "Unknown argument: --what"),
    ],
    ids=str,
)
def test_setup_explains_a_wrong_argument(arguments: list[str], said: str) -> None:
    run = subprocess.run([ROOT / "deploy/setup", *arguments], capture_output=True, text=True)
    assert run.returncode == 1
    assert said in run.stderr


def test_setup_refuses_an_old_python(tmp_path: Path) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    run = subprocess.run(
        [ROOT / "deploy/setup"], capture_output=True, text=True, env={**os.environ, "PYTHON": str(old)},
    )
    assert run.returncode == 1
    assert "Python 3.11 or newer is needed" in run.stderr


@pytest.mark.parametrize("name", PACKAGES)
def test_the_four_names_belong_to_this_distribution_alone(name: str) -> None:
    try:
        installed = distribution("campus-caretaker")
    except PackageNotFoundError:
        pytest.skip("the project is not installed here; deploy/setup installs it")
    assert set(packages_distributions().get(name, ())) <= {installed.name}
    spec = find_spec(name)
    assert spec is not None
    assert list(spec.submodule_search_locations or ()) == [str(ROOT / name)]


def test_the_wheel_holds_the_four_packages_with_all_their_files(tmp_path: Path) -> None:
    if find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed here; deploy/setup installs it")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT, check=True, capture_output=True,
    )
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        held = set(wheel.namelist())
    assert {name.split("/")[0] for name in held if ".dist-info/" not in name} == set(PACKAGES)
    assert {str(path) for path in tracked(*PACKAGES)} <= held


def test_the_unit_is_accepted_by_systemd(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here")
    shipped = (ROOT / "deploy/systemd/caretaker.service").read_text("utf-8")
    unit = tmp_path / "caretaker.service"
    unit.write_text(shipped.replace("/opt/caretaker/.venv/bin/caretaker", shutil.which("true") or "/bin/true"))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True)
    about_it = [line for line in checked.stderr.splitlines() if "caretaker.service" in line]
    assert (checked.returncode, about_it) == (0, [])


def test_the_unit_waits_for_whatever_keeps_the_time() -> None:
    shipped = text_of(Path("deploy/systemd/caretaker.service")) or ""
    after = {name for line in re.findall(r"^After=(.*)$", shipped, re.MULTILINE) for name in line.split()}
    assert after >= {"chrony.service", "ntpsec.service", "systemd-timesyncd.service", "time-sync.target"}


@pytest.mark.parametrize("name", ["caretaker.db", "caretaker.db-wal", "caretaker.lock", "caretaker.secret"])
def test_what_the_daemon_leaves_beside_its_data_is_never_committed(name: str) -> None:
    assert subprocess.run(["git", "check-ignore", "-q", name], cwd=ROOT).returncode == 0


def test_without_a_broker_nothing_is_skipped() -> None:
    with pytest.raises(RuntimeError, match="deploy/test installs it"):
        program("mosquitto-that-is-nowhere")


class Broker:
    """Debian's mosquitto under the shipped settings, on a free port, its files in one folder."""

    ACCOUNTS = ("caretaker", "meter-1", "dorm-1")

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        passwords = folder / "caretaker.passwd"
        passwords.touch(0o600)
        for name in self.ACCOUNTS:
            subprocess.run([program("mosquitto_passwd"), "-b", passwords, name, name], check=True, capture_output=True)
        acl = shutil.copy(ROOT / "deploy/mosquitto/acl", folder / "caretaker.acl")
        settings = (ROOT / "deploy/mosquitto/caretaker.conf").read_text("utf-8")
        for shipped, here in [
            ("/etc/mosquitto/caretaker.passwd", str(passwords)),
            ("/etc/mosquitto/caretaker.acl", str(acl)),
            ("listener 1883 127.0.0.1", f"listener {self.port} 127.0.0.1"),
        ]:
            assert settings.count(f"\n{shipped}\n") + settings.count(f" {shipped}\n") == 1
            settings = settings.replace(shipped, here, 1)
        conf = folder / "mosquitto.conf"
        conf.write_text(f"{settings}\nuser root\npersistence_location {folder}/\n")   # the folder is the tester's own
        self.process = subprocess.Popen(
            [program("mosquitto"), "-c", conf], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if " running" in line:
                return
        raise AssertionError("".join(said))

    def close(self) -> None:
        """End it and wait for its end."""
        self.process.terminate()
        self.process.communicate(timeout=WAIT_SECONDS)


class Client:
    """A connected client that keeps what it receives."""

    def __init__(self, broker: Broker, name: str, password: str, *filters: str) -> None:
        self.received: Queue[tuple[str, int]] = Queue()
        self.answer = ""
        self._ready = Event()
        self.mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=name or "nameless", protocol=mqtt.MQTTv311, clean_session=False,
        )
        if name:
            self.mqtt.username_pw_set(name, password)
        self.mqtt.on_message = lambda _client, _data, message: self.received.put((message.topic, message.qos))
        self.mqtt.on_subscribe = lambda *_: self._ready.set()

        def connected(client: mqtt.Client, _data: object, _flags: object, reason: object, _properties: object) -> None:
            self.answer = str(reason)
            if filters and self.answer == "Success":
                client.subscribe([(each, 1) for each in filters])
            else:
                self._ready.set()

        self.mqtt.on_connect = connected
        self.mqtt.connect("127.0.0.1", broker.port)
        self.mqtt.loop_start()
        assert self._ready.wait(WAIT_SECONDS)

    def close(self) -> None:
        """Leave, keeping the session."""
        self.mqtt.disconnect()
        self.mqtt.loop_stop()

    def publish(self, topic: str, *, qos: int) -> None:
        """Publish and wait until it has left."""
        self.mqtt.publish(topic, "1", qos=qos).wait_for_publish(WAIT_SECONDS)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    yield running
    running.close()


@pytest.mark.parametrize(("name", "password"), [("nobody", "nobody"), ("caretaker", "wrong"), ("", "")], ids=str)
def test_the_broker_knows_its_clients(broker: Broker, name: str, password: str) -> None:
    stranger = Client(broker, name, password)
    stranger.close()
    assert stranger.answer == "Not authorized"


def test_a_sensor_writes_below_its_own_name_and_reads_nothing(broker: Broker) -> None:
    caretaker, meter = Client(broker, "caretaker", "caretaker", "#"), Client(broker, "meter-1", "meter-1", "#")
    for topic in ("meters/meter-2/power", "caretaker/x", "other", "meters/meter-1/power"):
        meter.publish(topic, qos=1)
    assert caretaker.received.get(timeout=WAIT_SECONDS) == ("meters/meter-1/power", 1)
    caretaker.publish("caretaker/one/marker", qos=1)
    assert caretaker.received.get(timeout=WAIT_SECONDS) == ("caretaker/one/marker", 1)
    assert meter.mqtt.is_connected()
    meter.close()
    caretaker.close()
    with pytest.raises(Empty):
        meter.received.get_nowait()


def test_the_sensors_of_a_building_write_the_topics_that_init_proposes(broker: Broker) -> None:
    document = tomllib.loads((ROOT / "daemon/config/starting/en.toml").read_text("utf-8"))
    topics = [each["filter"] for source in document["source"] for each in source["topic"]]
    theirs, foreign = ([each.format(building=name, room="101") for each in topics] for name in ("dorm-1", "dorm-2"))
    caretaker, building = Client(broker, "caretaker", "caretaker", "#"), Client(broker, "dorm-1", "dorm-1")
    for topic in (*foreign, *theirs):
        building.publish(topic, qos=1)
    came = [caretaker.received.get(timeout=WAIT_SECONDS)[0] for _ in theirs]
    building.close()
    caretaker.close()
    assert came == theirs


def test_the_broker_takes_no_message_above_one_mebibyte(broker: Broker) -> None:
    caretaker, meter = Client(broker, "caretaker", "caretaker", "#"), Client(broker, "meter-1", "meter-1")
    for name, size in (("most", 2**20), ("more", 2**20 + 1), ("last", 1)):
        meter.mqtt.publish(f"meters/meter-1/{name}", bytes(size), qos=1).wait_for_publish(WAIT_SECONDS)
    came = [caretaker.received.get(timeout=WAIT_SECONDS)[0] for _ in range(2)]
    meter.close()
    caretaker.close()
    assert came == ["meters/meter-1/most", "meters/meter-1/last"]


def test_the_broker_keeps_what_came_while_caretaker_was_away(broker: Broker) -> None:
    Client(broker, "caretaker", "caretaker", "meters/#").close()
    meter = Client(broker, "meter-1", "meter-1")
    for _ in range(1499):   # above mosquitto's own limit of 1,000
        meter.mqtt.publish("meters/meter-1/power", "1", qos=0)
    meter.publish("meters/meter-1/last", qos=1)
    meter.close()
    caretaker = Client(broker, "caretaker", "caretaker")
    kept = [caretaker.received.get(timeout=WAIT_SECONDS) for _ in range(1500)]
    caretaker.close()
    assert kept[-1] == ("meters/meter-1/last", 1)
    assert {qos for _, qos in kept} == {1}
