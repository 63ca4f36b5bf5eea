"""The jsonnet bindings beside the one that the program uses; the fastest renders what tests vary."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import rjsonnet
import yaml

from wva_exporter.artefacts.mixin import Mixin, render


def evaluate(name: str, source: str, imports: Path) -> str:
    """The JSON of a jsonnet text, by jrsonnet."""
    return str(rjsonnet.evaluate_snippet(name, source, jpathdir=[str(imports)]))


def rendered_fast(options: Mapping[str, Any] | None = None) -> Mixin:
    """The mixin with these options, rendered once."""
    return _rendered(yaml.safe_dump(dict(options or {}), sort_keys=True))


@cache
def _rendered(options: str) -> Mixin:
    return render(yaml.safe_load(options), evaluate=evaluate)
