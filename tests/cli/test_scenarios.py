"""The shipped scenarios and those of one's own: what becomes of a file, and whether somebody could win."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from third_party import third_party

from wva_exporter.cli.scenario_list import filled
from wva_exporter.cli.scenarios import build, load_scenario, shipped, shipped_file
from wva_exporter.config.scenario import parse_scenario
from wva_exporter.errors import ConfigError
from wva_exporter.twin.closed_loop import run
from wva_exporter.twin.contenders import contender
from wva_exporter.twin.requests import Ending
from wva_exporter.twin.scenario import Scenario
from wva_exporter.twin.traces.azure import read_azure
from wva_exporter.twin.traces.mooncake import read_mooncake
from wva_exporter.twin.traces.servegen import ServeGen

PAGE = Path(__file__).parent.parent.parent / "docs" / "scenarios.md"
DRAWN = [name for name in shipped() if shipped_file(name).workload.trace is None]
SHORT = [name for name in DRAWN if shipped_file(name).duration_seconds <= 1500]
TEN_MINUTES = [name for name in SHORT if shipped_file(name).duration_seconds <= 900]
FILE = """
title: t
summary: s
model: {model}
promise: {{ttft: 2s, itl: 50ms}}
duration: 100s
warm_up: {{for: 6m, rps: 3}}
variants:
  - {{name: a, accelerator: {accelerator}, gpus: 2, max: 5, startup: 60s, engine: {engine}}}
workload:
  {load}
"""
LOAD = "{legs: [{rps: 2, for: 10s}, {rps: 8, over: 10s}], prompt: {fixed: 100}, output: {fixed: 10}, patience: 30s}"


def own(
    *,
    model: str = "Qwen/Qwen3-32B",
    accelerator: str = "H100",
    engine: str = "{}",
    load: str = LOAD,
    data: Path | None = None,
) -> Scenario:
    """The scenario of a file like this."""
    text = FILE.format(model=model, accelerator=accelerator, engine=engine, load="X").replace("\n  X", f" {load}")
    text = text.replace(", rps: 3", "") if "trace" in load else text
    return build(parse_scenario(text, "own.yaml"), "own", data)


def attainment(scenario: Scenario, replicas: Iterable[int]) -> float:
    """Share of the requests that are good on a fleet that stays as it is."""
    pairs = zip(scenario.variants, replicas, strict=True)
    fixed = replace(scenario, variants=tuple(replace(v, spec=replace(v.spec, replicas=n)) for v, n in pairs))
    fleet, promise = fixed.fleet(1), scenario.promise
    fleet.serve(fixed.requests(1), scenario.duration_seconds)
    fleet.advance(scenario.duration_seconds + 600)
    outcomes = [o for o in fleet.take_outcomes() if o.request.arrival_seconds >= 0]
    good = [
        o
        for o in outcomes
        if o.ending is Ending.SERVED
        and (o.ttft_seconds or 0) <= promise.ttft_seconds
        and (o.itl_seconds or 0) <= promise.itl_seconds
    ]
    return len(good) / len(outcomes)


@pytest.mark.parametrize("name", DRAWN)
def test_every_shipped_scenario_can_be_played(name: str) -> None:
    """Its requests come within its time, and each fits into the longest that its engines take."""
    scenario = load_scenario(name)
    requests = scenario.requests(1)
    assert (scenario.name, len(requests) > 1000) == (name, True)
    assert -scenario.warm_seconds <= requests.arrival_seconds[0]
    assert requests.arrival_seconds[-1] < scenario.duration_seconds
    longest = min(variant.spec.parameters.longest_request_tokens for variant in scenario.variants)
    assert (requests.prompt_tokens + requests.output_tokens).max() <= longest


@pytest.mark.parametrize("name", SHORT)
def test_the_largest_fleet_keeps_the_promise_where_a_scenario_is_feasible(name: str) -> None:
    """At least 98 % of the requests, started at the maximum; where it is not, less than half."""
    scenario = load_scenario(name)
    share = attainment(scenario, (variant.maximum for variant in scenario.variants))
    assert share >= 0.98 if scenario.feasible else share < 0.5


@pytest.mark.parametrize("name", [name for name in TEN_MINUTES if name != "paper-2-warm"])
def test_the_first_fleet_does_not_keep_it(name: str) -> None:
    """Else there would be nothing to scale; the paper's warm fleet at its first point is the one that may stay as it is."""
    scenario = load_scenario(name)
    assert attainment(scenario, (variant.spec.replicas for variant in scenario.variants)) < 0.9


