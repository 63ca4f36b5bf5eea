"""From a file and flags to settings."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wva_exporter.config.connection import Prometheus, Scrape
from wva_exporter.config.load import load, parse
from wva_exporter.config.schema import Settings
from wva_exporter.core.declaration import ModelDeclaration, Selector, VariantDeclaration, Workload
from wva_exporter.core.fleet import Role
from wva_exporter.errors import ConfigError

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = (ROOT / "docs" / "examples" / "wva-exporter.yaml").read_text()


def write(folder: Path, content: bytes) -> Path:
    """A configuration file with this content."""
    path = folder / "wva.yaml"
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    """What is said of a file that cannot be read, without its folder."""
    with pytest.raises(ConfigError) as refused:
        load(path)
    return str(refused.value).replace(str(path.parent) + "/", "")


def test_no_file_is_the_defaults() -> None:
    """The program runs with one flag."""
    settings = load(None, {"prometheus.url": "http://p:9090"})
    assert settings.prometheus == Prometheus(url="http://p:9090")
    assert settings.model_copy(update={"prometheus": None}) == Settings()


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    """Every key is optional; so is an empty one."""
    assert load(write(tmp_path, b"")) == Settings()
    assert (
        load(write(tmp_path, b"\xef\xbb\xbf# a byte order mark\nvariants:\nprometheus:\nmax_input_age: ~\n"))
        == Settings()
    )


def test_the_example_of_the_documentation_is_accepted() -> None:
    """What people copy works."""
    settings = load(ROOT / "docs" / "examples" / "wva-exporter.yaml")
    assert [variant.name for variant in settings.variants] == ["llama-a100", "llama-h100"]


def test_the_defaults_are_those_that_were_decided() -> None:
    """Thresholds of the paper, times of the reliability rules."""
    settings = Settings()
    thresholds = settings.thresholds
    assert (thresholds.kv, thresholds.queue, thresholds.kv_spare, thresholds.queue_spare) == (0.80, 5, 0.10, 3)
    assert (settings.interval_seconds, settings.scrape_interval_seconds, settings.hold_seconds) == (15, 15, 600)
    assert (settings.query_window_seconds, settings.long_window_seconds) == (60, 300)
    assert (settings.max_input_age_seconds, settings.deadline_seconds) == (60, 6.75)
    assert (settings.max_down_ratio_per_minute, settings.hpa_tolerance) == (0.5, 0.1)
    assert (settings.policy, settings.compat, settings.currency) == ("headroom", "corrected", "USD")
    assert (settings.learning, parse("learning: kalman", "wva.yaml").learning) == ("window", "kalman")


def test_windows_follow_a_slow_scrape() -> None:
    """Four scrapes fit in every window and in the age of an input; the floor itself need not be given."""
    settings = parse("scrape_interval: 2m", "wva.yaml")
    assert settings.query_window_seconds == 480
    assert settings.long_window_seconds == 480
    assert settings.max_input_age_seconds == 480


def test_windows_follow_a_fast_loop() -> None:
    """The loop of the demonstration is made of ordinary settings."""
    settings = parse("scrape_interval: 1s\ninterval: 2s\nwindow_floor: 5s\nmax_input_age: 4s", "wva.yaml")
    assert settings.query_window_seconds == 5
    assert settings.long_window_seconds == 25
    assert settings.max_input_age_seconds == 4
    assert settings.deadline_seconds == 1.8


@pytest.mark.parametrize(
    ("interval", "deadline"), [("1s", 0.9), ("5s", 4.5), ("10s", 5.0), ("12s", 5.4), ("15s", 6.75), ("30s", 10.0)]
)
def test_the_deadline_of_a_short_interval_stays_usable(interval: str, deadline: float) -> None:
    """Nearly all of the interval up to five seconds, then under half of it; never all of it."""
    assert parse(f"interval: {interval}", "wva.yaml").deadline_seconds == pytest.approx(deadline)


def test_the_deadline_stays_at_ten_seconds_of_a_long_interval() -> None:
    """Slow answers of a slow loop are no better."""
    assert parse("interval: 2m", "wva.yaml").deadline_seconds == 10


def test_a_flag_wins_over_the_file() -> None:
    """And a flag not given leaves the file its word."""
    settings = parse(
        "prometheus: {url: 'http://a', matchers: {c: d}}", "wva.yaml", {"prometheus.url": "http://b", "hold": None}
    )
    assert settings.prometheus == Prometheus(url="http://b", matchers={"c": "d"})


def test_relative_paths_begin_at_the_file(tmp_path: Path) -> None:
    """A flag's begin where the program runs."""
    path = write(tmp_path, b"discovery: {manifests: [hpas, /etc/hpas]}\nprometheus: {bearer_token_file: token}")
    settings = load(path, {"prometheus.tls.ca_file": Path("ca.pem")})
    assert settings.discovery.manifests == (tmp_path / "hpas", Path("/etc/hpas"))
    assert settings.prometheus is not None
    assert settings.prometheus.bearer_token_file == tmp_path / "token"
    assert settings.prometheus.tls is not None
    assert settings.prometheus.tls.ca_file == Path("ca.pem")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8, too large."""
    assert refusal(tmp_path / "none.yaml") == "none.yaml: no such file"
    assert refusal(tmp_path / ("x" * 300)) == "x" * 300 + ": cannot be read: File name too long"
    (tmp_path / "folder").mkdir()
    assert refusal(tmp_path / "folder") == "folder: is a folder, not a file"
    assert refusal(write(tmp_path, b"a: 1\nb: \xff\n")) == "wva.yaml:2: is not UTF-8 text"
    assert refusal(write(tmp_path, b"#" * 9_000_000)) == "wva.yaml: is larger than 8 MiB"
    assert "no such file" in refusal(tmp_path / "a\x00b")


def test_a_source_is_required_only_where_one_is_needed() -> None:
    """`check --offline` validates a file whose address a flag will give."""
    with pytest.raises(ConfigError, match=r"^no data source: give --prometheus\.url=URL, or"):
        parse("prometheus: {headers: {X-Scope-OrgID: a}}", "wva.yaml").require_source()
    with pytest.raises(ConfigError):
        Settings().require_source()
    assert isinstance(load(None, {"prometheus.url": "http://p"}).require_source(), Prometheus)
    assert isinstance(load(None, {"scrape.targets": ("a:1",)}).require_source(), Scrape)


def test_settings_cannot_be_changed() -> None:
    """They are shared between cycles and a reload."""
    settings = parse("gpus: {H100: 1}", "wva.yaml")
    with pytest.raises(ValueError, match="frozen"):
        settings.policy = "other"
    with pytest.raises(TypeError):
        settings.gpus["H100"] = 2  # type: ignore[index]


def test_header_values_do_not_show() -> None:
    """Settings may be logged or dumped."""
    settings = parse("prometheus: {headers: {X-Token: hunter2}}", "wva.yaml")
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    assert settings.prometheus is not None
    assert settings.prometheus.headers["X-Token"].get_secret_value() == "hunter2"


def test_global_keys_are_the_fallback_of_every_model() -> None:
    """A model that nobody declared is decided by them."""
    text = "compat: exact\nthresholds: {kv: 0.7}\nscale_to_zero: {retention: 10m}\ndefault_namespace: llm"
    declared = parse(text, "wva.yaml").declarations()
    assert declared.default_namespace == "llm"
    assert declared.fallback == ModelDeclaration(
        name="",
        policy="headroom",
        compat="exact",
        kv_threshold=0.7,
        queue_threshold=5.0,
        kv_spare=0.1,
        queue_spare=3.0,
        scale_up=0.85,
        scale_down=0.70,
        priority=1.0,
        zero_retention_seconds=600.0,
    )


def test_declarations_carry_every_key_of_a_model() -> None:
    """What the operator said reaches the core, in its words and units."""
    text = """
