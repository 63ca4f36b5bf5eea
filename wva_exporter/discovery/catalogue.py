"""Who is who: the result of discovery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wva_exporter.core.columns import IntArray
from wva_exporter.core.declaration import Declarations, VariantDeclaration, Workload
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.sightings import Pod
from wva_exporter.discovery.evidence import Evidence, Key
from wva_exporter.errors import InvalidValue


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Catalogue:
    """The fleet, and whose each pod is.

    ``variant_of`` is the row of the variant of each of ``pods``, which are the sightings', -1 without one: shape (pods,).
    ``workload`` is what runs each variant, None where nobody says or several do; a LeaderWorkerSet runs its leaders in a
    StatefulSet of its name. ``part_of`` names the leader of each worker of a group, both by namespace and name. ``guesses``
    are sentences for an operator, one a guessed variant or doubtful fact. ``estranged`` are declared variants whose own pods,
    by their names, labels or workload, serve another model.
    ``unattributed`` are pods whose load nobody's decision counts; workers of a group are not among them, for their leader
    stands for them.

    The rest is for the next cycle: what this catalogue was made of.
    """

    fleet: Fleet
    variant_of: IntArray
    workload: tuple[Workload | None, ...]
    part_of: Mapping[Key, Key]
    guesses: tuple[str, ...]
    unattributed: tuple[Pod, ...]
    declarations: Declarations
    variants: tuple[VariantDeclaration, ...]
    pods: tuple[Pod, ...]
    evidence: Evidence
    estranged: frozenset[int]

    def __post_init__(self) -> None:
        if self.variant_of.shape != (len(self.pods),):
            raise InvalidValue(f"variant_of has shape {self.variant_of.shape} for {len(self.pods)} pods")
        if len(self.workload) != len(self.fleet) or len(self.variants) != len(self.fleet):
            raise InvalidValue(
                f"{len(self.workload)} workloads and {len(self.variants)} rows for {len(self.fleet)} variants"
            )

    def stands(self, declarations: Declarations, pods: tuple[Pod, ...], evidence: Evidence) -> bool:
        """Whether it would come out the same again."""
        return declarations is self.declarations and pods == self.pods and evidence == self.evidence
