"""Whom the source believes over TLS, and how it is believed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path

import pytest
import trustme
from fake_prometheus import GOOD, Server, ask, listening, response

from wva_exporter.errors import QueryFailure, SourceError
from wva_exporter.sources.credentials import Tls
from wva_exporter.sources.prometheus import PrometheusSettings, PrometheusSource
from wva_exporter.sources.samples import Answer


class Authority:
    """A certificate authority whose files lie in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.ca = trustme.CA()
        self.ca_file = str(folder / f"{name}.pem")
        self.ca.cert_pem.write_to_path(self.ca_file)

    def write(self, content: bytes) -> None:
        """Replace what its file says."""
        Path(self.ca_file).write_bytes(content)

    def server(self, host: str = "127.0.0.1", *, ask_client: bool = False) -> ssl.SSLContext:
        """What a server of this host presents; it may insist on a client certificate of this authority."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert(host).configure_cert(context)
        if ask_client:
            self.ca.configure_trust(context)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client(self, folder: Path) -> tuple[str, str]:
        """Files of a client certificate and its key."""
        issued = self.ca.issue_cert("client@example.org")
        cert, key = folder / "client.pem", folder / "client.key"
        issued.private_key_pem.write_to_path(str(key))
        cert.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        return str(cert), str(key)


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    """The authority that the source trusts."""
    return Authority(tmp_path, "ours")


async def over_tls(server: ssl.SSLContext, tls: Tls) -> Answer:
    """One question over TLS."""
    async with listening(Server(response(200, GOOD)), server) as port:
        return await ask(f"https://127.0.0.1:{port}", tls=tls)


async def test_a_server_of_the_trusted_authority_is_believed(ours: Authority) -> None:
    """With the authority's file alone."""
    assert (await over_tls(ours.server(), Tls(ca_file=ours.ca_file))).failure is None


async def test_a_server_of_another_authority_is_not_believed(ours: Authority, tmp_path: Path) -> None:
    """Unless verification is switched off by its explicit name."""
    other = Authority(tmp_path, "other").server()
    answer = await over_tls(other, Tls(ca_file=ours.ca_file))
    assert answer.failure is QueryFailure.TLS_ERROR
    assert "certificate verify failed" in answer.detail
    assert (await over_tls(other, Tls(insecure_skip_verify=True))).failure is None


async def test_the_name_in_the_certificate_counts(ours: Authority) -> None:
    """It must be the host's, or the one that the settings name instead."""
    named = ours.server("prometheus.example")
    assert (await over_tls(named, Tls(ca_file=ours.ca_file))).failure is QueryFailure.TLS_ERROR
    expected = Tls(ca_file=ours.ca_file, server_name="prometheus.example")
    assert (await over_tls(named, expected)).failure is None


async def test_a_server_may_ask_for_our_certificate(ours: Authority, tmp_path: Path) -> None:
    """And gets the one in our files."""
    strict = ours.server(ask_client=True)
    cert_file, key_file = ours.client(tmp_path)
    assert (await over_tls(strict, Tls(ca_file=ours.ca_file, cert_file=cert_file, key_file=key_file))).failure is None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_server_that_wanted_our_certificate_says_so(ours: Authority, version: ssl.TLSVersion) -> None:
    """Its alert is a failure of TLS; with 1.3 it comes after our question, and the connection may break before we hear."""
    strict = ours.server(ask_client=True)
    strict.maximum_version = version
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    strict.wrap_socket(connection, server_side=True)

        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        answer = await ask(f"https://127.0.0.1:{listener.getsockname()[1]}", tls=Tls(ca_file=ours.ca_file))
        listener.shutdown(socket.SHUT_RDWR)
        await refusing
    late = {QueryFailure.CONNECTION_FAILED} if version is ssl.TLSVersion.TLSv1_3 else set()
    assert answer.failure in {QueryFailure.TLS_ERROR, *late}


async def test_plain_text_where_tls_was_expected_is_a_failure_of_tls() -> None:
    """And not a retry without it."""

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(response(400, b"the client sent TLS to a port that speaks HTTP"))
        writer.close()

    async with listening(plain) as port:
        answer = await ask(f"https://127.0.0.1:{port}")
    assert answer.failure is QueryFailure.TLS_ERROR


async def test_a_replaced_authority_is_taken_up_while_running(ours: Authority, tmp_path: Path) -> None:
    """Certificates are renewed under us; a half-written file leaves the last good one in use."""
    other = Authority(tmp_path, "other")
    async with listening(Server(response(200, GOOD)), other.server()) as port:
        settings = PrometheusSettings(url=f"https://127.0.0.1:{port}", tls=Tls(ca_file=ours.ca_file))
        source = PrometheusSource(settings, tuple)
        assert (await source.ask("up")).failure is QueryFailure.TLS_ERROR
        ours.write(other.ca.cert_pem.bytes())
        assert (await source.ask("up")).failure is None
        ours.write(b"half")
        assert (await source.ask("up")).failure is None
        await source.close()


def test_bad_tls_files_are_refused_at_the_start_in_one_line(ours: Authority, tmp_path: Path) -> None:
    """Missing, not PEM, half a pair, a key of another certificate."""
    cert_file, key_file = ours.client(tmp_path)
    (tmp_path / "empty").write_text("")
    (tmp_path / "other.key").write_bytes(ours.ca.issue_cert("x@example.org").private_key_pem.bytes())
    bad = {
        Tls(ca_file=str(tmp_path / "none")): "tls ca_file '{}/none': No such file or directory",
        Tls(ca_file=str(tmp_path / "empty")): "tls ca_file '{}/empty'",
        Tls(cert_file=cert_file): "tls: cert_file and key_file need each other",
        Tls(
            cert_file=cert_file, key_file=str(tmp_path / "other.key")
        ): "tls cert_file '{}/client.pem': KEY_VALUES_MISMATCH",
        Tls(cert_file=key_file, key_file=key_file): "tls cert_file '{}/client.key'",
    }
    for tls, message in bad.items():
        with pytest.raises(SourceError) as raised:
            PrometheusSource(PrometheusSettings(url="https://p", tls=tls), tuple)
        assert str(raised.value).startswith(message.format(tmp_path))
        assert "\n" not in str(raised.value)
