"""Who we are to Prometheus: tokens, passwords and certificates in files, which others replace while we run.

A file is looked at before each use and read again when it changed. Files that are bad at the start are refused; one that turns
bad later leaves the last good secret in use and says so in ``problem``. No secret is in any message.
"""

from __future__ import annotations

import base64
import re
import ssl
from dataclasses import dataclass
from pathlib import Path

from wva_exporter.errors import SourceError

_MAX_SECRET_BYTES = 64 * 1024
_TOKEN = re.compile(r"[\x21-\x7e]+")
_PASSWORD = re.compile(r"[^\x00-\x1f\x7f]+")
_Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A user whose password is in a file."""

    username: str
    password_file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Whom to trust and how to be known: PEM files, the name expected in the other side's certificate."""

    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None
    insecure_skip_verify: bool = False


class SecretFile:
    """The text of a file, without white space around it.

    Raises:
        SourceError: it cannot be read, is empty or too large, or has characters that no such secret has.
    """

    def __init__(self, path: str, what: str, allowed: re.Pattern[str]) -> None:
        self._path = Path(path)
        self._what = what
        self._allowed = allowed
        self._stamp = self._look()
        self._text = self._read()
        self.problem = ""

    def text(self, *, fresh: bool = False) -> str:
        """The secret, read again when the file changed, or when ``fresh`` in any case."""
        try:
            stamp = self._look()
            if fresh or stamp != self._stamp:
                self._text = self._read()
                self._stamp = stamp
            self.problem = ""
        except SourceError as error:
            self.problem = str(error)
        return self._text

    def _look(self) -> _Stamp:
        return _stamp(self._path, self._what)

    def _read(self) -> str:
        try:
            with self._path.open("rb") as file:
                content = file.read(_MAX_SECRET_BYTES + 1)
        except OSError as error:
            raise _unreadable(self._what, self._path, error) from None
        if len(content) > _MAX_SECRET_BYTES:
            raise SourceError(f"{self._what} '{self._path}' is larger than any secret")
        try:
            text = content.decode().strip()
        except UnicodeDecodeError:
            raise SourceError(f"{self._what} '{self._path}' is not UTF-8 text") from None
        if not self._allowed.fullmatch(text):
            state = "has characters that it cannot have" if text else "is empty"
            raise SourceError(f"{self._what} '{self._path}' {state}")
        return text


class Authorization:
    """The value of the Authorization header, if any."""

    def __init__(self, bearer_token_file: str | None, basic_auth: BasicAuth | None) -> None:
        if bearer_token_file is not None and basic_auth is not None:
            raise SourceError("bearer_token_file and basic_auth exclude each other")
        if basic_auth is not None and ":" in basic_auth.username:
            raise SourceError("basic_auth: a username cannot contain a colon")
        self._username = basic_auth.username if basic_auth else None
        self._secret: SecretFile | None = None
        if bearer_token_file is not None:
            self._secret = SecretFile(bearer_token_file, "bearer_token_file", _TOKEN)
        elif basic_auth is not None:
            self._secret = SecretFile(basic_auth.password_file, "basic_auth password_file", _PASSWORD)

    def header(self, *, fresh: bool = False) -> str | None:
        """As of now; ``fresh`` reads the file whether it looks changed or not."""
        if self._secret is None:
            return None
        secret = self._secret.text(fresh=fresh)
        if self._username is None:
            return f"Bearer {secret}"
        return "Basic " + base64.b64encode(f"{self._username}:{secret}".encode()).decode()

    @property
    def problem(self) -> str:
        """What is wrong with the file now, if anything."""
        return self._secret.problem if self._secret else ""


class TlsContext:
    """The TLS context as of the files' last good state; a new one means new connections."""

    def __init__(self, settings: Tls) -> None:
        if (settings.cert_file is None) != (settings.key_file is None):
            raise SourceError("tls: cert_file and key_file need each other")
        self._settings = settings
        named = {"ca_file": settings.ca_file, "cert_file": settings.cert_file, "key_file": settings.key_file}
        self._files = {f"tls {name}": Path(path) for name, path in named.items() if path is not None}
        self._stamps = self._look()
        self._context = self._build()
        self.problem = ""

    def current(self) -> ssl.SSLContext:
        """Built again when a file changed."""
        try:
            stamps = self._look()
            if stamps != self._stamps:
                self._context = self._build()
                self._stamps = stamps
            self.problem = ""
        except SourceError as error:
            self.problem = str(error)
        return self._context

    def _look(self) -> list[_Stamp]:
        return [_stamp(path, what) for what, path in self._files.items()]

    def _build(self) -> ssl.SSLContext:
        settings = self._settings
        asked = "ca_file"
        try:
            context = ssl.create_default_context(cafile=settings.ca_file)
            asked = "cert_file"
            if settings.cert_file is not None:
                # an encrypted key fails on the empty password; without one the terminal would be asked
                context.load_cert_chain(settings.cert_file, settings.key_file, password=b"")
        except ssl.SSLError as error:
            path = settings.ca_file if asked == "ca_file" else settings.cert_file
            raise SourceError(f"tls {asked} '{path}': {error.reason or 'no usable PEM'}") from None
        except OSError as error:
            raise SourceError(f"tls {asked}: {error.strerror}") from None
        if settings.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _stamp(path: Path, what: str) -> _Stamp:
    """What changes when a file is written or replaced, behind symbolic links too: Kubernetes swaps those."""
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(what, path, error) from None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _unreadable(what: str, path: Path, error: OSError) -> SourceError:
    return SourceError(f"{what} '{path}': {error.strerror}")
