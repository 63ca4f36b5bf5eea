"""Basic authentication with bcrypt: what may be learnt by trying is only whether name and password belong together.

Follows the toolkit: an unknown name costs a hash as well, so that its answer takes as long; one hash at a time, so that
guessing cannot take all processors; a password that was right is remembered. What is remembered is keyed by an HMAC over
length-prefixed fields: joining them without lengths is how CVE-2022-46146 let a poisoned entry stand for another login.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from enum import Enum, auto

import bcrypt

REMEMBERED = 128
"""Right logins that are remembered, the last used kept."""

WAITING = 8
"""Logins that may wait for their hash; a flood of guesses is answered at once instead of queueing."""

_LONGEST = 72  # bytes that bcrypt looks at; Go's ignores the rest, Python's refuses longer ones


class Verdict(Enum):
    """What becomes of a request."""

    WELCOME = auto()
    DENIED = auto()
    BUSY = auto()


class Authenticator:
    """Answers whether an ``Authorization`` header names one of the users."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    async def check(self, users: Mapping[str, bytes], header: str | None) -> Verdict:
        """Welcome, if there are no users to be or the header holds a name and its password."""
        if not users:
            return Verdict.WELCOME
        login = _login(header)
        if login is None:
            return Verdict.DENIED
        name, password = login
        stored = users.get(name, _nobody(users))
        key = self._key(name.encode(), stored, password)
        if self._remembers(key):
            return Verdict.WELCOME
        if self._waiting >= WAITING:
            return Verdict.BUSY
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                right = self._remembers(key) or await asyncio.to_thread(_matches, password, stored)
        finally:
            self._waiting -= 1
        if not (right and name in users):
            return Verdict.DENIED
        self._remember(key)
        return Verdict.WELCOME

    def _key(self, *fields: bytes) -> bytes:
        message = b"".join(len(field).to_bytes(8, "big") + field for field in fields)
        return hmac.new(self._secret, message, hashlib.sha256).digest()

    def _remembers(self, key: bytes) -> bool:
        known = key in self._right
        if known:
            self._right.move_to_end(key)
        return known

    def _remember(self, key: bytes) -> None:
        self._right[key] = None
        while len(self._right) > REMEMBERED:
            self._right.popitem(last=False)


def _login(header: str | None) -> tuple[str, bytes] | None:
    """Name and password of a header, None where it holds neither."""
    scheme, _, encoded = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except ValueError:
        return None


def _nobody(users: Mapping[str, bytes]) -> bytes:
    """A well-formed hash that no password has, at the price of the dearest user's: what an unknown name is compared with."""
    price = max(hashed.split(b"$")[2] for hashed in users.values())
    return b"$2b$" + price + b"$" + b"." * 53


def _matches(password: bytes, stored: bytes) -> bool:
    """Whether this is the password of the hash; takes as long for a password that bcrypt cannot have."""
    possible = b"\0" not in password
    return bcrypt.checkpw(password.replace(b"\0", b"")[:_LONGEST], stored) and possible
