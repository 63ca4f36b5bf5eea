"""Files that a command writes, and flags about the cluster that they are for."""

from __future__ import annotations

import argparse
import contextlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from wva_exporter.artefacts.behaviour import GATES, Cluster
from wva_exporter.conventions import Label
from wva_exporter.errors import ConfigError

NAMESPACE_LABELS = (str(Label.NAMESPACE), f"exported_{Label.NAMESPACE}")
"""Where a store has the variant's namespace: as it is, if the scrape honours labels, or renamed, if it does not."""


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """What the cluster can do."""
    parser.add_argument(
        "--kubernetes.version",
        dest="kubernetes_version",
        type=_version,
        metavar="VERSION",
        help="version of the cluster, such as 1.35; what not every version has is left out without it",
    )
    parser.add_argument(
        "--kubernetes.feature-gate",
        dest="feature_gates",
        action="append",
        choices=tuple(GATES),
        default=[],
        help="a feature gate that is on before its version, may be given several times",
    )


def cluster_of(arguments: argparse.Namespace) -> Cluster:
    """The cluster as the flags describe it."""
    return Cluster(version=arguments.kubernetes_version, gates=frozenset(arguments.feature_gates))


def add_output(parser: argparse.ArgumentParser) -> None:
    """Where to write."""
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to write to")


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files, all or none, and say which.

    Raises:
        ConfigError: the folder cannot be written to.
    """
    parts = {folder / name: folder / f"{name}.part" for name in files}
    try:
        for path, text in zip(parts, files.values(), strict=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            parts[path].write_text(text, encoding="utf-8")
        for path, part in parts.items():
            part.replace(path)
            print(f"{path}: written")
    except OSError as error:
        raise ConfigError([f"{error.filename or folder}: cannot be written: {error.strerror}"]) from None
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink()


def as_yaml(comment: str, body: Mapping[str, Any]) -> str:
    """A YAML file with a line about itself on top; strings that look like numbers are in quotes."""
    return f"# {comment}\n" + yaml.safe_dump(dict(body), sort_keys=False, allow_unicode=True, width=1000)


def _version(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"v?(\d{1,3})\.(\d{1,3})(\.\d.*|[+-].*)?", text, re.ASCII)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a version such as 1.35")
    return int(found[1]), int(found[2])
