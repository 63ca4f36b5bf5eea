"""Scenario files: what they may say, and how each mistake is told."""

from pathlib import Path

import pytest

from wva_exporter.config.reference import filled
from wva_exporter.config.scenario import ScenarioFile, parse_scenario, read_scenario
from wva_exporter.config.scenario_workload import FORMATS
from wva_exporter.errors import ConfigError

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "scenarios.md").read_text()
EXAMPLE = PAGE.partition("```yaml\n")[2].partition("```")[0]
HEAD = "title: t\nsummary: s\nmodel: m\npromise: {ttft: 2s, itl: 50ms}\nduration: 10m\n"
VARIANTS = "variants: [{name: a, accelerator: H100, max: 5, startup: 60s}]\n"
ASLEEP = "one must have at least 1: nothing wakes a fleet that is at zero in a scenario"
PREFILL = "{name: a, accelerator: H, max: 2, startup: 1s, role: prefill}"
SIZES = "  prompt: {fixed: 100}\n  output: {fixed: 10}\n"
WORKLOAD = "workload:\n  legs: [{rps: 1, for: 10m}]\n" + SIZES


def refused(text: str) -> list[str]:
    """What is said of a text, without the name of the file."""
    with pytest.raises(ConfigError) as error:
        parse_scenario(text, "x.yaml")
    return [finding.removeprefix("x.yaml:") for finding in error.value.findings]


def workload(text: str) -> list[str]:
    """What is said of a workload on the eighth line."""
    return [
        finding.removeprefix("7: ").removeprefix("8: ") for finding in refused(f"{HEAD}{VARIANTS}workload:\n  {text}\n")
    ]


def test_durations_are_seconds_once_they_are_read() -> None:
    """And what is not given has its default."""
    given = parse_scenario(HEAD + VARIANTS + WORKLOAD, "x.yaml")
    assert (given.promise.itl_seconds, given.duration_seconds, given.scrape_interval_seconds) == (0.05, 600.0, 15.0)
    assert (given.variants[0].min, given.variants[0].replicas, given.warm_up, given.feasible) == (1, None, None, True)
    assert given.workload.legs is not None
    assert given.workload.legs[0].level_seconds == 600.0


def test_everything_that_is_lacking_is_said_at_once() -> None:
    """An empty file lacks seven keys."""
    lacking = ("title", "summary", "model", "promise", "duration", "variants", "workload")
    assert refused("") == [f"1: {key} is required" for key in lacking]


def test_several_mistakes_are_told_in_the_order_of_the_file() -> None:
    """Each with its line and its key; a misspelt key with the one that was meant."""
    text = HEAD.replace("10m", "600") + VARIANTS.replace("startup", "start_up").replace("max: 5", "max: 0") + WORKLOAD
    assert refused(text) == [
        "5: duration: 600 is not allowed: must be a duration such as 500ms, 15s, 10m or 1h30m; a number needs its unit: 600s",
        "6: variants[0].max: 0 is not allowed: must be at least 1 and at most 10000",
        "6: variants[0]: startup is required",
        "6: variants[0]: unknown key 'start_up'; did you mean 'startup'?",
    ]