def test_the_list_on_the_page_is_that_of_the_files() -> None:
    """Written by ``make generate``; an edited or outdated list fails here."""
    assert filled(PAGE.read_text()) == PAGE.read_text()


def test_what_a_file_leaves_out_comes_from_the_catalogue() -> None:
    """Two H100s: prices and watts twice; the cache is what 144 GB leave beside 65.6 GB of weights, at 262,144 bytes a token."""
    (variant,) = own().variants
    assert variant.spec.cost_per_hour == pytest.approx(2 * 2.95)
    assert (variant.spec.idle_watts, variant.spec.busy_watts, variant.gpus) == (400, 1400, 2)
    parameters = variant.spec.parameters
    assert parameters.kv_capacity_tokens == pytest.approx((144e9 - 65.6e9) / 262_144, abs=16)
    assert parameters.alpha_seconds == pytest.approx(65.6e9 / (2 * 3350e9 * 0.72))


def test_what_was_measured_wins_over_data_sheets() -> None:
    """The catalogue's one measured pair, on one card."""
    parameters = load_scenario("flash-crowd").variants[0].spec.parameters
    assert (parameters.alpha_seconds, parameters.beta_seconds_per_token) == pytest.approx((0.0067, 2.084e-5))


def test_what_a_file_says_wins_over_the_catalogue() -> None:
    """Milliseconds become seconds; the cache is whole blocks, the reserved one beside them."""
    engine = "{alpha_ms: 5, prefill_beta_ms: 0.1, kv_tokens: 1607, max_waiting: 7, ttft_overhead: 12ms, handover: 30ms}"
    parameters = own(engine=engine).variants[0].spec.parameters
    assert (parameters.alpha_seconds, parameters.prefill_beta_seconds_per_token) == pytest.approx((0.005, 1e-4))
    assert (parameters.kv_capacity_tokens, parameters.max_waiting) == (1600, 7)
    assert (parameters.ttft_overhead_seconds, parameters.handover_seconds) == (0.012, 0.03)


def test_hardware_that_nobody_knows_must_be_described() -> None:
    """Nothing is made up for it; with all its numbers it will do, but for the price."""
    full = "{alpha_ms: 5, beta_ms: 0.1, gamma_ms: 0.001, kv_tokens: 1600}"
    with pytest.raises(ConfigError, match="own: a: no price of TPU is known: give cost"):
        own(accelerator="TPU", engine=full)
    with pytest.raises(ConfigError, match="does not know acme/brain on 2 x H100"):
        own(model="acme/brain")
    with pytest.raises(ConfigError, match="or it does not fit"):
        own(model="meta-llama/Llama-3.1-405B")
    assert own(model="acme/brain", engine=full).variants[0].spec.parameters.kv_capacity_tokens == 1600


@pytest.mark.parametrize(
    ("load", "rates"),
    [
        (LOAD, (2, 2, 5, 8)),
        ("{sine: {mean_rps: 5, swing_rps: 3, period: 20s}, prompt: {fixed: 1}, output: {fixed: 1}}", (2, 8, 5, 2)),
        (
            "{flash: {base_rps: 2, peak_rps: 9, at: 10s, decay: 1ms}, prompt: {fixed: 1}, output: {fixed: 1}}",
            (2, 9, 2, 2),
        ),
    ],
    ids=["legs", "sine", "flash"],
)
def test_the_load_of_a_file_has_its_rates(load: str, rates: tuple[float, ...]) -> None:
    """At 0, 10, 15 and 20 s."""
    rate = own(load=load).workload.rate  # type: ignore[attr-defined]
    assert [rate.at(at) for at in (0, 9.99 if rates[1] == 2 else 10, 15, 20)] == pytest.approx(rates, rel=0.01)


@pytest.mark.parametrize(
    ("legs", "counts"),
    [
        ("[{rps: 2, for: 10s}, {rps: 8, over: 10s}]", (20, 50, 640)),
        ("[{rps: 2, for: 10s}, {rps: 8, over: 10s}, {rps: 8, for: 80s}, {rps: 99, for: 1h}]", (20, 50, 640)),
        ("[{rps: 8, over: 20s}]", (80, 80, 640)),
    ],
    ids=["too short", "too long", "a ramp from nowhere"],
)
def test_legs_that_end_early_go_on_and_late_ones_are_cut(legs: str, counts: tuple[int, ...]) -> None:
    """Requests due in the first ten seconds, the second ten, and the rest of the hundred that the file lasts."""
    scenario = own(load=f"{{legs: {legs}, prompt: {{fixed: 1}}, output: {{fixed: 1}}}}")
    rate = scenario.workload.rate  # type: ignore[attr-defined]
    assert [rate.count(*span) for span in ((0, 10), (10, 20), (20, 100))] == pytest.approx(counts)
    at = scenario.requests(1).arrival_seconds
    assert at[-1] < 100
    assert abs((at >= 20).sum() - counts[2]) < 5 * counts[2] ** 0.5


