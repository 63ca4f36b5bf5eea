"""One look and one decision, with what must be remembered from one to the next."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from wva_exporter.config.schema import Settings
from wva_exporter.core.decision import Memory, Plan
from wva_exporter.core.fleet import Fleet
from wva_exporter.core.plan import plan
from wva_exporter.core.sightings import Sightings
from wva_exporter.core.snapshot import Snapshot
from wva_exporter.discovery.catalogue import Catalogue
from wva_exporter.discovery.discover import discover
from wva_exporter.discovery.inventory import inventory
from wva_exporter.service.knowledge import Knowledge, Known
from wva_exporter.service.wiring import declarations_of, policies_of, rules_of
from wva_exporter.sources.assemble import Membership, assemble
from wva_exporter.sources.remembered import Remembered
from wva_exporter.sources.samples import Observation, Source
from wva_exporter.sources.sight import says_the_same, sight


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Everything a cycle saw and concluded."""

    observation: Observation
    catalogue: Catalogue
    snapshot: Snapshot
    plan: Plan


class Cycle:
    """Asks a source and decides; remembers who the variants are and what was decided.

    Raises:
        ConfigError: a manifest that the settings name is refused.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._declarations = declarations_of(settings)
        self._rules = rules_of(settings)
        self._policies = policies_of(settings, self._declarations)
        self._catalogue: Catalogue | None = None
        self._memory: Memory | None = None
        self._membership: Membership | None = None
        self._seen: tuple[Observation, Sightings] | None = None
        self._known: tuple[Fleet | None, Known | None] = (None, None)
        self._remembered = Remembered(settings.hold_seconds)

    def inherit(self, former: Cycle) -> None:
        """Remember what ``former`` did, so that new settings start from today's targets and not from nothing."""
        self._catalogue, self._memory = former._catalogue, former._memory
        self._remembered.inherit(former._remembered)

    async def run(self, source: Source, knowledge: Knowledge | None = None) -> Outcome:
        """Ask, then decide in a thread: the page is served meanwhile."""
        observation = await source.observe()
        catalogue, snapshot = await asyncio.to_thread(self.look, observation)
        if knowledge is not None and observation.reachable:
            self._known = (snapshot.fleet, await knowledge(snapshot))
        fleet, known = self._known
        known = known if fleet is snapshot.fleet else None  # while nobody answers, what was known stands
        return await asyncio.to_thread(self._decided, observation, catalogue, snapshot, known)

    def decide(self, observation: Observation) -> Outcome:
        """What follows from the answers, and from nothing else than them and the cycles before."""
        return self._decided(observation, *self.look(observation), None)

    def _decided(
        self, observation: Observation, catalogue: Catalogue, snapshot: Snapshot, known: Known | None
    ) -> Outcome:
        if known is not None:
            snapshot = replace(snapshot, service=known.belief)
        result, memory = plan(snapshot, self._memory, self._policies, self._rules)
        self._memory = memory
        if known is not None:
            result = replace(result, learned=known.learned, recommended_limit=known.recommended_limit)
        return Outcome(observation=observation, catalogue=catalogue, snapshot=snapshot, plan=result)

    def look(self, observation: Observation) -> tuple[Catalogue, Snapshot]:
        """Who is there and how they do, without deciding anything."""
        namespace = self._settings.default_namespace
        sightings = self._sight(observation, namespace)
        catalogue = discover(self._declarations, sightings, self._catalogue)
        snapshot = assemble(
            observation,
            self._members(catalogue, sightings),
            default_namespace=namespace,
            max_input_age_seconds=self._settings.max_input_age_seconds,
        )
        self._catalogue = catalogue
        return catalogue, snapshot

    def _sight(self, observation: Observation, namespace: str) -> Sightings:
        """Who is there; what was seen last time while the answers say the same."""
        if self._seen is not None:
            before, sightings = self._seen
            if sightings.pods == self._remembered.pods and says_the_same(observation, before):
                self._remembered.note(sightings.pods, observation, namespace)
                return sightings
        sightings = sight(observation, namespace, self._remembered.pods)
        self._remembered.note(sightings.pods, observation, namespace)
        self._seen = (observation, sightings)
        return sightings

    def _members(self, catalogue: Catalogue, sightings: Sightings) -> Membership:
        """Whose the pods are; the same value as before while it says the same, with all that was worked out on it."""
        there = inventory(sightings.nodes, self._settings.gpus)
        before = self._membership
        if before is not None and catalogue is self._catalogue and there == before.inventory:
            return before
        self._membership = Membership(
            fleet=catalogue.fleet,
            pods=sightings.pods,
            variant_of=catalogue.variant_of,
            workloads=catalogue.workload,
            inventory=there,
            part_of=catalogue.part_of,
            estranged=catalogue.estranged,
        )
        return self._membership
