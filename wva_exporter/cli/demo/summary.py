"""What a run showed, at its end."""

from __future__ import annotations

from dataclasses import dataclass

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Reaction:
    """The first rise of the desired replicas: when it was read, in seconds of the run, and the most that had waited by then."""

    at_seconds: float
    waiting: int


def report(world: World, reaction: Reaction | None) -> str:
    """The run in a few lines."""
    totals = world.totals
    first = "none" if totals.first_token_seconds is None else f"{totals.first_token_seconds * 1000:.0f} ms"
    return "\n".join(
        (
            f"Ran {world.elapsed:.0f} s.",
            f"Requests: {totals.served} served, {totals.failed} failed, mean time to first token {first}.",
            f"Queue: at most {totals.peak_waiting} requests waited at a time.",
            *(_replicas(world, variant.name) for variant in scenario.VARIANTS),
            _reaction(world, reaction),
            _cost(world),
        )
    )


def _replicas(world: World, name: str) -> str:
    counts = world.fleet.counts(name)
    start = world.fleet.variants[name].replicas
    return (
        f"Replicas of {name}: started with {start}, at most {world.peak_replicas[name]} ready, ended with {counts.ready}; "
        f"{world.added[name]} added, {world.removed[name]} removed."
    )


def _reaction(world: World, reaction: Reaction | None) -> str:
    rise = scenario.rise_at(world.seconds)
    if reaction is None:
        return "Reaction: the desired replicas never rose."
    late = round(reaction.at_seconds - rise)
    when = "before" if late < 0 else "after"  # chance may bring a few more before the load rises
    text = f"Reaction: desired rose {abs(late)} s {when} the load began to, {reaction.waiting} had waited"
    if world.first_serving_at is None or world.began_at is None:
        return f"{text}; no added replica served."
    later = world.first_serving_at - world.began_at - reaction.at_seconds
    return f"{text}; the first added replica served {later:.0f} s later."


def _cost(world: World) -> str:
    cost, static = world.cost, world.static_cost
    spent = f"Cost: {cost:.3f} {scenario.CURRENCY}"
    if not static > 0:
        return f"{spent}."
    return f"{spent}, {cost / static:.0%} of the {static:.3f} {scenario.CURRENCY} of a static fleet of the peak size."