@pytest.mark.parametrize(
    ("variants", "said"),
    [
        (
            "{name: a, accelerator: H100, min: 3, max: 2, startup: 1s}",
            ["variants[0].max: 2 is not allowed: must be at least min, 3"],
        ),
        (
            "{name: a, accelerator: H100, min: 10001, max: 10002, replicas: 10003, startup: 1s}",
            [
                "variants[0].min: 10001 is not allowed: must be at least 0 and at most 10000",
                "variants[0].max: 10002 is not allowed: must be at least 1 and at most 10000",
                "variants[0].replicas: 10003 is not allowed: must be at least 0 and at most 10000",
            ],
        ),
        (
            "{name: a, accelerator: H100, max: 2, replicas: 3, startup: 1s}",
            ["variants[0].replicas: 3 is not allowed: must be from min, 1, to max, 2"],
        ),
        (
            "{name: a, accelerator: H, max: 2, startup: 1s}, {name: a, accelerator: L, max: 2, startup: 1s}",
            ["variants[1].name: 'a' is not allowed: variants[0] has this name already"],
        ),
        (
            "{name: a, accelerator: H, max: 2, startup: 1s, role: prefill}",
            ["variants: a list is not allowed: a variant of role prefill needs one of role decode"],
        ),
        (
            "{name: a, accelerator: H, max: 2, startup: 1s, role: decode}",
            ["variants: a list is not allowed: a variant of role decode needs one of role prefill"],
        ),
        (
            "{name: a, accelerator: H, min: 0, replicas: 1, max: 2, startup: 1s}",
            [f"variants[0].min: 0 is not allowed: of the variants that serve prompts {ASLEEP}"],
        ),
        (
            PREFILL + ", {name: b, accelerator: H, min: 0, max: 2, startup: 1s, role: decode}",
            [f"variants[1].min: 0 is not allowed: of the variants that serve answers {ASLEEP}"],
        ),
    ],
    ids=[
        "crossed bounds",
        "too many replicas",
        "start outside them",
        "two of a name",
        "prefill alone",
        "decode alone",
        "asleep",
        "half asleep",
    ],
)
def test_variants_that_do_not_go_together_are_told(variants: str, said: list[str]) -> None:
    """On the line of the key that is wrong."""
    assert refused(f"{HEAD}variants: [{variants}]\n{WORKLOAD}") == [f"6: {text}" for text in said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prompt: {fixed: 1}\n  output: {fixed: 1}", ["workload: one of legs, sine, flash, trace must be given"]),
        (
            "legs: [{rps: 1, for: 1m}]\n  sine: {mean_rps: 1, swing_rps: 1, period: 1h}\n" + SIZES,
            ["9: workload.sine: must not be given beside legs"],
        ),
        ("legs: [{rps: 1}]\n" + SIZES, ["workload.legs[0]: either for or over must be given"]),
        ("legs: [{rps: 1, for: 1m, over: 1m}]\n" + SIZES, ["workload.legs[0]: either for or over must be given"]),
        (
            "sine: {mean_rps: 1, swing_rps: 1, period: 1ms}\n" + SIZES,
            ["workload.sine.period: '1ms' is not allowed: must be at least 1s"],
        ),
        (
            "sine: {mean_rps: 1, swing_rps: 2, period: 1h}\n" + SIZES,
            ["workload.sine.swing_rps: 2 is not allowed: must be at most mean_rps, 1"],
        ),
        (
            "legs: [{rps: 1, for: 1m}]",
            ["workload: prompt is required without a trace", "workload: output is required without a trace"],
        ),
        ("legs: []\n" + SIZES, ["workload.legs: a list is not allowed: must hold at least one"]),
        (
            "legs: [{rps: 1, for: 1m}]\n  prompt: {}\n  output: {fixed: 1, normal: {mean: 5, deviation: 1, most: 9}}",
            [
                "9: workload.prompt: one of fixed, normal, lognormal, empirical must be given",
                "10: workload.output.normal: must not be given beside fixed",
            ],
        ),
        (
            "legs: [{rps: 1, for: 1m}]\n  prompt: {fixed: 1}\n  output: {lognormal: {mean: 5, sigma: 1, least: 9, most: 8}}",
            ["10: workload.output.lognormal.most: 8 is not allowed: must be at least least, 9"],
        ),
        (
            "trace: {format: azure, path: a.csv, tokens: b.csv}",
            [
                "workload.trace.tokens: 'b.csv' is not allowed: must be given for servegen only: other requests have sizes"
            ],
        ),
        (
            "trace: {format: servegen, path: a.csv}",
            ["workload.trace: tokens is required for servegen, whose rates say nothing of sizes"],
        ),
        (
            "trace: {format: servegen, path: a.csv, tokens: a.json, sigma: 0.5}",
            [
                "workload.trace.sigma: 0.5 is not allowed: must not be given beside a .json of sizes: its laws have a spread"
            ],
        ),
        (
            "trace: {format: azure, path: a.csv}\n  gap_cv: 2\n" + SIZES,
            [
                "9: workload.gap_cv: 2 is not allowed: must not be given beside a trace, which has arrivals of its own",
                "10: workload.prompt: must not be given beside a trace, which has sizes of its own",
                "11: workload.output: must not be given beside a trace, which has sizes of its own",
            ],
        ),
        (
            "trace: {format: parquet, path: a}",
            [f"workload.trace.format: 'parquet' is not allowed: must be {' or '.join(FORMATS)}"],
        ),
    ],
    ids=[str(place) for place in range(15)],
)
def test_workloads_that_do_not_go_together_are_told(text: str, said: list[str]) -> None:
    """What excludes what, and what is lacking."""
    assert workload(text) == said


