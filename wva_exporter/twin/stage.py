"""What a controller can reach: Kubernetes' own word on replicas, what was scraped, and the handle that scales."""

from __future__ import annotations

from collections.abc import Mapping

from wva_exporter.twin.fleet import Fleet, ReplicaCounts
from wva_exporter.twin.replica import Phase, Replica
from wva_exporter.twin.run import Action
from wva_exporter.twin.scrapes import Scrapes


class Stage:
    """A fleet as its cluster shows it. ``changes`` lists what was asked for; ``born`` every pod that there ever was."""

    def __init__(self, fleet: Fleet, scrapes: Scrapes) -> None:
        self._fleet = fleet
        self.scrapes = scrapes
        self.changes: list[Action] = []
        self.born: dict[int, Replica] = {}
        self._meet()

    @property
    def now(self) -> float:
        """The fleet's clock, in seconds."""
        return self._fleet.now

    def counts(self, variant: str) -> ReplicaCounts:
        """Replicas of a variant as the Kubernetes API has them, without delay."""
        return self._fleet.counts(variant)

    def staying(self, variant: str) -> list[str]:
        """The pods of a variant that exist and are not being deleted."""
        return [
            replica.pod
            for replica in self._fleet.of(variant)
            if replica.deleted_at is None and replica.phase is not Phase.GONE
        ]

    def scale(self, variant: str, replicas: int) -> None:
        """Ask for so many replicas; to ask for as many as before does nothing."""
        before = self._fleet.asked(variant)
        if replicas == before:
            return
        self._fleet.scale(variant, replicas)
        self.changes.append(Action(at=self.now, variant=variant, before=before, after=replicas))
        self._meet()

    def publish(self, desired: Mapping[str, int]) -> None:
        """Put the desired replicas on the exporter's page, where the next scrape finds them."""
        self.scrapes.page = dict(desired)

    def _meet(self) -> None:
        for replica in self._fleet.replicas:
            if replica.index not in self.born:
                self.born[replica.index] = replica
                self.scrapes.expect(replica)
