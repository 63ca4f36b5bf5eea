"""Requests that no policy can have served: longer than the replicas of a scenario take, which the fleet refuses at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wva_exporter.config.findings import printable
from wva_exporter.evidence.arena.board import Contest
from wva_exporter.twin.scenario import Scenario


def too_long(contest: Contest) -> Iterator[str]:
    """A line for each scenario that has such requests, over all seeds that it is played with."""
    for scenario in contest.scenarios:
        longest = min(variant.spec.parameters.longest_request_tokens for variant in scenario.variants)
        seeds = contest.seeds_of(scenario)
        counts = np.array([_counts(scenario, seed, longest) for seed in seeds], dtype=np.int64)
        refused, offered = counts.sum(axis=0).tolist()
        if refused:
            over = f" ({len(seeds)} seeds)" if len(seeds) > 1 else ""
            rest = "has {}, and is refused" if refused == 1 else "have {}, and are refused"
            what = rest.format(f"more tokens than {_place(scenario, longest)}")
            yield printable(f"{scenario.name}: {refused:,} of {offered:,} requests{over} {what} whatever a policy does")


def _counts(scenario: Scenario, seed: int, longest: int) -> tuple[int, int]:
    """Of the scored requests of a seed those that are too long, and all."""
    requests = scenario.requests(seed).between(0.0, scenario.duration_seconds)
    return int(np.count_nonzero(requests.prompt_tokens + requests.output_tokens > longest)), len(requests)


def _place(scenario: Scenario, longest: int) -> str:
    """What holds no more than that: the first variant with the least room, since a request may meet any of them."""
    specs = (variant.spec for variant in scenario.variants)
    spec = next(each for each in specs if each.parameters.longest_request_tokens == longest)
    if spec.parameters.kv_capacity_tokens == longest:
        return f"the {longest:,} that the KV cache of {spec.name} holds"
    return f"the {longest:,} that {spec.name} takes by its max_model_tokens"
