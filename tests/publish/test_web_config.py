"""What the file of --web.config.file may say, and that promtool agrees."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given
from hypothesis import strategies as st
from publish.web_files import WebFiles, web_files

from wva_exporter.errors import ConfigError
from wva_exporter.publish.tls import CIPHERS, CURVES, ClientAuth
from wva_exporter.publish.web_config import WebConfig, load

HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n"

GOOD = {
    "an empty file": "",
    "a comment": "# nothing\n",
    "null": "null\n",
    "empty sections": "tls_server_config:\nhttp_server_config: {}\nbasic_auth_users:\n",
    "a certificate": TLS,
    "a version without a certificate": "tls_server_config: {min_version: TLS13}\n",
    "verified clients": CLIENTS,
    "clients of the system's authorities": f"{TLS}  client_auth_type: RequireAndVerifyClientCert\n",
    "clients verified if they show one": f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: VerifyClientCertIfGiven\n",
    "clients that are only asked": f"{TLS}  client_ca_file: ca.pem\n  client_auth_type: RequestClientCert\n",
    "no clients": f"{TLS}  client_auth_type: NoClientCert\n",
    "an empty client policy": f"{TLS}  client_auth_type: ''\n",
    "TLS 1.3 only": f"{TLS}  min_version: TLS13\n",
    "TLS 1.2 only": f"{TLS}  max_version: TLS12\n",
    "a lowest version of old": f"{TLS}  min_version: TLS10\n",
    "all suites": f"{TLS}  cipher_suites: [{', '.join(CIPHERS)}]\n",
    "suites of TLS 1.3 only": f"{TLS}  cipher_suites: [TLS_AES_128_GCM_SHA256]\n",
    "no suites": f"{TLS}  cipher_suites: []\n",
    "all curves": f"{TLS}  curve_preferences: [{', '.join(CURVES)}]\n",
    "the client's order": f"{TLS}  prefer_server_cipher_suites: no\n",
    "http2 off": "http_server_config: {http2: false}\n",
    "all headers": (
        "http_server_config:\n  headers:\n    Content-Security-Policy: default-src 'self'\n    X-Frame-Options: sameorigin\n"
        "    X-Content-Type-Options: nosniff\n    X-XSS-Protection: 1\n    Strict-Transport-Security: max-age=31536000\n"
    ),
    "users": f"basic_auth_users:\n  alice: {HASH}\n  'b:ob': {HASH.replace('$2y', '$2a')}\n  1: {HASH.replace('$2y', '$2b')}\n",
}

BAD = {
    "a list": ("- a\n", "web.yml:1: must be a mapping of names to values"),
    "a text": ("abc\n", "web.yml:1: must be a mapping of names to values"),
    "not YAML": ("a: [\n", "web.yml:2: not YAML: expected the node content, but found '<stream end>'"),
    "an unknown section": (
        "tls_server: {}\n",
        "web.yml:1: tls_server: unknown key; known are tls_server_config, http_server_config, basic_auth_users",
    ),
    "a rate limit": (
        "rate_limit: {interval: 1s, burst: 2}\n",
        "web.yml:1: rate_limit: unknown key; known are tls_server_config, http_server_config, basic_auth_users",
    ),
    "an unknown key of TLS": (f"{TLS}  cert: inline\n", "web.yml:4: tls_server_config.cert: unknown key; known are "),
    "a section twice": (TLS + TLS, "web.yml:4: tls_server_config: set twice"),
    "no key": ("tls_server_config:\n  cert_file: server.pem\n", "web.yml:2: tls_server_config.key_file: missing"),
    "no certificate": (
        "tls_server_config:\n  key_file: server.key\n",
        "web.yml:2: tls_server_config.cert_file: missing",
    ),
    "client certificates alone": (
        "tls_server_config: {client_auth_type: NoClientCert}\n",
        "web.yml:1: tls_server_config.cert_file: missing",
    ),
    "a certificate that is not there": (
        "tls_server_config:\n  cert_file: none.pem\n  key_file: server.key\n",
        "web.yml:2: tls_server_config.cert_file: FOLDER/none.pem cannot be read: No such file or directory",
    ),
    "a certificate that is none": (
        "tls_server_config:\n  cert_file: junk.pem\n  key_file: server.key\n",
        "web.yml:2: tls_server_config.cert_file: no certificate and key in PEM could be loaded (",
    ),
    "a key of another certificate": (
        "tls_server_config:\n  cert_file: server.pem\n  key_file: other.key\n",
        "web.yml:3: tls_server_config.key_file: this key is not that of the certificate",
    ),
    "authorities for nobody": (
        f"{TLS}  client_ca_file: ca.pem\n",
        "web.yml:4: tls_server_config.client_ca_file: nothing asks for a client's certificate: set client_auth_type",
    ),
    "authorities that are not there": (
        CLIENTS.replace("ca.pem", "none.pem"),
        "web.yml:4: tls_server_config.client_ca_file: FOLDER/none.pem cannot be read: No such file or directory",
    ),
    "an unknown client policy": (
        f"{TLS}  client_auth_type: requireandverifyclientcert\n",
        "web.yml:4: tls_server_config.client_auth_type: 'requireandverifyclientcert' is not allowed: must be one of ",
    ),
    "an unknown version": (
        f"{TLS}  min_version: TLS14\n",
        "web.yml:4: tls_server_config.min_version: 'TLS14' is not allowed: must be one of TLS13, TLS12, TLS11, TLS10",
    ),
    "an unknown suite": (
        f"{TLS}  cipher_suites:\n  - TLS_AES_128_GCM_SHA256\n  - FOO\n",
        "web.yml:6: tls_server_config.cipher_suites[1]: 'FOO' is not allowed: must be one of ",
    ),
    "a suite that is no list": (
        f"{TLS}  cipher_suites: TLS_AES_128_GCM_SHA256\n",
        "web.yml:4: tls_server_config.cipher_suites: must be a list",
    ),
    "an unknown curve": (
        f"{TLS}  curve_preferences: [P256]\n",
        "web.yml:4: tls_server_config.curve_preferences[0]: 'P256' is not allowed: must be one of CurveP256, ",
    ),
    "a flag that is a text": (
        f"{TLS}  prefer_server_cipher_suites: 'false'\n",
        "web.yml:4: tls_server_config.prefer_server_cipher_suites: must be true or false",
    ),
    "http2 as a word": (
        "http_server_config: {http2: maybe}\n",
        "web.yml:1: http_server_config.http2: must be true or false",
    ),
    "another header": (
        "http_server_config:\n  headers:\n    Foo: bar\n",
        "web.yml:3: http_server_config.headers.Foo: unknown key; known are Content-Security-Policy, ",
    ),
    "a header in another case": (
        "http_server_config: {headers: {x-frame-options: deny}}\n",
        "web.yml:1: http_server_config.headers.x-frame-options: unknown key; known are ",
    ),
    "a header's value": (
        "http_server_config: {headers: {X-Frame-Options: DENY}}\n",
        "web.yml:1: http_server_config.headers.X-Frame-Options: 'DENY' is not allowed: must be deny or sameorigin",
    ),
    "a password": (
        "basic_auth_users: {alice: secret123}\n",
        "web.yml:1: basic_auth_users.alice: must be a bcrypt hash such as htpasswd -nBC 10 prints ($2y$10$...)",
    ),
    "a hash of no cost": (
        f"basic_auth_users: {{alice: {HASH.replace('$10$', '$03$')}}}\n",
        "web.yml:1: basic_auth_users.alice: must be a bcrypt hash",
    ),
    "a user without a hash": (
        "basic_auth_users: {alice: }\n",
        "web.yml:1: basic_auth_users.alice: must be a bcrypt hash",
    ),
}

ONLY_HERE = {
    "allowed names": f"{CLIENTS}  client_allowed_sans: [prometheus.monitoring.svc]\n",
}
"""Accepted here and unknown to promtool 2.42."""

STRICTER = {
    "unverified clients": (
        f"{TLS}  client_auth_type: RequireAnyClientCert\n",
        "web.yml:4: tls_server_config.client_auth_type: RequireAnyClientCert takes certificates of anybody: ",
    ),
    "unverified clients by the old name": (
        f"{TLS}  client_auth_type: RequireClientCert\n",
        "web.yml:4: tls_server_config.client_auth_type: RequireClientCert takes certificates of anybody: ",
    ),
    "a highest version of old": (
        f"{TLS}  max_version: TLS11\n",
        "web.yml:4: tls_server_config.max_version: TLS11 is not allowed: this server speaks TLS 1.2 and 1.3",
    ),
    "no version in between": (
        f"{TLS}  min_version: TLS13\n  max_version: TLS12\n",
        "web.yml:5: tls_server_config.max_version: no version of TLS is left between the lowest and the highest",
    ),
    "authorities without a certificate": (
        CLIENTS.replace("ca.pem", "junk.pem"),
        "web.yml:4: tls_server_config.client_ca_file: holds no certificate in PEM",
    ),
    "a header of two lines": (
        'http_server_config: {headers: {Strict-Transport-Security: "a\\nb: c"}}\n',
        "web.yml:1: http_server_config.headers.Strict-Transport-Security: must be one line of printable characters",
    ),
    "text after a hash": (
        f"basic_auth_users: {{alice: {HASH}x}}\n",
        "web.yml:1: basic_auth_users.alice: must be a bcrypt hash",
    ),
    "an unknown prefix": (
        f"basic_auth_users: {{alice: {HASH.replace('$2y', '$2x')}}}\n",
        "web.yml:1: basic_auth_users.alice: must be a bcrypt hash",
    ),
    "two documents": ("{}\n---\n{}\n", "web.yml:2: not YAML: "),
}
"""Accepted by promtool 2.42 and refused here, because it could not be kept as written."""


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> WebFiles:
    """Certificates, made once."""
    return web_files(tmp_path_factory.mktemp("web"))


def findings(files: WebFiles, text: str) -> tuple[str, ...]:
    """What is wrong with a file, without its folder."""
    with pytest.raises(ConfigError) as refused:
        load(files.write(text))
    folder = str(files.folder)
    return tuple(finding.removeprefix(f"{folder}/").replace(folder, "FOLDER") for finding in refused.value.findings)


def promtool_accepts(promtool: Path, path: Path) -> bool:
    """Prometheus' own verdict."""
    done = subprocess.run([promtool, "check", "web-config", path], capture_output=True, check=False, timeout=30)
    return done.returncode == 0


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_what_is_accepted_promtool_accepts(text: str, files: WebFiles, promtool_bin: Path) -> None:
    """A file that works here works with every exporter."""
    path = files.write(text)
    assert isinstance(load(path), WebConfig)
    assert promtool_accepts(promtool_bin, path)