def test_a_variant_may_begin_at_zero_beside_one_that_is_there() -> None:
    """One that serves everything stands in for both halves."""
    others = "".join(
        f", {{name: {role}, accelerator: H, min: 0, max: 2, startup: 1s, role: {role}}}"
        for role in ("prefill", "decode")
    )
    text = VARIANTS.replace("}]", f"}}{others}]")
    assert [variant.min for variant in parse_scenario(HEAD + text + WORKLOAD, "x.yaml").variants] == [1, 0, 0]


def with_warm_up(warm_up: str, variants: str = VARIANTS) -> str:
    """A file with this warm-up, on its sixth line."""
    return f"{HEAD}warm_up: {warm_up}\n{variants}{WORKLOAD}"


@pytest.mark.parametrize(
    ("warm_up", "startup", "needed", "slowest"),
    [
        ("{for: 5m59s}", "60s", "6m", "1m"),
        ("{for: 20m, rps: 3}", "60s, startup_sigma: 2", "59m36s", "54m36s"),
        ("{for: 1s, rps: 0.1}", "1s", "5m1s", "1s"),
    ],
    ids=["too short", "a wide spread", "hardly any"],
)
def test_a_warm_up_that_ends_before_the_fleet_is_settled_is_refused(
    warm_up: str, startup: str, needed: str, slowest: str
) -> None:
    """Pods that still start, and a size that nobody could give back yet, would be scored as if a policy had chosen them."""
    because = f"a start-up of {slowest} and a down window of 5m, so that the fleet is settled"
    given = warm_up.removeprefix("{for: ").rstrip("}").partition(",")[0]
    said = (
        f"6: warm_up.for: '{given}' is not allowed: must be at least {needed}, {because}; or give rps: 0, a cold start"
    )
    assert refused(with_warm_up(warm_up, VARIANTS.replace("60s", startup))) == [said]


def test_the_slowest_variant_says_how_long_a_warm_up_is() -> None:
    """The first of these would do with 6 minutes, the second needs 7."""
    two = VARIANTS.replace("}]", "}, {name: b, accelerator: L4, max: 2, startup: 2m}]")
    assert "at least 7m, a start-up of 2m" in refused(with_warm_up("{for: 6m}", two))[0]
    warm = parse_scenario(with_warm_up("{for: 7m}", two), "x.yaml").warm_up
    assert warm is not None
    assert warm.seconds == 420


@pytest.mark.parametrize("startup_sigma", ["1e300", ".inf", ".nan", "-1", "x"])
def test_a_spread_that_is_none_is_all_that_is_said_of_it(startup_sigma: str) -> None:
    """What follows from it cannot be reckoned."""
    found = refused(with_warm_up("{for: 6m}", VARIANTS.replace("60s", f"60s, startup_sigma: {startup_sigma}")))
    assert any("variants[0].startup_sigma: " in line for line in found)


def test_the_warm_up_of_a_trace_has_no_rate_of_its_own() -> None:
    """It comes as the trace's first minutes do, so a rate would be ignored, and the fleet would not begin cold either."""
    text = with_warm_up("{for: 1m, rps: 0}").partition("workload")[0] + "workload: {trace: {format: azure, path: x}}\n"
    said = "6: warm_up.rps: 0 is not allowed: must not be given beside a trace, which has a beginning of its own"
    assert refused(text) == [said]
    settled = "must be at least 6m, a start-up of 1m and a down window of 5m, so that the fleet is settled"
    assert refused(text.replace(", rps: 0", "")) == [f"6: warm_up.for: '1m' is not allowed: {settled}"]


def test_a_cold_start_needs_no_long_warm_up() -> None:
    """A fleet without requests, or with no time before the first: it is meant to be unready."""
    assert parse_scenario(with_warm_up("{for: 1m, rps: 0}"), "x.yaml").warm_up is not None
    assert parse_scenario(HEAD + VARIANTS + WORKLOAD, "x.yaml").warm_up is None


@pytest.mark.parametrize("century", ["100y", "1000000000s", "291y", "366d"])
def test_a_time_that_nobody_plays_is_refused(century: str) -> None:
    """More than a year, with requests or without."""
    said = f"'{century}' is not allowed: must be at most 1y"
    assert refused(HEAD.replace("10m", century) + VARIANTS + WORKLOAD) == [f"5: duration: {said}"]
    assert refused(with_warm_up(f"{{for: {century}, rps: 0}}")) == [f"6: warm_up.for: {said}"]


