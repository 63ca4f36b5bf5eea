"""The tables against what a real vLLM says."""

from engine_pages import recorded

from wva_exporter.conventions import REPLICA_SIGNALS, Signal
from wva_exporter.engines import kubernetes
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.table import Gauge, LabelProduct, Mean, Rate, Reading, Share
from wva_exporter.engines.vllm import VLLM

OLD_NAMES = {
    "vllm:gpu_cache_usage_perc": "V0 and V1 before 0.11",
    "vllm:gpu_prefix_cache_hits_total": "V1 before 0.10",
    "vllm:gpu_prefix_cache_queries_total": "V1 before 0.10",
    "vllm:time_per_output_token_seconds_sum": "before 0.11",
    "vllm:time_per_output_token_seconds_count": "before 0.11",
}


def alternatives(reading: Reading) -> list[tuple[str, ...]]:
    """The sample names of each alternative, the preferred first."""
    match reading:
        case Mean():
            return [(f"{name}_sum", f"{name}_count") for name in reading.names]
        case Share():
            return [tuple(pair) for pair in reading.names]
        case Gauge() | Rate() | LabelProduct():
            return [(name,) for name in reading.names]


def test_every_name_is_in_the_recorded_pages_or_known_to_be_old() -> None:
    """A name that no version has would be missing for ever without anybody noticing."""
    exposed = {name for name, _, _ in recorded("busy")}
    named = {name for reading in VLLM.readings.values() for pair in alternatives(reading) for name in pair}
    assert (named | set(VLLM.presence)) - exposed == set(OLD_NAMES)


def test_the_current_version_has_the_first_name_of_everything() -> None:
    """Older names stand behind it."""
    exposed = {name for name, _, _ in recorded("saturated")}
    assert all(set(alternatives(reading)[0]) <= exposed for reading in VLLM.readings.values())


def test_every_rank_label_is_one_that_the_samples_carry() -> None:
    """Ranks merged by a label that is not there would look like one rank."""
    by_name: dict[str, str] = {name: labels for name, labels, _ in recorded("busy")}
    for reading in VLLM.readings.values():
        assert all(f'{VLLM.rank_label}="' in by_name[name] for name in alternatives(reading)[0])


def test_every_engine_reads_every_signal_that_is_not_worked_out_from_its_presence() -> None:
    """Age and coverage come from the presence series."""
    for engine in ENGINES:
        assert set(engine.readings) == set(REPLICA_SIGNALS) - {Signal.AGE, Signal.COVERAGE}


def test_no_series_of_kube_state_metrics_answers_two_signals() -> None:
    """Rows are told apart by their name alone."""
    names = [name for group in kubernetes.NAMES.values() for name in group]
    assert len(names) == len(set(names))