@pytest.mark.parametrize(("text", "finding"), BAD.values(), ids=BAD)
def test_what_promtool_refuses_is_refused_in_one_line(
    text: str, finding: str, files: WebFiles, promtool_bin: Path
) -> None:
    """With file, line and field."""
    assert findings(files, text)[0].startswith(finding)
    assert not promtool_accepts(promtool_bin, files.config)


@pytest.mark.parametrize(("text", "finding"), STRICTER.values(), ids=STRICTER)
def test_what_cannot_be_kept_as_written_is_refused_though_promtool_accepts_it(
    text: str, finding: str, files: WebFiles, promtool_bin: Path
) -> None:
    """The list of these differences is in the module's first words."""
    assert findings(files, text)[0].startswith(finding)
    assert promtool_accepts(promtool_bin, files.config)


@pytest.mark.parametrize("text", ONLY_HERE.values(), ids=ONLY_HERE)
def test_newer_keys_of_the_toolkit_are_known(text: str, files: WebFiles, promtool_bin: Path) -> None:
    """Promtool 2.42 is older than they are."""
    path = files.write(text)
    assert load(path).tls is not None
    assert not promtool_accepts(promtool_bin, path)


def test_allowed_names_need_clients_that_must_show_one(files: WebFiles) -> None:
    """Else a client without a certificate would pass, as the toolkit has learnt."""
    optional = CLIENTS.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    wanted = "tls_server_config.client_allowed_sans: needs client_auth_type RequireAndVerifyClientCert"
    assert findings(files, f"{optional}  client_allowed_sans: [a]\n") == (f"web.yml:6: {wanted}",)
    assert len(findings(files, "tls_server_config: {client_allowed_sans: [a]}\n")) == 1


