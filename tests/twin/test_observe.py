"""What a policy sees of the twin is what a Prometheus that scraped its pages would have answered."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from loop_builder import ENGINE, steps, variant

from wva_exporter.cli.demo.engine_page import engine_page
from wva_exporter.conventions import REPLICA_SIGNALS, Input, Signal
from wva_exporter.core.snapshot import Presence, Snapshot
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.table import Window
from wva_exporter.sources.assemble import assemble
from wva_exporter.sources.fetch import Body
from wva_exporter.sources.samples import Observation
from wva_exporter.sources.scraped import Tally
from wva_exporter.sources.target_state import Reach, TargetState
from wva_exporter.sources.targets import Target
from wva_exporter.twin.fleet import Fleet
from wva_exporter.twin.fleet_rows import fleet_rows
from wva_exporter.twin.observe import EPOCH_SECONDS, NAMESPACE, Observer
from wva_exporter.twin.router import RouterSettings
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.scrapes import Period, Scrapes
from wva_exporter.twin.stage import Stage

REACH = Reach(windows={Window.SHORT: 60.0, Window.LONG: 300.0}, interval_seconds=15.0, hold_seconds=600.0)
LOAD = steps((6.0, 400.0), variants=(variant(replicas=3, most=6, startup=40.0),))


class Watched:
    """A fleet that serves a scenario while it is scraped, its pages being read by the code of the live source as well."""

    def __init__(self, scenario: Scenario, blackouts: tuple[Period, ...] = ()) -> None:
        self.scenario = scenario
        specs = [each.spec for each in scenario.variants]
        self.fleet = Fleet(specs, np.random.default_rng(5), grace_seconds=60.0, router=scenario.router, detail=True)
        self.scrapes = Scrapes(self.fleet, scrape_seconds=scenario.scrape_seconds, seed=1, blackouts=blackouts)
        self.stage = Stage(self.fleet, self.scrapes)
        self.observer = Observer(scenario, fleet_rows(scenario, "wva-v1"))
        self.pages: dict[str, TargetState] = {}
        self._requests = scenario.requests(1)

    def live(self, to: float) -> None:
        """Serve and scrape until then."""
        while self.fleet.now < to:
            at = min(self.scrapes.next_at, to)
            coming = self._requests.between(self.fleet.now, at)
            self.scrapes.arrived += len(coming)
            self.fleet.serve(coming, at)
            self.scrapes.take()
            self._read_pages()

    def snapshot(self) -> Snapshot:
        """What a policy sees now."""
        observation, members = self.observer.observe(self.scrapes, self.fleet.now)
        return assemble(observation, members, default_namespace=NAMESPACE, max_input_age_seconds=60.0)

    def by_the_live_source(self) -> Snapshot:
        """The same from the pages, through the engine tables."""
        mine, members = self.observer.observe(self.scrapes, self.fleet.now)
        tally = Tally(ENGINES, EPOCH_SECONDS + self.fleet.now, NAMESPACE)
        for state in self.pages.values():
            tally.add(state)
        answers = dict(tally.observation(()).answers)
        answers |= {signal: mine.answers[signal] for signal in (Signal.OWNERS, Signal.WORKLOADS, Signal.PODS)}
        observation = Observation(time=mine.time, answers=answers)
        return assemble(observation, members, default_namespace=NAMESPACE, max_input_age_seconds=60.0)

    def _read_pages(self) -> None:
        now, epoch = self.fleet.now, EPOCH_SECONDS
        for replica in self.fleet.replicas:
            seen = self.scrapes.pods.get(replica.pod)
            if replica.engine is None or seen is None or seen.times[-1] != now:
                continue
            if replica.pod not in self.pages:
                where = {"namespace": NAMESPACE, "pod": replica.pod, "instance": replica.pod, "job": "llm/vllm"}
                target = Target(f"http://{replica.pod}/metrics", tuple(sorted(where.items())))
                self.pages[replica.pod] = TargetState(target, ENGINES, REACH)
            text = engine_page(replica.engine, model=self.scenario.model_name, epoch=epoch)
            page = Body(content=text, content_type="text/plain")
            state = self.pages[replica.pod]
            state.record(state.understand(page), epoch + now)


def signals(snapshot: Snapshot) -> Mapping[tuple[str, Signal], float]:
    """What is known of each pod."""
    table = snapshot.replicas.signals
    return {
        (pod, signal): float(table.value[row, place])
        for row, signal in enumerate(REPLICA_SIGNALS)
        for place, pod in enumerate(snapshot.replicas.pod)
        if table.known[row, place]
    }


@pytest.mark.parametrize("until", [20.0, 37.5, 100.0, 212.0, 399.0])
def test_signals_are_those_of_the_live_source(until: float) -> None:
    """Every number that a policy sees equals what the engine tables make of the scraped pages, and so does what is absent."""
    watched = Watched(LOAD)
    watched.live(min(until, 150.0))
    watched.stage.scale("h100", 5)
    watched.live(until)
    mine, theirs = signals(watched.snapshot()), signals(watched.by_the_live_source())
    assert mine.keys() == theirs.keys()
    assert {pod for pod, _ in mine} == set(watched.scrapes.pods)
    assert mine == pytest.approx(theirs, rel=1e-6, abs=1e-9)  # of times since the epoch, floats keep microseconds


def test_counts_are_those_of_the_last_scrape_of_kube_state_metrics() -> None:
    """A change shows once kube-state-metrics was scraped, and pending replicas then stand between spec and ready."""
    watched = Watched(LOAD)
    watched.live(100.0)
    watched.stage.scale("h100", 5)
    before = watched.snapshot().counts
    watched.live(115.0)
    after = watched.snapshot().counts
    assert before.spec.listed() == [3.0]
    assert (after.spec.listed(), after.ready.listed(), after.pending.listed()) == ([5.0], [3.0], [2.0])
    assert bool(after.declared.all())


def test_a_pod_that_drains_is_not_capacity_and_one_that_left_is_not_missed() -> None:
    """Neither is in the snapshot once kube-state-metrics says so, and nothing is in doubt."""
    watched = Watched(LOAD)
    watched.live(100.0)
    watched.stage.scale("h100", 2)
    watched.live(190.0)
    snapshot = watched.snapshot()
    assert len(snapshot.replicas) == 2
    assert snapshot.replicas.presence.tolist() == [Presence.LIVE] * 2
    assert not snapshot.trouble.any()


def test_a_new_pod_covers_its_window_step_by_step() -> None:
    """Its first scrape fills a quarter of the window, so that nobody takes its short history for low load."""
    watched = Watched(LOAD)
    watched.live(100.0)
    watched.stage.scale("h100", 4)
    seen = []
    for until in (158.0, 170.0, 185.0, 200.0):
        watched.live(until)
        seen.append(min(value for (_, signal), value in signals(watched.snapshot()).items() if signal == "coverage"))
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.25, 1.0)


def test_while_prometheus_is_down_every_query_fails() -> None:
    """The source is down, and after it came back the gap shows as thin coverage and old peaks are gone."""
    watched = Watched(LOAD, blackouts=((200.0, 300.0),))
    watched.live(250.0)
    during = watched.snapshot()
    watched.live(316.0)
    after = watched.snapshot()
    assert during.trouble.tolist() != [0]
    assert len(during.replicas) == 0 or not during.replicas.live.any()
    assert bool(after.replicas.live.all())
    assert not after.covered.any()


def test_a_router_with_a_queue_shows_it_and_what_arrives() -> None:
    """Offered requests are known where the router holds some, unknown where it has no queue."""
    plain = Watched(LOAD)
    plain.live(200.0)
    snapshot = plain.snapshot()
    assert snapshot.router_queue.listed() == [None]
    holding = Watched(
        steps((30.0, 400.0), variants=(variant(replicas=1, engine=ENGINE),), router=RouterSettings(holds=True))
    )
    holding.live(200.0)
    seen = holding.snapshot()
    assert seen.router_queue.value[0] > 0.0
    assert seen.offered.value[0] == pytest.approx(30.0, rel=0.1)


def test_every_input_is_there() -> None:
    """A fleet under load lacks nothing that decisions require."""
    watched = Watched(LOAD)
    watched.live(300.0)
    assert watched.snapshot().inputs.missing.tolist() == [[False] * len(Input)]


def test_arrivals_are_counted_by_the_pods_themselves() -> None:
    """What ended and what is inside, at the same scrape, add up to the requests that were sent to the pod."""
    watched = Watched(LOAD)
    watched.live(300.0)
    last = {name: (pod.times[-1], pod.newest) for name, pod in watched.scrapes.pods.items()}
    total = sum(row[0] + row[1] + row[3] for _, row in last.values())
    oldest, newest = (f(at for at, _ in last.values()) for f in (min, max))
    requests = watched.scenario.requests(1)
    assert len(requests.between(0.0, oldest)) * 0.98 <= total <= len(requests.between(0.0, newest))
