"""Certificates and web configuration files for the tests of TLS and logins."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import bcrypt
import trustme


def hashed(password: str, cost: int = 4) -> str:
    """The bcrypt hash of a password, as cheap as bcrypt allows."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class WebFiles:
    """A folder with a server's certificate, its key, the authority that signed it, and a web configuration."""

    folder: Path
    authority: trustme.CA = field(default_factory=trustme.CA)

    @property
    def config(self) -> Path:
        """The web configuration file."""
        return self.folder / "web.yml"

    def write(self, text: str) -> Path:
        """Replace the web configuration in one step, as Kubernetes does."""
        return self.replace("web.yml", text.encode())

    def replace(self, name: str, content: bytes) -> Path:
        """Replace a file in one step."""
        new = self.folder / f"{name}.new"
        new.write_bytes(content)
        return new.replace(self.folder / name)

    def issue(self, name: str = "server", *identities: str) -> None:
        """A certificate ``name.pem`` with its key ``name.key``; and the authority's, ``ca.pem``."""
        issued = self.authority.issue_cert(*(identities or ("127.0.0.1", "localhost")))
        self.replace(f"{name}.key", issued.private_key_pem.bytes())
        self.replace(f"{name}.pem", b"".join(blob.bytes() for blob in issued.cert_chain_pems))
        self.replace("ca.pem", self.authority.cert_pem.bytes())


def web_files(folder: Path) -> WebFiles:
    """A folder with a certificate for the loopback and another pair that does not belong to it."""
    files = WebFiles(folder=folder)
    files.issue()
    files.issue("other")
    files.replace("junk.pem", b"junk")
    return files
