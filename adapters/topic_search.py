"""Listens to everything that a broker has, for some minutes, to find what nobody reads yet.

A connection of its own at QoS 0, so that the one with the readings, its session and its window, is not disturbed.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTErrorCode

from adapters.mqtt_client import plain_client
from adapters.payloads.topics import TopicTable
from adapters.source import MqttSource
from adapters.unknown_topics import Note

EVERYTHING = "#"
KEEPALIVE_S = 30
LOOP_S = 0.5
RETRY_S = 5.0


class TopicSearch:
    """Searches one broker when it is asked to; what is read already, or published by us (`own`), is passed over."""

    def __init__(
        self, source: MqttSource, *, clock: Callable[[], float], note: Note, own: tuple[bytes, ...] = ()
    ) -> None:
        self._source = source
        self._clock = clock
        self._note = note
        self._own = own
        self._table = TopicTable(source.name, source.topics)
        self._lock = threading.Lock()
        self._until = 0.0  # on the monotonic clock
        self._is_running = False
        self._thread: threading.Thread | None = None
        self.trouble = ""

    def search(self, seconds: float) -> None:
        """Listen from now on for so long; returns at once."""
        with self._lock:
            self._until = time.monotonic() + seconds
            if self._is_running:
                return
            self._is_running, self.trouble = True, ""
            self._thread = threading.Thread(target=self._run, name=f"search {self._source.name}", daemon=True)
            self._thread.start()

    @property
    def left_s(self) -> float:
        """For how long it still listens."""
        return max(0.0, self._until - time.monotonic())

    def is_read(self, topic: str) -> bool:
        """Whether a topic is read already, or is one of our own."""
        name = topic.encode()
        return name.startswith(self._own or (b"\0",)) or self._table.reader(name) is not None

    def stop(self) -> None:
        """Hang up."""
        with self._lock:
            self._until, thread = 0.0, self._thread
        if thread is not None:
            thread.join(KEEPALIVE_S)

    # -- the thread

    def _run(self) -> None:
        while not self._is_over():
            try:
                self.trouble = self._connection()
            except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
                self.trouble = str(error)
            retry_at = time.monotonic() + RETRY_S
            while time.monotonic() < min(retry_at, self._until):
                time.sleep(LOOP_S)

    def _is_over(self) -> bool:
        """Whether the time is up; whoever asks again from then on gets a thread of their own."""
        with self._lock:
            self._is_running = self.left_s > 0
            return not self._is_running

    def _connection(self) -> str:
        """Listen until the time is up, or the connection ends; why it ended."""
        client = plain_client(self._source, f"{self._source.client_id}-search")
        refused: list[str] = []

        def connected(client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
            if reason.is_failure:
                refused.append(str(reason))
            else:
                client.subscribe(EVERYTHING, 0)

        def subscribed(_client: Any, _data: Any, _packet: int, reasons: Any, _properties: Any) -> None:
            refused.extend(f"{EVERYTHING}: {reason}" for reason in reasons if reason.is_failure)

        client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, self._on_message
        client.connect(self._source.host, self._source.port, KEEPALIVE_S)
        while self.left_s and not refused:
            if client.loop(LOOP_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return refused[0] if refused else "connection lost"
        client.disconnect()
        return refused[0] if refused else ""

    def _on_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        if not self.is_read(message.topic):
            self._note(self._source.name, message.topic.encode(), bytes(message.payload), self._clock())
