"""Addresses as Prometheus' flags spell them, opened as sockets."""

from __future__ import annotations

import re
import socket

from wva_exporter.errors import ConfigError

FLAG = "--web.listen-address"
HIGHEST_PORT = 65535
_EVERY_HOST = ("", "::", "0.0.0.0")  # noqa: S104 - a metrics page is for the network


def listening_socket(address: str) -> socket.socket:
    """A bound TCP socket for ``:10982`` (every interface, both families), ``127.0.0.1:0`` or ``[::1]:10982``.

    Raises:
        ConfigError: the address is not one, or cannot be had.
    """
    host, port = split_address(address)
    try:
        if host in ("", "::") and socket.has_dualstack_ipv6():
            return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
        if host == "":
            return socket.create_server(("", port))
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server(where[:2], family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "no such host"
        raise ConfigError([f"{FLAG} {address}: cannot listen: {reason}"]) from None


def split_address(address: str) -> tuple[str, int]:
    """Host and port; an IPv6 host stands in brackets, '' is every interface.

    Raises:
        ConfigError: there is no port, or it is not one.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    number = int(port) if re.fullmatch(r"[0-9]{1,5}", port) else HIGHEST_PORT + 1
    if not colon or number > HIGHEST_PORT or (":" in host and not bracketed):
        raise ConfigError([f"{FLAG} {address}: must be host:port, such as :10982, 127.0.0.1:10982 or [::1]:10982"])
    return (host[1:-1] if bracketed else host), number


def url_of(listening: socket.socket, *, tls: bool) -> str:
    """Where a client on this machine finds it."""
    host, port = listening.getsockname()[:2]
    if host in _EVERY_HOST:
        host = "localhost"
    scheme = "https" if tls else "http"
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
