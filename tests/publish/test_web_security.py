"""TLS, client certificates and logins over the wire, and that they follow their files while the server runs."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, TCPConnector, encode_basic_auth
from publish.plans import plan_of
from publish.serving import Serving, serving, until
from publish.web_files import WebFiles, hashed, web_files

from wva_exporter.publish.gate import names_allowed
from wva_exporter.publish.server import Server

TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
SOON = 0.02


@pytest.fixture
def files(tmp_path: Path) -> WebFiles:
    """A folder of its own for each test, since tests change it."""
    return web_files(tmp_path)


def trusting(files: WebFiles, **settings: Any) -> ssl.SSLContext:
    """A client that knows the authority; ``cert`` names its own certificate, the rest are attributes of the context."""
    context = ssl.create_default_context(cafile=str(files.folder / "ca.pem"))
    cert = settings.pop("cert", None)
    if cert is not None:
        context.load_cert_chain(files.folder / f"{cert}.pem", files.folder / f"{cert}.key")
    for name, value in settings.items():
        setattr(context, name, value)
    return context


async def fetch(it: Serving, context: ssl.SSLContext | None = None, path: str = "/-/healthy", **extra: Any) -> int:
    """The status of an answer over a new connection."""
    connector = TCPConnector(ssl=context if context is not None else True, force_close=True)
    async with ClientSession(connector=connector) as client, client.get(it.server.urls[0] + path, **extra) as answer:
        await answer.read()
        return answer.status


def login(name: str, password: str) -> dict[str, str]:
    """The header of a login."""
    return {"Authorization": encode_basic_auth(name, password)}


async def serial(it: Serving, context: ssl.SSLContext) -> int:
    """The serial number of the certificate that the server shows."""
    port = int(it.server.urls[0].rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    number = int(writer.get_extra_info("peercert")["serialNumber"], 16)
    writer.close()
    await writer.wait_closed()
    return number


async def test_with_a_certificate_everything_is_served_over_tls(files: WebFiles) -> None:
    """Of version 1.2 or 1.3, and nothing is served in the clear."""
    async with serving(web_config_file=files.write(TLS)) as it:
        assert it.server.urls[0].startswith("https://")
        assert await fetch(it, trusting(files)) == 200
        assert await fetch(it, trusting(files, maximum_version=ssl.TLSVersion.TLSv1_2)) == 200
        plain = it.server.urls[0].replace("https", "http")
        async with ClientSession() as client:
            with pytest.raises(ClientConnectionError):
                await client.get(f"{plain}/metrics")


@pytest.mark.parametrize(
    ("setting", "refused"),
    [
        ("min_version: TLS13", {"maximum_version": ssl.TLSVersion.TLSv1_2}),
        ("max_version: TLS12", {"minimum_version": ssl.TLSVersion.TLSv1_3}),
        ("cipher_suites: [TLS_AES_128_GCM_SHA256]", {"maximum_version": ssl.TLSVersion.TLSv1_2}),
    ],
)
async def test_versions_and_suites_are_kept(setting: str, refused: dict[str, Any], files: WebFiles) -> None:
    """A client that speaks none of them does not get in; one that does, does."""
    async with serving(web_config_file=files.write(f"{TLS}  {setting}\n")) as it:
        assert await fetch(it, trusting(files)) == 200
        with pytest.raises(ClientConnectionError):
            await fetch(it, trusting(files, **refused))


async def test_a_chosen_suite_is_the_one_that_is_spoken(files: WebFiles) -> None:
    """By its name in Go; a client without it is refused."""
    suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    async with serving(web_config_file=files.write(f"{TLS}  max_version: TLS12\n  cipher_suites: [{suite}]\n")) as it:
        assert await fetch(it, trusting(files)) == 200
        other = trusting(files)
        other.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
        with pytest.raises(ClientConnectionError):
            await fetch(it, other)


async def test_a_chosen_curve_is_the_one_that_is_spoken(files: WebFiles) -> None:
    """The first of the list; a client that knows only another is refused."""
    async with serving(web_config_file=files.write(f"{TLS}  curve_preferences: [CurveP384, X25519]\n")) as it:
        right, wrong = trusting(files), trusting(files)
        right.set_ecdh_curve("secp384r1")
        wrong.set_ecdh_curve("secp521r1")
        assert await fetch(it, right) == 200
        with pytest.raises(ClientConnectionError):
            await fetch(it, wrong)


async def test_a_client_must_show_a_certificate_of_the_authority(files: WebFiles) -> None:
    """Without one, or with a stranger's, there is no connection."""
    files.issue("client", "client.monitoring.svc")
    stranger = web_files_beside(files)
    async with serving(web_config_file=files.write(CLIENTS)) as it:
        assert await fetch(it, trusting(files, cert="client")) == 200
        with pytest.raises(ClientConnectionError):
            await fetch(it, trusting(files))
        foreign = trusting(files)
        foreign.load_cert_chain(stranger.folder / "server.pem", stranger.folder / "server.key")
        with pytest.raises(ClientConnectionError):
            await fetch(it, foreign)


