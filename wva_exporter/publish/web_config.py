"""The file of ``--web.config.file``, in the schema of Prometheus' exporter-toolkit: TLS, headers, basic auth.

``promtool check web-config`` accepts what is accepted here, but for ``client_allowed_sans``, which came to the toolkit after
promtool 2.42. It also accepts some things that are refused here because they could not be kept as written:
``RequireAnyClientCert`` and ``RequireClientCert`` (Python takes no unverified certificate), a ``max_version`` below TLS 1.2 or
below ``min_version``, a ``client_ca_file`` without a certificate in it, a header with a line break, text after a bcrypt hash or
a prefix that bcrypt does not know, a second document. ``rate_limit`` and inline certificates, newer too, are refused by both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wva_exporter.errors import ConfigError
from wva_exporter.publish.strict_yaml import Fields
from wva_exporter.publish.tls import CIPHERS, CURVES, VERSIONS, ClientAuth, TlsError, TlsServer, server_context

_TOP = ("tls_server_config", "http_server_config", "basic_auth_users")
_TLS = (
    *("cert_file", "key_file", "client_auth_type", "client_ca_file", "client_allowed_sans", "cipher_suites"),
    *("curve_preferences", "min_version", "max_version", "prefer_server_cipher_suites"),
)
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": (),
    "Strict-Transport-Security": (),
}
"""The headers that may be set, and their allowed values where there are few."""

_CLIENT_AUTH = {
    "NoClientCert": ClientAuth.NONE,
    "RequestClientCert": ClientAuth.NONE,  # asks and takes any answer, none included: nobody is kept out
    "VerifyClientCertIfGiven": ClientAuth.IF_GIVEN,
    "RequireAndVerifyClientCert": ClientAuth.REQUIRED,
}
_UNVERIFIED = ("RequireAnyClientCert", "RequireClientCert")
_BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """What the file says. ``users`` holds bcrypt hashes by name and is not shown; ``headers`` are set on every answer."""

    tls: TlsServer | None = None
    http2: bool = True
    """Accepted as the toolkit does; this server speaks HTTP/1.1."""
    headers: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def load(path: Path) -> WebConfig:
    """Read the file and everything that it names.

    Raises:
        ConfigError: it, or a file that it names, cannot be used; every finding with its line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: not UTF-8"]) from None
    fields = Fields(str(path), text)
    fields.mapping("", _TOP)
    fields.mapping("http_server_config", ("http2", "headers"))
    config = WebConfig(
        tls=_tls(fields, path.parent),
        http2=fields.flag("http_server_config.http2", default=True),
        headers=_headers(fields),
        users=_users(fields),
    )
    if fields.findings:
        raise ConfigError(fields.findings)
    return config


def _tls(fields: Fields, folder: Path) -> TlsServer | None:
    top = "tls_server_config"
    fields.mapping(top, _TLS)
    files = {name: fields.text(f"{top}.{name}") for name in ("cert_file", "key_file", "client_ca_file")}
    auth = fields.choice(f"{top}.client_auth_type", (*_CLIENT_AUTH, *_UNVERIFIED), "NoClientCert")
    asked = bool(fields.text(f"{top}.client_auth_type"))
    sans = fields.texts(f"{top}.client_allowed_sans")
    maximum = fields.choice(f"{top}.max_version", VERSIONS, "TLS13")
    if maximum in ("TLS11", "TLS10"):
        fields.refuse(f"{top}.max_version", f"{maximum} is not allowed: this server speaks TLS 1.2 and 1.3")
    tls = TlsServer(
        cert_file=folder / files["cert_file"],
        key_file=folder / files["key_file"],
        client_auth=_CLIENT_AUTH.get(auth, ClientAuth.REQUIRED),
        client_ca_file=folder / files["client_ca_file"] if files["client_ca_file"] else None,
        allowed_sans=sans,
        minimum=VERSIONS[fields.choice(f"{top}.min_version", VERSIONS, "TLS12")],
        maximum=VERSIONS[maximum],
        ciphers=fields.texts(f"{top}.cipher_suites", CIPHERS) or (),
        curves=fields.texts(f"{top}.curve_preferences", CURVES) or (),
        prefer_server_ciphers=fields.flag(f"{top}.prefer_server_cipher_suites", default=True),
    )
    if not (any(files.values()) or asked):
        if sans is not None:
            fields.refuse(f"{top}.client_allowed_sans", "needs a certificate, a key and RequireAndVerifyClientCert")
        return None
    for name in ("cert_file", "key_file"):
        if not files[name]:
            fields.refuse(f"{top}.{name}", "missing")
    if auth in _UNVERIFIED:
        fields.refuse(
            f"{top}.client_auth_type", f"{auth} takes certificates of anybody: use RequireAndVerifyClientCert"
        )
    if tls.client_ca_file is not None and auth == "NoClientCert":
        fields.refuse(f"{top}.client_ca_file", "nothing asks for a client's certificate: set client_auth_type")
    if sans is not None and tls.client_auth is not ClientAuth.REQUIRED:
        fields.refuse(f"{top}.client_allowed_sans", "needs client_auth_type RequireAndVerifyClientCert")
    return tls if not fields.findings and _usable(fields, top, tls) else None


def _usable(fields: Fields, top: str, tls: TlsServer) -> bool:
    try:
        server_context(tls)
    except TlsError as error:
        fields.refuse(f"{top}.{error.field}", str(error))
        return False
    return True


def _headers(fields: Fields) -> dict[str, str]:
    top = "http_server_config.headers"
    kept: dict[str, str] = {}
    for name in fields.mapping(top, _HEADERS):
        value = fields.text(f"{top}.{name}")
        if _HEADERS[name] and value not in _HEADERS[name]:
            fields.refuse(f"{top}.{name}", f"{value[:60]!r} is not allowed: must be {' or '.join(_HEADERS[name])}")
        elif not value.isprintable():
            fields.refuse(f"{top}.{name}", "must be one line of printable characters")
        else:
            kept[name] = value
    return kept


def _users(fields: Fields) -> dict[str, bytes]:
    kept: dict[str, bytes] = {}
    for name in fields.mapping("basic_auth_users"):
        text = fields.text(f"basic_auth_users.{name}")
        if not _BCRYPT.fullmatch(text):
            fields.refuse(
                f"basic_auth_users.{name}", "must be a bcrypt hash such as htpasswd -nBC 10 prints ($2y$10$...)"
            )
        else:
            kept[name] = text.encode()
    return kept
