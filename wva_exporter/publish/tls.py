"""The TLS side of the web configuration: names as Go spells them, turned into a context of Python's ``ssl``."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

CIPHERS = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
}
"""Go's names of cipher suites to OpenSSL's; those of TLS 1.3 are empty: neither Go nor ``ssl`` lets anybody choose them."""

CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
"""Go's names of curves to OpenSSL's."""

VERSIONS = {
    "TLS13": ssl.TLSVersion.TLSv1_3,
    "TLS12": ssl.TLSVersion.TLSv1_2,
    "TLS11": ssl.TLSVersion.TLSv1_2,
    "TLS10": ssl.TLSVersion.TLSv1_2,
}
"""Lowest versions: 1.0 and 1.1 are accepted as names, and nothing below 1.2 is ever spoken."""


class ClientAuth(Enum):
    """What is asked of a client: Go's policies that ``ssl`` can keep."""

    NONE = ssl.CERT_NONE
    IF_GIVEN = ssl.CERT_OPTIONAL
    REQUIRED = ssl.CERT_REQUIRED


class TlsError(Exception):
    """Files or settings that make no context; ``field`` is the setting to blame."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsServer:
    """How connections are secured. ``allowed_sans`` None asks for no name; ``ciphers`` and ``curves`` are Go's names."""

    cert_file: Path
    key_file: Path
    client_auth: ClientAuth = ClientAuth.NONE
    client_ca_file: Path | None = None
    allowed_sans: tuple[str, ...] | None = None
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: tuple[str, ...] = ()
    curves: tuple[str, ...] = ()
    prefer_server_ciphers: bool = True

    @property
    def files(self) -> tuple[Path, ...]:
        """What the context is made of."""
        return (self.cert_file, self.key_file, *([self.client_ca_file] if self.client_ca_file else []))


def server_context(tls: TlsServer) -> ssl.SSLContext:
    """A context for new connections, of the files as they are now.

    Raises:
        TlsError: a file cannot be read, the key is not that of the certificate, or no suite or version is left to speak.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION
    _set_versions(context, tls)
    _load_certificate(context, tls)
    _load_client_ca(context, tls)
    if tls.prefer_server_ciphers:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.curves:
        # ``ssl`` takes one curve before Python 3.15: the first, which is never weaker than what was asked for.
        context.set_ecdh_curve(CURVES[tls.curves[0]])
    return context


def _set_versions(context: ssl.SSLContext, tls: TlsServer) -> None:
    """The versions and suites: a list of TLS 1.3 suites alone leaves TLS 1.2 nothing to speak, as in Go."""
    older = [CIPHERS[name] for name in tls.ciphers if CIPHERS[name]]
    minimum = ssl.TLSVersion.TLSv1_3 if tls.ciphers and not older else tls.minimum
    if minimum > tls.maximum:
        raise TlsError("max_version", "no version of TLS is left between the lowest and the highest")
    context.minimum_version, context.maximum_version = minimum, tls.maximum
    if older:
        try:
            context.set_ciphers(":".join(older))
        except ssl.SSLError:
            raise TlsError("cipher_suites", "the TLS library of this machine knows none of them") from None


def _load_certificate(context: ssl.SSLContext, tls: TlsServer) -> None:
    for field, path in (("cert_file", tls.cert_file), ("key_file", tls.key_file)):
        _readable(field, path)
    try:
        # An encrypted key must not ask a terminal for its password.
        context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
    except (ssl.SSLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None)
        if reason == "KEY_VALUES_MISMATCH":
            raise TlsError("key_file", "this key is not that of the certificate") from None
        raise TlsError(
            "cert_file", f"no certificate and key in PEM could be loaded ({reason or 'unreadable'})"
        ) from None


def _load_client_ca(context: ssl.SSLContext, tls: TlsServer) -> None:
    context.verify_mode = tls.client_auth.value
    if tls.client_auth is ClientAuth.NONE:
        return
    if tls.client_ca_file is None:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)  # Go falls back on the system's authorities too
        return
    _readable("client_ca_file", tls.client_ca_file)
    try:
        context.load_verify_locations(tls.client_ca_file)
    except (ssl.SSLError, OSError):
        raise TlsError("client_ca_file", "holds no certificate in PEM") from None


def _readable(field: str, path: Path) -> None:
    try:
        path.read_bytes()
    except OSError as error:
        raise TlsError(field, f"{path} cannot be read: {error.strerror}") from None