def test_all_findings_come_at_once(files: WebFiles) -> None:
    """One run tells everything that is wrong."""
    text = "foo: 1\nhttp_server_config: {http2: x}\nbasic_auth_users:\n  a: b\ntls_server_config: {min_version: x}\n"
    assert [finding.split(" ")[0] for finding in findings(files, text)] == [
        *("web.yml:1:", "web.yml:5:", "web.yml:2:", "web.yml:4:")
    ]


def test_a_secret_is_never_repeated(files: WebFiles) -> None:
    """Neither a password that stands where a hash should, nor a hash."""
    assert "secret123" not in "".join(findings(files, "basic_auth_users: {alice: secret123}\n"))
    config = load(files.write(f"basic_auth_users: {{alice: {HASH}}}\n"))
    assert HASH not in repr(config)


def test_settings_are_read_as_they_are_meant(files: WebFiles) -> None:
    """Paths stand beside the file, versions and policies are Python's."""
    headers = "http_server_config: {headers: {X-XSS-Protection: 1}}\n"
    text = f"{CLIENTS}  min_version: TLS13\n  client_allowed_sans: [a, b]\n{headers}"
    config = load(files.write(text))
    assert config.tls is not None
    assert config.tls.cert_file == files.folder / "server.pem"
    assert config.tls.client_auth is ClientAuth.REQUIRED
    assert config.tls.allowed_sans == ("a", "b")
    assert config.tls.minimum is ssl.TLSVersion.TLSv1_3
    assert config.headers == {"X-XSS-Protection": "1"}