def test_the_warm_up_of_a_file_has_a_rate_of_its_own() -> None:
    """Three a second in the minute before, from clients with the patience of the others."""
    requests = own().requests(1)
    assert abs(len(requests.between(-60, 0)) - 180) < 54
    assert requests[0].patience_seconds == 30


def test_sizes_of_a_file_follow_its_laws() -> None:
    """Each of the four."""
    load = (
        "{legs: [{rps: 50, for: 100s}], prompt: {empirical: [{tokens: 3}, {tokens: 5, weight: 3}]},"
        " output: {lognormal: {mean: 200, sigma: 0.5, most: 5000}}}"
    )
    requests = own(load=load).requests(1)
    assert set(requests.prompt_tokens.tolist()) == {3, 5}
    assert requests.prompt_tokens.mean() == pytest.approx(4.5, rel=0.02)
    assert requests.output_tokens.mean() == pytest.approx(200, rel=0.04)


def test_a_name_that_is_almost_one_is_corrected() -> None:
    """And a path that leads nowhere is said to."""
    with pytest.raises(ConfigError, match="paper-5-cld: no scenario is called so; did you mean paper-5-cold"):
        load_scenario("paper-5-cld")
    with pytest.raises(ConfigError, match="there are azure-conversation, "):
        load_scenario("qqq")
    with pytest.raises(ConfigError, match="no such file"):
        load_scenario("./none.yaml")


def test_a_file_of_ones_own_is_found_by_its_path(tmp_path: Path) -> None:
    """Its name is that of the file."""
    path = tmp_path / "mine.yaml"
    path.write_text(FILE.format(model="Qwen/Qwen3-32B", accelerator="H100", engine="{}", load=LOAD))
    assert load_scenario(str(path)).name == "mine"


def test_what_the_catalogue_lacks_is_said_with_file_and_line(tmp_path: Path) -> None:
    """Hardware, a model and a trace that is too short: where to mend it."""
    text = FILE.format(model="Qwen/Qwen3-32B", accelerator="H100", engine="{}", load=LOAD)
    path = tmp_path / "mine.yaml"
    (tmp_path / "t.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00,21,5\n")
    short = (
        text.replace(", rps: 3", "").partition("workload:")[0]
        + f"workload:\n  trace: {{format: azure, path: {tmp_path}/t.csv}}\n"
    )
    for wrong, key, said in (
        (text.replace("H100", "Z9"), "accelerator:", "a: no price of Z9 is known"),
        (text.replace("Qwen/Qwen3-32B", "acme/brain"), "accelerator:", "a: the catalogue does not know acme/brain"),
        (short, "trace:", "workload.trace: the recording lasts 0 s"),
    ):
        path.write_text(wrong)
        line = next(place for place, line in enumerate(wrong.splitlines(), 1) if key in line)
        with pytest.raises(ConfigError) as error:
            load_scenario(str(path))
        assert str(error.value).startswith(f"{path}:{line}: {said}")


SIZES = "prompt: {fixed: 100}, output: {fixed: 10}"
TOO_MANY = "requests are expected with those of the warm-up; must be at most 10000000"


