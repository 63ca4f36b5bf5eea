"""Zero on proof works whatever the engine: its load is known to be zero, or the model stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine_worlds import INTERVAL, NOW, SCRAPES, Place, beside, idle, pod, scraped

from wva_exporter.config.load import parse
from wva_exporter.service.cycle import Cycle

RETENTION_SECONDS = 60.0
YAML = """
default_namespace: llm
variants:
  - {name: v, model: MODEL, selector: {pod: p}, min: 0, max: 4}
models:
  - {name: MODEL, scale_to_zero: {retention: 1m}}
"""

GAUGES = {
    "vllm-0.32/busy": ("vllm:num_requests_running", "vllm:num_requests_waiting", "vllm:kv_cache_usage_perc"),
    "sglang/tensor-parallel": ("sglang:num_running_reqs", "sglang:num_queue_reqs", "sglang:token_usage"),
    "trtllm/busy": ("trtllm_num_requests_running", "trtllm_num_requests_waiting", "trtllm_kv_cache_utilization"),
}
QUEUE = "llm_d_epp_flow_control_queue_size"


def last_target(places: dict[str, Place], model: str) -> float | None:
    """The target after the retention and a little more, a cycle a scrape."""
    cycle = Cycle(parse(YAML.replace("MODEL", model), "test"))
    target = None
    for n in range(int(RETENTION_SECONDS / INTERVAL) + 8):
        later = {name: replace(place, scrapes=SCRAPES + n) for name, place in places.items()}
        outcome = cycle.decide(scraped(later, NOW + n * INTERVAL))
        (target,) = outcome.plan.target.listed()
    return target


def model_of(place: Place) -> str:
    """The model that a pod's page names."""
    return next(
        labels.split('model_name="')[1].split('"')[0] for (_, labels, _), _ in place.samples if "model_name" in labels
    )


def quiet(fixture: str) -> dict[str, Place]:
    """An engine that did something once, and its router, both without load."""
    places = idle({"p": pod("p", fixture), "r": beside("router/current")}, (*GAUGES[fixture], QUEUE))
    model = model_of(places["p"])
    router = places["r"]
    named = [((name, labels.replace('"llama"', f'"{model}"'), v), c) for (name, labels, v), c in router.samples]
    return {**places, "r": replace(router, samples=named)}


@pytest.mark.parametrize("fixture", GAUGES)
def test_an_idle_model_goes_to_zero(fixture: str) -> None:
    """Arrivals, running, waiting and the router's queue were known to be zero for a minute."""
    places = quiet(fixture)
    assert last_target(places, model_of(places["p"])) == 0


@pytest.mark.parametrize("fixture", GAUGES)
def test_a_model_whose_engine_still_runs_a_request_stays(fixture: str) -> None:
    """One long request is load, also while nothing arrives."""
    places = quiet(fixture)
    running = GAUGES[fixture][0]
    samples = [((name, labels, 1.0 if name == running else v), c) for (name, labels, v), c in places["p"].samples]
    places["p"] = replace(places["p"], samples=samples)
    assert last_target(places, model_of(places["p"])) == 1


def test_an_engine_that_does_not_say_what_it_runs_is_not_idle() -> None:
    """A TensorRT-LLM that answered nothing yet is unknown."""
    places = {**quiet("trtllm/busy"), "p": pod("p", "trtllm/fresh")}
    assert last_target(places, "llama") != 0