STEPS = "scrapes, decisions and looks of an HPA are due with those of the warm-up"
FEWER = "must be at most 4000000, with longer intervals or less time"


@pytest.mark.parametrize(
    ("times", "line", "said"),
    [
        ("duration: 1y", 5, f"duration: '1y' is not allowed: 10512000 {STEPS}; {FEWER}"),
        (
            "duration: 4w\nscrape_interval: 1s\ninterval: 2s\nsync_interval: 4s",
            5,
            f"duration: '4w' is not allowed: 4233600 {STEPS}; {FEWER}",
        ),
        (
            "duration: 10m\nwarm_up: {for: 365d, rps: 0}",
            6,
            f"warm_up.for: '365d' is not allowed: 10512200 {STEPS}; {FEWER}",
        ),
        ("duration: 1y\ninterval: 1ms", 6, "interval: '1ms' is not allowed: must be at least 1s"),
    ],
    ids=["the usual intervals", "short intervals", "a warm-up", "no interval"],
)
def test_more_steps_than_anybody_waits_for_are_refused(times: str, line: int, said: str) -> None:
    """Told once, where the longer time stands; an interval that is none is all that is said of it."""
    assert refused(HEAD.replace("duration: 10m", times) + VARIANTS + WORKLOAD) == [f"{line}: {said}"]


def test_two_weeks_may_be_played_second_by_second() -> None:
    """Every interval of one second; a year with longer ones."""
    for times in ("14d\nscrape_interval: 1s\ninterval: 1s\nsync_interval: 1s", "1y\ninterval: 1m\nsync_interval: 1m"):
        given = parse_scenario(HEAD.replace("10m", times) + VARIANTS + WORKLOAD, "x.yaml")
        assert given.duration_seconds >= 14 * 86_400


@pytest.mark.parametrize(
    ("load", "said"),
    [
        ("legs: [{rps: 0, for: 1m}, {rps: 0.0, over: 1m}]", "workload.legs: a list is not allowed: "),
        ("sine: {mean_rps: 0, swing_rps: 0, period: 1h}", "workload.sine: "),
        ("flash: {base_rps: 0, peak_rps: 0, at: 1m, decay: 1m}", "workload.flash: "),
    ],
    ids=["legs", "sine", "flash"],
)
def test_a_load_without_requests_is_refused(load: str, said: str) -> None:
    """There is nothing to score; a single rate above zero is enough."""
    assert workload(f"{load}\n{SIZES}") == [f"{said}one rate must be above 0: no request would come"]


def test_a_cache_smaller_than_a_block_is_refused() -> None:
    """An engine without a block serves nobody; with one it may."""
    for tokens, fine in (("15", False), ("16", True)):
        text = HEAD + VARIANTS.replace("60s}", f"60s, engine: {{kv_tokens: {tokens}}}}}") + WORKLOAD
        if fine:
            assert parse_scenario(text, "x.yaml").variants[0].engine.kv_tokens == 16
        else:
            said = "6: variants[0].engine.kv_tokens: 15 is not allowed: must be at least 16 and at most 1000000"
            assert refused(text) == [said]


def test_a_fleet_has_a_variant() -> None:
    """An empty list is none."""
    assert refused(f"{HEAD}variants: []\n{WORKLOAD}") == ["6: variants: a list is not allowed: must name at least one"]


def test_a_text_that_is_no_yaml_is_told_with_its_line(tmp_path: Path) -> None:
    """As configurations are."""
    assert refused("title: [\n")[0].startswith("1: not valid YAML")
    assert refused(HEAD + "title: again\n" + VARIANTS + WORKLOAD) == ["6: title: given twice, first on line 1"]
    with pytest.raises(ConfigError, match="no such file"):
        read_scenario(tmp_path / "none.yaml")


def test_the_pages_example_is_a_scenario() -> None:
    """What stands there can be run."""
    assert parse_scenario(EXAMPLE, "mine.yaml").variants[0].name == "h100"


def test_the_page_shows_messages_as_they_are() -> None:
    """The two lines are the program's own words."""
    wrong = EXAMPLE.replace(", startup: 90s", "").replace("rps: 8, over", "rps: -8, over")
    with pytest.raises(ConfigError) as error:
        parse_scenario(wrong, "mine.yaml")
    assert "\n".join(error.value.findings) in PAGE


def test_the_pages_keys_are_the_schema() -> None:
    """Written by ``make generate``; an edited or outdated table fails here."""
    assert filled(PAGE, ScenarioFile) == PAGE
