"""Logins: what lets in, what does not, and what cannot be learnt or broken by trying."""

from __future__ import annotations

import asyncio
import threading
from base64 import b64encode
from collections.abc import Iterator
from unittest.mock import patch

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from publish.web_files import hashed

from wva_exporter.publish import auth
from wva_exporter.publish.auth import REMEMBERED, WAITING, Authenticator, Verdict

USERS = {"alice": hashed("alice123").encode()}


def basic(name: str, password: str) -> str:
    """The header of a login."""
    return "Basic " + b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def hashes() -> Iterator[list[bytes]]:
    """The stored hashes that bcrypt was asked to compare with, in order."""
    asked: list[bytes] = []
    real = bcrypt.checkpw

    def noted(password: bytes, stored: bytes) -> bool:
        asked.append(stored)
        return real(password, stored)

    with patch.object(auth.bcrypt, "checkpw", noted):
        yield asked


async def test_name_and_password_let_in() -> None:
    """And nothing else does."""
    door = Authenticator()
    assert await door.check(USERS, basic("alice", "alice123")) is Verdict.WELCOME
    for header in (basic("alice", "alice1234"), basic("bob", "alice123"), basic("alice", ""), basic("", "")):
        assert await door.check(USERS, header) is Verdict.DENIED


@pytest.mark.parametrize(
    "header", [None, "", "Basic", "Basic !", "Bearer x", "Basic YWxpY2U=", "Basic /w==", "x" * 9000]
)
async def test_a_header_that_is_no_login_is_denied(header: str | None) -> None:
    """Without asking bcrypt: there is no name whose existence could show."""
    assert await Authenticator().check(USERS, header) is Verdict.DENIED


async def test_without_users_everybody_is_welcome() -> None:
    """Basic auth is off then."""
    assert await Authenticator().check({}, None) is Verdict.WELCOME


async def test_a_right_login_is_remembered_and_a_wrong_one_is_not(hashes: list[bytes]) -> None:
    """A scraper pays for its hash once; a guess pays each time."""
    door = Authenticator()
    for _ in range(3):
        assert await door.check(USERS, basic("alice", "alice123")) is Verdict.WELCOME
    assert len(hashes) == 1
    for _ in range(2):
        assert await door.check(USERS, basic("alice", "wrong")) is Verdict.DENIED
    assert len(hashes) == 3


async def test_an_unknown_name_costs_a_hash_of_the_same_price(hashes: list[bytes]) -> None:
    """Else the time of an answer would tell which names exist."""
    users = USERS | {"carol": hashed("carol123", cost=5).encode()}
    assert await Authenticator().check(users, basic("nobody", "x")) is Verdict.DENIED
    assert hashes[0].startswith(b"$2b$05$")


async def test_no_password_belongs_to_nobody() -> None:
    """Not even if the stand-in hash happened to match, with a cold memory and a warm one."""
    door = Authenticator()
    stand_in = hashed("fakepassword").encode()
    with patch.object(auth, "_nobody", lambda _: stand_in):
        for _ in range(2):
            assert await door.check(USERS, basic("fakeuser", "fakepassword")) is Verdict.DENIED


async def test_a_poisoned_memory_lets_nobody_in() -> None:
    """CVE-2022-46146: fields joined without their lengths let one login stand for another."""
    door = Authenticator()
    stored = USERS["alice"].decode()
    stand_in = auth._nobody(USERS).decode()  # noqa: SLF001 - the attack builds on its text
    assert await door.check(USERS, basic(f"alice{stored}", "fakepassword")) is Verdict.DENIED
    assert await door.check(USERS, basic("alice", f"{stand_in}fakepassword")) is Verdict.DENIED


@given(st.lists(st.binary(max_size=5), max_size=4), st.lists(st.binary(max_size=5), max_size=4))
def test_different_fields_have_different_keys(one: list[bytes], other: list[bytes]) -> None:
    """However they would read when joined."""
    door = Authenticator()
    assert (door._key(*one) == door._key(*other)) == (one == other)  # noqa: SLF001 - what the memory rests on


async def test_a_changed_password_forgets_the_old_one() -> None:
    """The stored hash is part of what is remembered."""
    door = Authenticator()
    assert await door.check(USERS, basic("alice", "alice123")) is Verdict.WELCOME
    changed = {"alice": hashed("new").encode()}
    assert await door.check(changed, basic("alice", "alice123")) is Verdict.DENIED
    assert await door.check({"bob": USERS["alice"]}, basic("alice", "alice123")) is Verdict.DENIED


async def test_hashes_are_made_one_at_a_time_and_few_may_wait(hashes: list[bytes]) -> None:
    """A flood of guesses takes one processor, and the rest of it is turned away."""
    running, most = 0, 0
    lock, real = threading.Lock(), bcrypt.checkpw

    def watched(password: bytes, stored: bytes) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        answer = real(password, stored)
        with lock:
            running -= 1
        return answer

    door = Authenticator()
    with patch.object(auth.bcrypt, "checkpw", watched):
        verdicts = await asyncio.gather(*(door.check(USERS, basic("alice", f"guess{i}")) for i in range(100)))
    assert most == 1
    assert verdicts.count(Verdict.DENIED) == WAITING
    assert verdicts.count(Verdict.BUSY) == 100 - WAITING


async def test_the_known_are_let_in_while_others_guess() -> None:
    """Port of the toolkit's test with 150 right and 150 wrong logins at once: no wrong one passes."""
    door = Authenticator()
    assert await door.check(USERS, basic("alice", "alice123")) is Verdict.WELCOME
    right = [door.check(USERS, basic("alice", "alice123")) for _ in range(150)]
    wrong = [door.check(USERS, basic("alice", "alice1234")) for _ in range(150)]
    mixed = await asyncio.gather(*(login for pair in zip(wrong, right, strict=True) for login in pair))
    assert set(mixed[1::2]) == {Verdict.WELCOME}
    assert Verdict.WELCOME not in mixed[::2]


async def test_the_same_first_login_twice_at_once_is_hashed_once(hashes: list[bytes]) -> None:
    """Whoever waited looks again before it pays."""
    door = Authenticator()
    logins = [door.check(USERS, basic("alice", "alice123")) for _ in range(WAITING)]
    assert set(await asyncio.gather(*logins)) == {Verdict.WELCOME}
    assert len(hashes) == 1


async def test_memory_is_bounded() -> None:
    """The least used login is forgotten."""
    door = Authenticator()
    many = {f"user{i}": USERS["alice"] for i in range(REMEMBERED + 1)}
    with patch.object(auth.bcrypt, "checkpw", lambda *_: True):
        for name in many:
            assert await door.check(many, basic(name, "alice123")) is Verdict.WELCOME
    assert len(door._right) == REMEMBERED  # noqa: SLF001 - its size is the point


@pytest.mark.parametrize("password", ["a\0b", "x" * 73, "ü" * 40, "a:b", " "])
async def test_every_password_gets_an_answer(password: str) -> None:
    """Longer than bcrypt reads, or with a zero in it: right or wrong, never an error."""
    door = Authenticator()
    assert await door.check(USERS, basic("alice", password)) is Verdict.DENIED
    if "\0" not in password:
        own = {"alice": bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4))}
        assert await door.check(own, basic("alice", password)) is Verdict.WELCOME