def test_a_key_with_a_password_is_refused_and_asks_no_terminal(files: WebFiles) -> None:
    """A server has nobody to ask."""
    key = load_pem_private_key((files.folder / "server.key").read_bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    files.replace("locked.key", locked)
    found = findings(files, TLS.replace("server.key", "locked.key"))
    assert found[0].startswith("web.yml:2: tls_server_config.cert_file: no certificate and key in PEM could be loaded")


@pytest.mark.parametrize(
    ("content", "finding"),
    [
        (b"\xff\xfe\x00", "web.yml: not UTF-8"),
        (b"a: " + b"[" * 5000, "web.yml: not YAML: unreadable characters, or nested too deeply"),
        (b"a: \x00", "web.yml: not YAML: unreadable characters, or nested too deeply"),
        (b"#" * (1024 * 1024 + 1), "web.yml: longer than 1048576 characters"),
        (b"basic_auth_users: &a {x: *a}", "web.yml:1: basic_auth_users.x: must be one text"),
        (b"basic_auth_users: {[a]: b}", "web.yml:1: basic_auth_users.?: a name must be one text"),
    ],
)
def test_a_file_that_is_no_text_is_one_line(content: bytes, finding: str, files: WebFiles) -> None:
    """Never a traceback."""
    files.replace("web.yml", content)
    with pytest.raises(ConfigError) as refused:
        load(files.config)
    assert refused.value.findings[0] == f"{files.folder}/{finding}"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """One line."""
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


pieces = st.sampled_from(
    [
        *("tls_server_config", "http_server_config", "basic_auth_users", "cert_file", "headers", "http2", "a"),
        *(": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ",", "'", '"', "&a ", "*a", "|", "%", "!", "null", "true", "1"),
    ]
)


@given(st.lists(pieces, max_size=30).map("".join) | st.text(max_size=60))
def test_no_text_ends_in_anything_but_findings(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Whatever stands in the file: a configuration, or a list of what is wrong with it."""
    path = tmp_path_factory.getbasetemp() / "wild.yml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    try:
        found: tuple[str, ...] = ()
        load(path)
    except ConfigError as refused:
        found = refused.findings
    assert all(finding.startswith(str(path)) for finding in found)
