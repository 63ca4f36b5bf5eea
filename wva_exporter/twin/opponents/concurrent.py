"""HPA on requests per replica, for somebody who knows how many a replica can have at once: the strongest simple opponent."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.twin.contender import Together
from wva_exporter.twin.hpa import Behavior
from wva_exporter.twin.limit_sizes import full_batch
from wva_exporter.twin.opponents.autoscaled import Hpa, autoscaler, clock_of, concurrency, pods_metric
from wva_exporter.twin.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Concurrency:
    """An HPA for each variant on running + waiting requests, whose target is ``share`` of the slots that keep the promise.

    It is given the truth: engine parameters, and the mean sizes of the requests that are to come.
    """

    name: str
    share: float = 0.7
    behavior: Behavior | None = None
    watches: bool = True

    def controller(self, scenario: Scenario, seed: int) -> Together:
        """An HPA for each variant."""
        requests = scenario.requests(seed)
        prompt, output = float(requests.prompt_tokens.mean()), float(requests.output_tokens.mean())
        parts = []
        for variant in scenario.variants:
            name = variant.spec.name
            slots = full_batch(variant.spec.parameters, prompt, output, scenario.promise.itl_seconds)
            measure = pods_metric(name, max(self.share * slots, 1.0), concurrency)
            parts.append(Hpa(name, autoscaler(variant, self.behavior), [measure], clock_of(name, scenario, seed)))
        return Together(parts)