@pytest.mark.parametrize(
    ("load", "key", "said"),
    [
        (f"{{legs: [{{rps: 1e+6, for: 2m}}], {SIZES}}}", "legs", f"100001080 {TOO_MANY}"),
        (f"{{legs: [{{rps: 1.0, for: 1m}}, {{rps: 1e+6, over: 1m}}], {SIZES}}}", "legs", f"13334500 {TOO_MANY}"),
        (f"{{sine: {{mean_rps: 1e+6, swing_rps: 1.0, period: 100s}}, {SIZES}}}", "sine", f"100001080 {TOO_MANY}"),
        (
            f"{{flash: {{base_rps: 1e+6, peak_rps: 1.0, at: 200s, decay: 1s}}, {SIZES}}}",
            "flash",
            f"100001080 {TOO_MANY}",
        ),
        ("{trace: {format: burstgpt, path: t.csv, scale: 1e+6}}", "trace", f"46{'0' * 6} {TOO_MANY}"),
        ("{trace: {format: servegen, path: w.csv, tokens: m.csv, scale: 1e+6}}", "trace", f"92{'0' * 7} {TOO_MANY}"),
    ],
    ids=["level", "ramp", "sine", "flash", "requests", "rates"],
)
def test_more_requests_than_can_be_played_are_refused_before_any_is_drawn(
    tmp_path: Path, load: str, key: str, said: str
) -> None:
    """Ten million; the six minutes of warm-up count, at a rate of their own or at the first; the line is that of the load."""
    (tmp_path / "t.csv").write_text(
        "Timestamp,Model,Request tokens,Response tokens\n" + "0,x,1,1\n" * 10 + "100,x,1,1\n"
    )
    (tmp_path / "w.csv").write_text("t_seconds,total_rate_rps\n0,2.0\n")
    (tmp_path / "m.csv").write_text("t_seconds,mean_input_tokens,mean_output_tokens\n0,5,5\n")
    text = FILE.format(model="Qwen/Qwen3-32B", accelerator="H100", engine="{}", load=load)
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(", rps: 3", "") if key == "trace" else text)
    with pytest.raises(ConfigError) as refused:
        load_scenario(str(path), tmp_path)
    (finding,) = refused.value.findings
    assert finding.startswith(f"{path}:11: workload.{key}: ")
    assert said in finding


def test_what_is_expected_of_a_source_is_what_comes(tmp_path: Path) -> None:
    """Drawn, thinned and multiplied, with the warm-up, at another speed and from another beginning."""
    (tmp_path / "t.csv").write_text(
        "\n".join(["Timestamp,Model,Request tokens,Response tokens", *(f"{at / 20},x,1,1" for at in range(20_000))])
    )
    (tmp_path / "w.csv").write_text("t_seconds,total_rate_rps\n0,3.0\n600,20.0\n1200,9\n")
    (tmp_path / "m.csv").write_text("t_seconds,mean_input_tokens,mean_output_tokens\n0,5,5\n")
    for load in (
        LOAD,
        "{trace: {format: burstgpt, path: t.csv, scale: 1.5, speed: 2, start: 300s}}",
        "{trace: {format: servegen, path: w.csv, tokens: m.csv, scale: 0.5, speed: 3, start: 450s}}",
    ):
        scenario = own(load=load, data=tmp_path)
        expected = scenario.workload.expected(360.0)  # type: ignore[attr-defined]
        assert abs(len(scenario.requests(1)) - expected) < 5 * expected**0.5


@pytest.mark.parametrize("first", [0, 3])
def test_a_kind_that_may_have_no_replica_gets_one_from_all_who_scale(first: int) -> None:
    """It begins with what it names, and keeps one; a fleet that stays as it is may do without."""
    scenario = own()
    (card,) = scenario.variants
    other = replace(card, spec=replace(card.spec, name="b", replicas=first), minimum=0)
    scenario = replace(scenario, variants=(card, other))
    assert scenario.fleet(1).counts("b").spec == first
    for name in ("headroom", "headroom(actuator=keda)", "wva-v1", "wva-v2", "hpa", "hpa-concurrency", "keda"):
        found = run(scenario, contender(name), 1).timeline
        assert (found.ready + found.pending)[:, 1].min() >= 1
    assert run(scenario, contender("static-min"), 1).timeline.ready[:, 1].max() == 0


def test_a_swing_of_more_periods_than_can_be_held_is_refused() -> None:
    """A hundred seconds are not ten thousand of them; a fortnight is more."""
    load = f"{{sine: {{mean_rps: 1, swing_rps: 1, period: 1s}}, {SIZES}}}"
    text = FILE.format(model="Qwen/Qwen3-32B", accelerator="H100", engine="{}", load=load)
    build(parse_scenario(text, "own.yaml"), "own")
    with pytest.raises(ConfigError, match=r"own: workload\.sine\.period: must be at least a 10000th of duration"):
        build(parse_scenario(text.replace("100s", "2w"), "own.yaml"), "own")