def web_files_beside(files: WebFiles) -> WebFiles:
    """Certificates of another authority."""
    folder = files.folder / "stranger"
    folder.mkdir()
    return web_files(folder)


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        ("prometheus.monitoring.svc", 200),
        ("10.1.2.3", 200),
        ("2001:db8::1", 200),
        ("ops@example.org", 200),
        ("monitoring.svc", 403),
        ("'*.monitoring.svc'", 403),
    ],
)
async def test_a_client_must_have_an_allowed_name(allowed: str, status: int, files: WebFiles) -> None:
    """DNS, IP or e-mail, equal and not merely alike."""
    files.issue("client", "prometheus.monitoring.svc", "10.1.2.3", "2001:db8::1", "ops@example.org")
    config = files.write(f"{CLIENTS}  client_allowed_sans: [{allowed!s}]\n".replace("2001:db8::1", "'2001:db8::1'"))
    async with serving(web_config_file=config) as it:
        assert await fetch(it, trusting(files, cert="client")) == status


def test_names_of_other_kinds_do_not_count() -> None:
    """A directory name is no subject alternative name that the toolkit compares; a URI is."""
    certificate = {
        "subjectAltName": (("DirName", "a"), ("URI", "spiffe://cluster/prometheus"), ("IP Address", "<invalid>"))
    }
    assert names_allowed(("spiffe://cluster/prometheus",), certificate)
    assert not names_allowed(("a",), certificate)
    assert not names_allowed((), certificate)
    assert names_allowed(None, {})


async def test_logins_guard_every_page(files: WebFiles) -> None:
    """Probes too, as in every program of the toolkit; the answer says how to log in."""
    config = files.write(f"basic_auth_users:\n  alice: {hashed('alice123')}\n")
    async with serving(web_config_file=config) as it:
        for path in ("/", "/metrics", "/-/healthy", "/none", "/api/v1/plan"):
            async with it.client.get(path) as answer:
                assert answer.status == 401
                assert answer.headers["WWW-Authenticate"].startswith("Basic")
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert await fetch(it, path="/metrics", headers=login("alice", "alice123")) == 200
        assert await fetch(it, path="/metrics", headers=login("alice", "wrong")) == 401


async def test_configured_headers_replace_ours(files: WebFiles) -> None:
    """On every answer."""
    headers = "X-Frame-Options: sameorigin, Strict-Transport-Security: max-age=60"
    async with serving(web_config_file=files.write(f"http_server_config: {{headers: {{{headers}}}}}\n")) as it:
        for path in ("/", "/none"):
            async with it.client.get(path) as answer:
                assert answer.headers.getall("X-Frame-Options") == ["sameorigin"]
                assert answer.headers["Strict-Transport-Security"] == "max-age=60"


async def test_a_changed_password_counts_without_a_reload(files: WebFiles) -> None:
    """Also for a login that was remembered."""
    config = files.write(f"basic_auth_users: {{alice: {hashed('old')}}}\n")
    async with serving(web_config_file=config, watch_seconds=SOON) as it:
        assert await fetch(it, headers=login("alice", "old")) == 200
        files.write(f"basic_auth_users: {{alice: {hashed('new')}}}\n")
        async with asyncio.timeout(5):
            while await fetch(it, headers=login("alice", "old")) != 401:
                pass
        assert await fetch(it, headers=login("alice", "new")) == 200


