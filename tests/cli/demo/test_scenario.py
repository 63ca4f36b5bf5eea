"""The demo's fleet in a loop without any I/O: an autoscaler of a few lines stands for the exporter, time runs free."""

from collections import deque

import pytest

from wva_exporter.cli.demo import scenario
from wva_exporter.cli.demo.world import World
from wva_exporter.twin.replica import Phase

A100, H100 = (variant.name for variant in scenario.VARIANTS)
START = {A100: 2, H100: 1}


class PercentageScaler:
    """WVA's percentage analysis over the peaks of five seconds: one replica more or less, nothing while one is pending."""

    def __init__(self) -> None:
        self.peaks: dict[str, deque[tuple[float, int]]] = {}

    def scrape(self, world: World) -> None:
        """Note what every ready replica shows."""
        for replica in world.fleet.replicas:
            if replica.phase is Phase.READY and replica.engine is not None:
                seen = self.peaks.setdefault(replica.pod, deque(maxlen=5))
                seen.append((replica.engine.kv_usage_ratio, replica.engine.waiting))

    def targets(self, world: World) -> dict[str, int]:
        """What it wants now."""
        counts = {name: world.fleet.counts(name) for name in START}
        current = {name: count.current for name, count in counts.items()}
        if any(count.ready < max(count.spec, count.current) for count in counts.values()):
            return current
        seen = [self.peaks[r.pod] for r in world.fleet.replicas if r.phase is Phase.READY and r.pod in self.peaks]
        kv = sum(max(ratio for ratio, _ in peaks) for peaks in seen) / len(seen)
        queue = sum(max(waiting for _, waiting in peaks) for peaks in seen) / len(seen)
        fewer = len(seen) / (len(seen) - 1)
        if kv > 0.70 or queue > 2:
            return {**current, A100: current[A100] + 1}
        if kv * fewer <= 0.70 and queue * fewer <= 2:
            dearest = next((name for name in (H100, A100) if current[name] > START[name]), None)
            return {name: count - (name == dearest) for name, count in current.items()}
        return current


def play(seconds: int, seed: int) -> tuple[World, int]:
    """A run with a second between scrapes and two between decisions, and the most that waited before the first rise."""
    world, scaler = World(seconds, seed), PercentageScaler()
    world.begin()
    targets, waiting = dict(START), -1
    for second in range(1, seconds + 1):
        world.advance(float(second))
        scaler.scrape(world)
        if second % 2 == 0:
            targets = scaler.targets(world)
        else:
            for name, target in targets.items():
                world.autoscale(name, [float(target)])
        if waiting < 0 and sum(targets.values()) > sum(START.values()):
            waiting = world.totals.peak_waiting
    return world, waiting


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_the_fleet_grows_before_the_queue_and_shrinks_to_its_start(seed: int) -> None:
    """The whole run: threefold load and back, no request failed."""
    world, waiting = play(180, seed)
    assert 0 <= waiting < 5
    assert world.totals.failed == 0
    assert world.totals.served > 5000
    assert world.added[A100] >= 3
    assert {name: world.fleet.counts(name).ready for name in START} == START
    assert world.cost < world.static_cost


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_a_short_run_sees_an_added_replica_serve(seed: int) -> None:
    """Forty-five seconds are enough for the first reaction."""
    world, waiting = play(45, seed)
    assert world.first_serving_at is not None
    assert world.first_serving_at < 40
    assert 0 <= waiting < 5


def test_the_load_rises_threefold_and_falls_back() -> None:
    """Longer runs stretch the profile, shorter ones cut it off."""
    for seconds in (180, 600):
        rates = scenario.profile(seconds)
        assert rates.peak == 3 * rates.at(0) == 3 * rates.at(seconds)
    assert scenario.profile(45) == scenario.profile(180)
    assert scenario.rise_at(360) == 2 * scenario.rise_at(180)
