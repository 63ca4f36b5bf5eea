"""The known traps in the HPAs and ScaledObjects that people have: ``wva-exporter check --manifests``.

Looked at are objects that read one of our series or carry WVA's annotation; what else lies in the files is passed over. Every
finding is a line with file, line, object and field, what is wrong, and what to write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from wva_exporter.artefacts.behaviour import Cluster
from wva_exporter.artefacts.lint_hpa import lint_hpa
from wva_exporter.artefacts.lint_scaled_object import lint_scaled_object
from wva_exporter.artefacts.traps import Traps
from wva_exporter.discovery.documents import read_documents
from wva_exporter.discovery.fields import Fields
from wva_exporter.errors import ConfigError

HPA, SCALED_OBJECT = "HorizontalPodAutoscaler", "ScaledObject"
_LINTERS = {HPA: lint_hpa, SCALED_OBJECT: lint_scaled_object}


@dataclass(frozen=True, slots=True, kw_only=True)
class Linted:
    """How many objects were looked at, how many were none of ours, and every finding."""

    looked_at: int
    passed_over: int
    findings: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class _Targets:
    """Who scales what: a workload with two scalers obeys neither."""

    holder: dict[tuple[str, str, str], Fields] = field(default_factory=dict)

    def claim(self, traps: Traps) -> None:
        """Complain if another object has the same target."""
        ref = ("spec", "scaleTargetRef")
        kind, name = traps.text((*ref, "kind")) or "Deployment", traps.text((*ref, "name"))
        if not name:
            traps.say(ref, "names no workload", "write apiVersion, kind and name")
            return
        other = self.holder.setdefault((traps.namespace, kind, name), traps.fields)
        if other is not traps.fields:
            same = other.document.kind == traps.fields.document.kind and other.at(("metadata", "name")) == traps.name
            place = f"{other.document.kind} {other.at(('metadata', 'name'))} ({other.document.where()})"
            if same:
                traps.say(("metadata", "name"), f"stands in {other.document.where()} too", "the one applied last wins")
            else:
                traps.say(ref, f"is also the target of {place}", "a workload has one scaler, delete the other")


def lint(
    paths: Iterable[FilePath],
    *,
    cluster: Cluster | None = None,
    known: Collection[tuple[str, str]] = (),
    namespace_label: str | None = None,
) -> Linted:
    """Look at every object in files and folders.

    Args:
        paths: YAML or JSON files, or folders of them.
        cluster: what the cluster can do; without it, what every version can.
        known: namespace and name of variants that the configuration names, which need not be called after their scaler.
        namespace_label: where the store has the namespace, if somebody said it; else either label will do.

    Raises:
        ConfigError: a file cannot be read or is not YAML.
    """
    unreadable: list[str] = []
    documents = read_documents(paths, _LINTERS, unreadable)
    if unreadable:
        raise ConfigError(unreadable)
    findings: list[str] = []
    targets = _Targets()
    looked_at = 0
    for document in documents:
        traps = Traps(Fields(document), cluster or Cluster(), frozenset(known), namespace_label)
        ours = _LINTERS[document.kind](traps)
        if ours:
            looked_at += 1
            targets.claim(traps)
            findings.extend(traps.fields.findings)
    return Linted(looked_at=looked_at, passed_over=len(documents) - looked_at, findings=tuple(findings))
