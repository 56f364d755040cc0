"""The doorkeeper: how long a wrong password makes whom wait."""

import asyncio

import pytest

from dashboard.sign_in import Doorkeeper, _own_path, hash_password

HASH = hash_password("correct horse")


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_wait_grows_and_only_for_the_address_that_was_wrong() -> None:
    async def tries() -> None:
        clock = Clock()
        door = Doorkeeper(HASH, clock=clock)
        waits = []
        for _ in range(12):
            assert not await door.admits("10.0.0.9", "wrong")
            waits.append(door.wait_s("10.0.0.9"))
            clock.now += waits[-1]
        assert waits == [0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60]
        assert not await door.admits("10.0.0.9", "wrong")
        assert not await door.admits("10.0.0.9", "correct horse"), "it has to wait"
        assert await door.admits("10.0.0.7", "correct horse"), "others are not in the way"
        clock.now += 60
        assert await door.admits("10.0.0.9", "correct horse")
        assert door.wait_s("10.0.0.9") == 0

    asyncio.run(tries())


def test_the_event_loop_goes_on_while_passwords_are_hashed_one_at_a_time() -> None:
    async def tries() -> int:
        door = Doorkeeper(HASH)
        turns = 0
        waiting = asyncio.gather(*(door.admits(f"10.0.0.{n}", "wrong") for n in range(4)))
        while not waiting.done():
            await asyncio.sleep(0)
            turns += 1
        assert await waiting == [False] * 4
        return turns

    assert asyncio.run(tries()) > 20


def test_the_hash_costs_a_small_gateway_no_more_than_19_mib() -> None:
    memory_kib = int(HASH.split("m=")[1].split(",")[0])
    assert 8 * 1024 <= memory_kib <= 19 * 1024
    assert HASH.startswith("$argon2id$")


@pytest.mark.parametrize(
    ("target", "path"),
    [("/alerts/12", "/alerts/12"), ("/", "/"), ("", "/"), ("//evil.example", "/"), ("/\\evil.example", "/"),
     ("https://evil.example", "/"), ("/a\r\nset-cookie: x=y", "/"), ("javascript:alert(1)", "/")],
)  # fmt: skip
def test_after_signing_in_nobody_is_sent_elsewhere(target: str, path: str) -> None:
    assert _own_path(target) == path
