"""Fields of a Kubernetes object, read with an exact complaint about each that cannot be what it is."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from wva_exporter.discovery.documents import Document, Step

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_SHOWN = 80

Path = tuple[Step, ...]


@dataclass(slots=True)
class Fields:
    """One object's fields; ``findings`` gathers what is wrong with them, one line each."""

    document: Document
    findings: list[str] = field(default_factory=list)

    def at(self, path: Path) -> Any:
        """The value of a field, None where it or a part of its path is absent or not what it could be inside of."""
        value: Any = self.document.body
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                return None
        return value

    def refuse(self, path: Path, allowed: str) -> None:
        """Complain about a field."""
        value = self.at(path)
        self.say(path, "is missing" if value is None else f"{_shown(value)} is not allowed", allowed)

    def say(self, path: Path, problem: str, allowed: str) -> None:
        """Complain in these words."""
        name = f"{self.document.kind} {self.at(('metadata', 'name')) or '(no name)'}"
        self.findings.append(f"{self.document.where(path)}: {name}: {dotted(path)}: {problem}: {allowed}")

    def text(self, path: Path, default: str = "") -> str:
        """A string; the default where it is absent or empty. Anything else, such as an unquoted number, is a finding."""
        value = self.at(path)
        if value is None:
            return default
        if not isinstance(value, str):
            self.refuse(path, "must be a string, in quotes")
            return default
        return value.strip() or default

    def needed(self, path: Path) -> str:
        """A string that has to be there; '' after a complaint."""
        value = self.at(path)
        if value is None or (isinstance(value, str) and not value.strip()):
            self.refuse(path, "must be a string that is not empty")
            return ""
        return self.text(path)

    def whole(self, path: Path, least: int) -> int | None:
        """A whole number of at least ``least``, None where it is absent."""
        value = self.at(path)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            self.refuse(path, f"must be a whole number of at least {least}")
            return None
        return value

    def amount(self, path: Path) -> float | None:
        """A finite number of at least 0 written as a string, None where it is absent."""
        text = self.text(path)
        if not text:
            return None
        number = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not 0.0 <= number < math.inf:
            self.refuse(path, "must be a number of at least 0")
            return None
        return number


def dotted(path: Path) -> str:
    """The path as people write it: ``metadata.annotations[llm-d.ai/model-id]``, ``spec.containers[0].name``."""
    text = ""
    for step in path:
        if isinstance(step, int) or "." in step or "/" in step:
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