def test_a_trace_that_is_no_regular_file_is_refused_without_being_read(tmp_path: Path) -> None:
    """A device has no end, and a pipe may never have a beginning."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "w.csv").write_text("t_seconds,total_rate_rps\n0,2.0\n")
    with pytest.raises(ConfigError, match=r"own: workload\.trace\.path: /dev/zero: must be a regular file"):
        own(load="{trace: {format: azure, path: /dev/zero}}")
    with pytest.raises(ConfigError, match=r"workload\.trace\.path: .*/pipe: must be a regular file"):
        own(load="{trace: {format: mooncake, path: pipe}}", data=tmp_path)
    with pytest.raises(ConfigError, match=r"workload\.trace\.tokens: .*/pipe: must be a regular file"):
        own(load="{trace: {format: servegen, path: w.csv, tokens: pipe}}", data=tmp_path)


def test_a_trace_needs_its_folder_and_its_length(tmp_path: Path) -> None:
    """Said in one line each; absolute paths need no folder."""
    with pytest.raises(ConfigError, match=r"azure-conversation: replays azure2023/.*: give the folder .* --data DIR"):
        load_scenario("azure-conversation")
    with pytest.raises(ConfigError, match="no such file"):
        load_scenario("azure-conversation", tmp_path)
    (tmp_path / "t.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2024-05-10 00:00:00,21,5\n")
    with pytest.raises(ConfigError, match=r"own: workload\.trace: the recording lasts 0 s, and 100 s are asked of it"):
        own(load=f"{{trace: {{format: azure, path: {tmp_path}/t.csv}}}}")


def test_a_trace_of_a_file_is_replayed(tmp_path: Path) -> None:
    """With its factors, its beginning and its patience."""
    lines = [f"{at},x,{at + 1},7" for at in range(400)]
    (tmp_path / "t.csv").write_text("\n".join(["Timestamp,Model,Request tokens,Response tokens", *lines]))
    trace = "{trace: {format: burstgpt, path: t.csv, speed: 2, start: 50s, most_tokens: 200}, patience: 9s}"
    requests = own(load=trace, data=tmp_path).requests(1).between(0, 100)
    assert (len(requests), requests[0].prompt_tokens, requests[-1].prompt_tokens) == (200, 51, 200)
    assert requests[0].patience_seconds == 9


def test_a_client_of_servegen_is_replayed_from_its_published_files() -> None:
    """Its windows and, by their ending, its own laws of sizes."""
    data = Path(__file__).parent.parent / "data"
    files = "path: servegen/chunk-7-trace.csv, tokens: servegen/chunk-7-dataset.json"
    requests = own(load=f"{{trace: {{format: servegen, {files}, start: 600s}}}}", data=data).requests(1)
    assert set(requests.prompt_tokens.tolist()) == {100, 300}
    assert set(requests.output_tokens.tolist()) == {7}


def test_azures_published_hour_is_read_as_it_is() -> None:
    """19,366 requests of 1155 and 211 tokens in 3502 s."""
    trace = read_azure(third_party("traces") / "azure2023" / "AzureLLMInferenceTrace_conv.csv")
    assert (len(trace.seconds), round(trace.end_seconds)) == (19_366, 3502)
    assert (round(trace.prompt_tokens.mean()), round(trace.output_tokens.mean())) == (1155, 211)


def test_mooncakes_published_hour_is_read_as_it_is() -> None:
    """12,031 requests of 12,035 and 343 tokens in 3537 s, a third of whose prompts somebody else begins with as well."""
    trace = read_mooncake(third_party("traces") / "mooncake" / "conversation_trace.jsonl")
    assert (len(trace.seconds), round(trace.end_seconds)) == (12_031, 3537)
    assert (round(trace.prompt_tokens.mean()), round(trace.output_tokens.mean())) == (12_035, 343)
    assert 0.3 < trace.prefix_tokens.sum() / trace.prompt_tokens.sum() < 0.5


def test_servegens_published_fortnight_is_drawn_at_its_rate() -> None:
    """One request a second in the mean, and as many each day as the file says."""
    scenario = load_scenario("servegen-two-weeks", third_party("traces"))
    assert isinstance(scenario.workload, ServeGen)
    at = scenario.requests(1).between(0, scenario.duration_seconds).arrival_seconds
    assert len(at) / scenario.duration_seconds == pytest.approx(1.0, abs=0.01)
    for day in range(14):
        expected = scenario.workload.rate.count(day * 86_400, (day + 1) * 86_400)
        assert abs(((at >= day * 86_400) & (at < (day + 1) * 86_400)).sum() - expected) < 5 * expected**0.5


@pytest.mark.parametrize("name", ["azure-conversation", "mooncake-conversation", "servegen-day"])
def test_every_shipped_trace_can_be_played(name: str) -> None:
    """Its requests come within its time and fit into its engines."""
    scenario = load_scenario(name, third_party("traces"))
    requests = scenario.requests(1)
    assert requests.arrival_seconds[-1] < scenario.duration_seconds
    longest = min(variant.spec.parameters.longest_request_tokens for variant in scenario.variants)
    assert (requests.prompt_tokens + requests.output_tokens).max() <= longest
