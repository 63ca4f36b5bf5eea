"""Addresses as the flags of Prometheus spell them."""

from __future__ import annotations

import socket

import pytest

from wva_exporter.publish.listen import listening_socket, split_address, url_of


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        (":10982", "", 10982),
        ("127.0.0.1:0", "127.0.0.1", 0),
        ("[::]:10982", "::", 10982),
        ("[::1]:80", "::1", 80),
        ("metrics.local:65535", "metrics.local", 65535),
    ],
)
def test_an_address_is_a_host_and_a_port(address: str, host: str, port: int) -> None:
    """IPv6 stands in brackets; no host is every interface."""
    assert split_address(address) == (host, port)


@pytest.mark.parametrize("address", [":0", "[::]:0"])
def test_every_interface_takes_both_families(address: str) -> None:
    """As Go listens, so that a client may come by IPv4 or, where there is any, by IPv6."""
    with listening_socket(address) as listening, socket.socket() as client:
        client.connect(("127.0.0.1", listening.getsockname()[1]))
        assert listening.accept()[0].close() is None


def test_an_ipv6_url_has_brackets() -> None:
    """Where the machine has a loopback of that family."""
    try:
        listening = listening_socket("[::1]:0")
    except Exception:  # noqa: BLE001 - a machine without IPv6 has nothing to show here
        return
    with listening:
        assert url_of(listening, tls=True) == f"https://[::1]:{listening.getsockname()[1]}"