models:
- {name: m, namespace: n, policy: wva-v1, compat: corrected, slo: {ttft: 1s, itl: 20ms, percentile: 99},
   thresholds: {kv: 0.6, queue: 7, kv_spare: 0.2, queue_spare: 4}, scale_to_zero: {retention: 5m}}
- {name: m}
"""
    assert parse(text, "wva.yaml").declarations().models == (
        ModelDeclaration(
            name="m",
            namespace="n",
            policy="wva-v1",
            compat="corrected",
            kv_threshold=0.6,
            queue_threshold=7.0,
            kv_spare=0.2,
            queue_spare=4.0,
            slo_ttft_seconds=1.0,
            slo_itl_seconds=0.02,
            slo_percentile=99.0,
            zero_retention_seconds=300.0,
        ),
        ModelDeclaration(name="m"),
    )


def test_declarations_carry_every_key_of_a_variant() -> None:
    """A workload lives in the variant's namespace; what was not said stays unsaid."""
    text = """
variants:
- {name: a, model: m}
- {name: b, namespace: n, model: m, accelerator: H100, cost: 2, gpus_per_replica: 4, min: 2, max: 5, role: decode,
   selector: {pod: 'b-.*', job: v}, workload: {kind: StatefulSet, name: w}, pause: true, fixed: 3}
"""
    assert parse(text, "wva.yaml").declarations().variants == (
        VariantDeclaration(namespace="default", name="a", model="m"),
        VariantDeclaration(
            namespace="n",
            name="b",
            model="m",
            accelerator="H100",
            role=Role.DECODE,
            cost=2.0,
            gpus_per_replica=4,
            minimum=2,
            maximum=5,
            paused=True,
            fixed=3,
            selector=Selector(pod="b-.*", job="v"),
            workload=Workload(kind="StatefulSet", namespace="n", name="w"),
        ),
    )


names = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
durations = st.integers(60_000, 10**9).map(lambda ms: f"{ms}ms")
variants = st.builds(
    lambda least, more, **rest: {**rest, "min": least, "max": max(least + more, 1)},
    least=st.integers(0, 5),
    more=st.integers(0, 50),
    name=names,
    model=names,
    cost=st.floats(0, 1000),
    role=st.sampled_from(["both", "prefill", "decode"]),
    pause=st.booleans(),
)
files = st.fixed_dictionaries(
    {},
    optional={
        "scrape_interval": st.just("30s"),
        "hold": durations,
        "window_floor": durations,
        "max_input_age": durations,
        "thresholds": st.fixed_dictionaries({}, optional={"kv": st.floats(0.2, 1), "queue": st.integers(3, 50)}),
        "gpus": st.dictionaries(names, st.integers(0, 1000), max_size=3),
        "scale_to_zero": st.fixed_dictionaries({"retention": durations}),
        "models": st.lists(st.fixed_dictionaries({"name": names}), max_size=3, unique_by=lambda m: m["name"]),
        "variants": st.lists(variants, max_size=4, unique_by=lambda v: v["name"]),
    },
)


@given(files)
def test_settings_written_out_are_read_back(data: dict[str, Any]) -> None:
    """A reload of the same file changes nothing, nor does one of its settings as the program understood them."""
    text = yaml.safe_dump(data)
    settings = parse(text, "wva.yaml")
    assert parse(text, "wva.yaml") == settings
    written = settings.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert parse(yaml.safe_dump(written), "wva.yaml") == settings


def survives(text: str) -> None:
    """Parsing ends in settings or in a refusal of printable lines, and soon."""
    findings: tuple[str, ...] = ("wva.yaml: accepted",)
    gc.disable()  # a full collection of what the test run holds is not the parser's time, nor is another thread's
    started = time.thread_time()
    try:
        parse(text, "wva.yaml")
    except ConfigError as error:
        findings = error.findings
    finally:
        gc.enable()
    assert time.thread_time() - started < 0.1
    assert findings
    assert all(line.isprintable() and line.startswith("wva.yaml") for line in findings)
    assert not any("Input should" in line for line in findings)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200) | st.text(alphabet=" \n\t-:?&*!|>'\"{}[]#%@,ab<1", max_size=80))
def test_random_text_is_settings_or_a_refusal(text: str) -> None:
    """No traceback whatever the file holds, and no long wait."""
    survives(text)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_damaged_example_is_settings_or_a_refusal(data: st.DataObject) -> None:
    """A file in the middle of an edit: cut, doubled, or with a piece of something else in it."""
    start = data.draw(st.integers(0, len(EXAMPLE)))
    end = data.draw(st.integers(start, min(start + 200, len(EXAMPLE))))
    piece = data.draw(
        st.text(max_size=10) | st.sampled_from(["\n", ": ", "- ", "[", "{", "null", "1e999", "*a", "&a ", EXAMPLE])
    )
    survives(EXAMPLE[:start] + piece + EXAMPLE[end:])


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | durations,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "model", "kv", "url", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([f.alias or n for n, f in Settings.model_fields.items()]), values, max_size=6))
def test_any_value_under_a_known_key_is_settings_or_a_refusal(data: dict[str, Any]) -> None:
    """Every key meets every kind of value."""
    survives(yaml.safe_dump(data))
