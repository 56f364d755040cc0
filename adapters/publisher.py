"""The MQTT client that publishes: keeps the topics of one gateway as they are wanted, and says whether it is there.

A thread and a connection of its own, so that a dead broker stalls nobody. After connecting it reads what is retained
on its topics; its own word "online", which comes back behind all of that, says that it has seen everything.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from adapters.mqtt_client import CONNECT_S, plain_client
from adapters.publish import OFFLINE, ONLINE, Publishing, Retained, changes, mark

log = logging.getLogger("caretaker.publish")

KEEPALIVE_S = 30
LOOP_S = 0.5
SYNC_S = 10.0          # how long the broker may take to give back what is there
LATE_S = 5.0           # some brokers send what is retained behind what is published
FAREWELL_S = 2.0
LONGEST_PAUSE_S = 60.0
STEADY_S = 30.0
BURST = 200            # messages at once, so that none waits in memory for long
MOST_TOPICS = 100_000  # a broker that invents topics of ours must not fill the memory

Wanted = Callable[[], Mapping[str, Retained] | None]


class Publisher:
    """A thread that publishes what `wanted` says, at most every `every_s` and when `ring` is called."""

    def __init__(self, publishing: Publishing, *, wanted: Wanted) -> None:
        self._publishing = publishing
        self._wanted = wanted
        self._stopping = threading.Event()
        self._bell = threading.Event()
        self._there: dict[str, tuple[int, int]] = {}
        self._plan: Iterator[tuple[str, bytes]] = iter(())
        self._asked: Mapping[str, Retained] = {}
        self._next = 0.0
        self._accepted_at: float | None = None
        self._synced_at: float | None = None
        self._is_listening = False
        self._refusal = ""
        self._is_down = False
        self._thread = threading.Thread(target=self._run, name="publish", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ring(self) -> None:
        """Say that something changed that is worth telling at once; from any thread, never blocks."""
        self._bell.set()

    def stop(self, timeout_s: float = CONNECT_S + FAREWELL_S) -> None:
        """Say "offline" and hang up."""
        self._stopping.set()
        self._thread.join(timeout_s)

    # -- the thread

    def _run(self) -> None:
        pause = 1.0
        while not self._stopping.is_set():
            began = time.monotonic()
            reason = self._connection()
            if self._stopping.is_set():
                return
            if self._accepted_at is not None and time.monotonic() - began > STEADY_S:
                pause = 1.0
            if not self._is_down:
                log.warning("publishing waits for %s: %s", self._address(), reason)
            self._is_down = True
            self._stopping.wait(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _connection(self) -> str:
        """Connect and publish until the connection ends; why it ended."""
        self._accepted_at = self._synced_at = None
        self._refusal = ""
        self._there, self._plan = {}, iter(())
        try:
            client = self._make_client()
            client.connect(self._publishing.host, self._publishing.port, KEEPALIVE_S)
            while not self._stopping.is_set():
                outcome = client.loop(0.0 if self._work(client) else LOOP_S)
                if self._refusal or outcome != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    client.disconnect()
                    return self._refusal or "connection lost"
            self._say_goodbye(client)
        except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
            return str(error)
        return "stopped"

    def _work(self, client: paho.Client) -> bool:
        """Publish what differs, a burst at a time; whether there is more to do at once."""
        now = time.monotonic()
        if not self._has_synced(client, now) or client.want_write():
            return False
        if now >= self._next or self._bell.is_set():
            self._bell.clear()
            self._next = now + self._publishing.every_s
            asked = self._wanted()
            if asked is not None:
                self._asked, self._plan = asked, changes(dict(self._there), asked)
        sent = 0
        for topic, payload in islice(self._plan, BURST):
            client.publish(topic, payload, 0, retain=True)
            sent += 1
            if payload:
                self._there[topic] = mark(self._asked[topic])
            else:
                del self._there[topic]
        return sent == BURST

    def _has_synced(self, client: paho.Client, now: float) -> bool:
        """Whether all that is retained of ours has been seen."""
        if self._accepted_at is None:
            return False
        if self._synced_at is None and now - self._accepted_at > SYNC_S:
            log.warning("%s gives nothing back of %s: what is outdated there stays; allow reading in its ACL",
                        self._address(), self._publishing.root)  # fmt: skip
            self._synced_at = now
        if self._synced_at is not None and self._is_listening and now - self._synced_at > LATE_S:
            self._is_listening = False
            client.unsubscribe(self._publishing.filters())
        return self._synced_at is not None

    def _say_goodbye(self, client: paho.Client) -> None:
        if self._accepted_at is not None:
            said = client.publish(self._publishing.status_topic, OFFLINE, 1, retain=True)
            end = time.monotonic() + FAREWELL_S
            while not said.is_published() and time.monotonic() < end:
                if client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                    return
        client.disconnect()

    # -- paho's callbacks, all in the thread

    def _make_client(self) -> paho.Client:
        publishing = self._publishing
        client = plain_client(publishing, publishing.client_id)
        client.will_set(publishing.status_topic, OFFLINE, 1, retain=True)
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = str(reason)
            return
        if self._is_down:
            log.info("publishing to %s again", self._address())
        else:
            log.info("publishing to %s as %s", self._address(), self._publishing.root)
        self._is_down = False
        self._accepted_at = time.monotonic()
        self._is_listening = True
        self._next = 0.0
        client.subscribe([(name, 0) for name in self._publishing.filters()])
        client.publish(self._publishing.status_topic, ONLINE, 1, retain=True)

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        """What is retained on our topics; what is only passing by is our own word."""
        if message.topic == self._publishing.status_topic:
            if not message.retain and self._synced_at is None:
                self._synced_at = time.monotonic()
        elif message.retain and message.payload and len(self._there) < MOST_TOPICS:
            self._there.setdefault(message.topic, mark(Retained(bytes(message.payload))))

    def _address(self) -> str:
        return f"{self._publishing.host}:{self._publishing.port}"
