"""What traps of HPAs and ScaledObjects have in common: whose target is asked for, and how a change is delayed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wva_exporter.artefacts.behaviour import TOLERANCE_GATE, Cluster
from wva_exporter.artefacts.reading import Asked
from wva_exporter.conventions import DESIRED_REPLICAS, Annotation, Label
from wva_exporter.discovery.fields import Fields, Path

_DEAD_BAND_REPLICAS = 10
"""Up to here a step of one is at least 10 %, and an HPA follows it."""


@dataclass(frozen=True, slots=True)
class Traps:
    """One object under examination; complaints gather in ``fields``."""

    fields: Fields
    cluster: Cluster
    known: frozenset[tuple[str, str]]
    namespace_label: str | None

    def say(self, path: Path, problem: str, advice: str) -> None:
        """Complain of a field."""
        self.fields.say(path, problem, advice)

    def at(self, path: Path) -> Any:
        """A field, None where it is absent."""
        return self.fields.at(path)

    def text(self, path: Path) -> str:
        """A field as text, '' where it is absent or a structure: people leave out quotes, and Kubernetes complains of that."""
        value = self.at(path)
        if isinstance(value, bool):
            return str(value).lower()
        return str(value) if isinstance(value, str | int | float) else ""

    @property
    def namespace(self) -> str:
        """The object's namespace, '' where whoever applies it will say."""
        return self.text(("metadata", "namespace"))

    @property
    def name(self) -> str:
        """The object's name."""
        return self.text(("metadata", "name"))

    @property
    def managed(self) -> bool:
        """Whether it says that it is a variant's."""
        return self.text(("metadata", "annotations", Annotation.MANAGED)) == "true"

    def unread(self) -> None:
        """It is a variant's, and follows something else."""
        self.say(
            ("metadata", "annotations", Annotation.MANAGED), f"reads no {DESIRED_REPLICAS.name}", "nothing scales it"
        )

    def whose(self, path: Path, asked: Asked, *, stored: bool = True) -> None:
        """Is the target that is asked for the one of this object's variant, and of no other?

        ``stored`` is whether a store is asked, which may have renamed the namespace, and not the exporter itself.
        """
        variant = asked.equal.get(Label.VARIANT)
        right = f'{Label.VARIANT} "{self.name}", as the object is called'
        if variant is None:
            self.say(path, f"does not name one {Label.VARIANT}", f"every variant's target is read; write {right}")
        elif variant != self.name and (self.namespace, variant) not in self.known:
            self.say(path, f"reads the target of variant {variant!r}", f"write {right}, or declare that variant")
        pinned = asked.namespace
        if pinned is None and not asked.loose:
            self.say(path, "names no namespace", f"variants of this name elsewhere count too; write {self._label}")
        elif pinned is None:
            self.say(path, "matches many namespaces", f"name one with = and the label {self._label}")
        elif self.namespace and pinned[1] != self.namespace:
            self.say(path, f"reads namespace {pinned[1]!r}", f"the object and its variant are in {self.namespace!r}")
        elif self.namespace_label is not None and stored and pinned[0] != self.namespace_label:
            self.say(path, f"matches the label {pinned[0]}", f"the store has it as {self.namespace_label}")

    @property
    def _label(self) -> str:
        return self.namespace_label or f"{Label.NAMESPACE}, or exported_{Label.NAMESPACE} without honorLabels"

    def behaviour(self, path: Path, maximum: Path) -> None:
        """Growth that is delayed, and steps that are swallowed."""
        window = (*path, "scaleUp", "stabilizationWindowSeconds")
        if self.at(window) not in (None, 0):
            self.say(
                window, f"delays growth by {self.text(window)} s", "write 0: the target is no gauge, it is decided"
            )
        if self.text((*path, "scaleUp", "selectPolicy")) == "Disabled":
            self.say((*path, "scaleUp", "selectPolicy"), "never grows", "leave it out")
        most = self.at(maximum)
        if self.cluster.has(TOLERANCE_GATE) and isinstance(most, int) and most > _DEAD_BAND_REPLICAS:
            for direction in ("scaleUp", "scaleDown"):
                if self.at((*path, direction, "tolerance")) is None:
                    self.say((*path, direction), "drops a step of 1 above 10 replicas", 'write tolerance: "0"')


def is_one(text: str) -> bool:
    """Whether a quantity is 1, however it is written."""
    units: Mapping[str, float] = {"m": 1e-3, "": 1.0}
    number, unit = (text[:-1], text[-1]) if text.endswith("m") else (text, "")
    try:
        return float(number) * units[unit] == 1.0
    except ValueError:
        return False