async def test_a_bad_file_keeps_the_last_good_one_and_is_counted_once(files: WebFiles) -> None:
    """And a cured one is taken up again."""
    config = files.write(f"basic_auth_users: {{alice: {hashed('old')}}}\n")
    async with serving(web_config_file=config, watch_seconds=SOON) as it:
        files.write("rate_limit: {}\n")
        await until(lambda: it.count("web", "config") == 1)
        await asyncio.sleep(5 * SOON)
        assert it.count("web", "config") == 1
        assert await fetch(it) == 401
        assert await fetch(it, headers=login("alice", "old")) == 200
        files.config.unlink()
        await until(lambda: it.count("web", "config") == 2)
        assert await fetch(it, headers=login("alice", "old")) == 200
        files.write("")
        async with asyncio.timeout(5):
            while await fetch(it) != 200:
                pass


async def test_tls_is_not_switched_by_a_change_of_the_file(files: WebFiles) -> None:
    """Whoever takes the certificate away by mistake does not get an open page."""
    async with serving(web_config_file=files.write(TLS), watch_seconds=SOON) as it:
        files.write("")
        await until(lambda: it.count("web", "config") == 1)
        assert await fetch(it, trusting(files)) == 200


async def test_a_missing_certificate_keeps_the_last_one_until_it_is_back(files: WebFiles) -> None:
    """A rotation in two steps passes through a moment without a file."""
    async with serving(web_config_file=files.write(TLS), watch_seconds=SOON) as it:
        before = await serial(it, trusting(files))
        (files.folder / "server.pem").unlink()
        await until(lambda: it.count("web", "config") == 1)
        assert await serial(it, trusting(files)) == before
        files.issue()
        async with asyncio.timeout(5):
            while await serial(it, trusting(files)) == before:
                pass


async def test_a_certificate_is_rotated_under_load_without_a_failed_request(files: WebFiles) -> None:
    """New connections get the new certificate; not one of those made meanwhile is refused, and old ones live on."""
    async with serving(plan_of(), web_config_file=files.write(TLS), watch_seconds=SOON) as it:
        context, done = trusting(files), asyncio.Event()
        answers: list[int] = []

        async def load() -> None:
            while not done.is_set():
                answers.append(await fetch(it, context, "/metrics"))

        clients = [asyncio.create_task(load()) for _ in range(4)]
        connector = TCPConnector(ssl=context)
        async with ClientSession(it.server.urls[0], connector=connector) as kept, asyncio.timeout(20):
            async with kept.get("/-/healthy") as answer:
                assert answer.status == 200
            for _ in range(3):
                before = await serial(it, context)
                files.issue()
                while await serial(it, context) == before:
                    pass
            async with kept.get("/-/healthy") as answer:
                assert answer.status == 200
        done.set()
        await asyncio.gather(*clients)
        assert len(answers) > 4
        assert set(answers) == {200}


async def test_an_authority_is_replaced_without_a_restart(files: WebFiles) -> None:
    """Clients of the old one no longer get in."""
    files.issue("client", "client")
    old = trusting(files, cert="client")
    async with serving(web_config_file=files.write(CLIENTS), watch_seconds=SOON) as it:
        assert await fetch(it, old) == 200
        stranger = web_files_beside(files)
        stranger.issue("client", "client")
        files.replace("ca.pem", (stranger.folder / "ca.pem").read_bytes())
        async with asyncio.timeout(5):
            while await _lets_in(it, old):
                pass
        new = ssl.create_default_context(cadata=files.authority.cert_pem.bytes().decode())
        new.load_cert_chain(stranger.folder / "client.pem", stranger.folder / "client.key")
        assert await fetch(it, new) == 200


async def _lets_in(it: Serving, context: ssl.SSLContext) -> bool:
    try:
        return await fetch(it, context) == 200
    except ClientConnectionError:
        return False


async def test_nothing_is_left_open_by_rotations(files: WebFiles) -> None:
    """Each listening socket has one site, however often its certificate changed."""
    async with serving(web_config_file=files.write(TLS), watch_seconds=SOON) as it:
        for _ in range(3):
            before = await serial(it, trusting(files))
            files.issue()
            async with asyncio.timeout(5):
                while await serial(it, trusting(files)) == before:
                    pass
        await until(lambda: len(_sites(it.server)) == 1)


def _sites(server: Server) -> set[object]:
    return set(server._runner.sites)  # noqa: SLF001 - what the operating system would be left with
