"""``wva:desired_replicas:safe``: what scalers read outlives the exporter, believes no dead copy, never falls on partial data.

Steps are 30 s and every assertion stands seconds away from the edge of a window, so that both lines of Prometheus
agree.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonnet_bindings import rendered_fast
from promtool import RuleTest, failures
from rule_fleet import add_bounds, add_description, add_engine, add_workload, of

from wva_exporter.artefacts.mixin_files import groups_yaml

VARIANT = "llama-h100"
SAFE = "wva:desired_replicas:safe + 0"
FOR_EVER = 200
STEP = 30


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The chain of recording rules that ends in the safe count."""
    path = tmp_path_factory.mktemp("rules") / "recording.yaml"
    path.write_text(groups_yaml(rendered_fast().recording[:1]))
    return [path]


def beats(steps: int) -> str:
    """A cycle that ends at each of so many steps, then nothing."""
    return f"0+{STEP}x{steps}"


def copy(name: str) -> dict[str, str]:
    """The labels of one copy of the exporter."""
    return {"job": "wva-exporter", "instance": f"{name}:10982"}


def add_copy(
    test: RuleTest,
    name: str,
    target: str,
    *,
    cycles: str,
    withdrawn: str = f"0x{FOR_EVER}",
    hold: str = f"0x{FOR_EVER}",
) -> None:
    """A copy of the exporter with its target over time."""
    test.has("wva_last_cycle_timestamp_seconds", copy(name), cycles)
    test.has("wva_desired_replicas", copy(name) | of(VARIANT) | {"accelerator_type": "H100"}, target)
    test.has("wva_desired_withdrawn", copy(name) | of(VARIANT), withdrawn)
    test.has("wva_decision_hold", copy(name) | of(VARIANT) | {"reason": "none"}, hold)


def add_fleet(test: RuleTest, *, ready: float, seen: int, kv: float, steps: int = FOR_EVER) -> None:
    """A variant of which so many replicas are ready and so many are seen, described by an exporter for a while."""
    add_description(test, VARIANT, f"0x{steps}")
    add_workload(test, VARIANT, ready)
    for number in range(seen):
        add_engine(test, VARIANT, f"{VARIANT}-{number}", kv=kv)


def check(test: RuleTest, promtool: Path, rules: list[Path], folder: Path, safe: float | None) -> None:
    """The safe count is this one, or there is none."""
    test.expects(SAFE, [] if safe is None else [(of(VARIANT), safe)])
    assert not failures(promtool, test, rules, folder)


def test_a_fresh_copy_speaks_for_itself(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """While the exporter decides, its word is the count, whatever the rules think."""
    test = RuleTest(step_seconds=STEP, seconds=307)
    add_copy(test, "a", f"5x{FOR_EVER}", cycles=beats(FOR_EVER))
    add_fleet(test, ready=2, seen=2, kv=0.1)
    check(test, promtool_bin, rules, tmp_path, 5)


@pytest.mark.parametrize(("seconds", "safe"), [(607, 5), (1147, 5), (1387, None)])
def test_the_last_word_is_held_when_the_exporter_is_gone(
    promtool_bin: Path, rules: list[Path], tmp_path: Path, seconds: int, safe: float | None
) -> None:
    """It dies after ten minutes: held seven minutes later, and no more after the hold time."""
    test = RuleTest(step_seconds=STEP, seconds=seconds)
    add_copy(test, "a", "5x20", cycles=beats(20), withdrawn="0x20", hold="0x20")
    check(test, promtool_bin, rules, tmp_path, safe)


@pytest.mark.parametrize("seconds", [607, 1087, 1567])
def test_a_hung_twin_does_not_win(promtool_bin: Path, rules: list[Path], tmp_path: Path, seconds: int) -> None:
    """Copy a serves an old 9 for ever and its cycle stopped; the fresh copy b says 5."""
    test = RuleTest(step_seconds=STEP, seconds=seconds)
    add_copy(test, "a", f"9x{FOR_EVER}", cycles=f"0x5 0x{FOR_EVER}")
    add_copy(test, "b", f"5x{FOR_EVER}", cycles=beats(FOR_EVER))
    check(test, promtool_bin, rules, tmp_path, 5)


def test_a_clock_that_runs_ahead_is_not_fresh(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """A timestamp an hour ahead would keep a hung copy fresh for an hour."""
    test = RuleTest(step_seconds=STEP, seconds=307)
    add_copy(test, "a", f"9x{FOR_EVER}", cycles=f"3900+{STEP}x{FOR_EVER}")
    check(test, promtool_bin, rules, tmp_path, None)


def test_two_fresh_copies_give_the_larger_word(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """One series comes out, so that no HPA adds up."""
    test = RuleTest(step_seconds=STEP, seconds=307)
    add_copy(test, "a", f"4x{FOR_EVER}", cycles=beats(FOR_EVER))
    add_copy(test, "b", f"6x{FOR_EVER}", cycles=beats(FOR_EVER))
    check(test, promtool_bin, rules, tmp_path, 6)


def test_one_copy_may_withdraw_while_another_decides(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """A copy cut off from its data withdraws for itself alone."""
    test = RuleTest(step_seconds=STEP, seconds=907)
    add_copy(test, "a", "9x5 stale", cycles=beats(FOR_EVER), withdrawn="0x5 1x200")
    add_copy(test, "b", f"5x{FOR_EVER}", cycles=beats(FOR_EVER))
    check(test, promtool_bin, rules, tmp_path, 5)


def test_a_withdrawn_target_is_gone_at_once(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """The word counts, not the absence, which a hold would bridge."""
    test = RuleTest(step_seconds=STEP, seconds=337)
    add_copy(test, "a", "5x10 stale", cycles=beats(FOR_EVER), withdrawn="0x10 1x200")
    check(test, promtool_bin, rules, tmp_path, None)


def test_a_withdrawal_outlives_the_exporter(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """It withdraws and then dies within the hold time: the target of before does not come back to life."""
    test = RuleTest(step_seconds=STEP, seconds=457)
    add_copy(test, "a", "5x10 stale", cycles=beats(12), withdrawn="0x10 1x2", hold="1x12")
    check(test, promtool_bin, rules, tmp_path, None)


def test_withdrawn_with_half_of_the_pods_silent_is_left_alone(
    promtool_bin: Path, rules: list[Path], tmp_path: Path
) -> None:
    """Two of four are seen, idle: the PromQL decision would take them for the fleet, so there is none."""
    test = RuleTest(step_seconds=STEP, seconds=337)
    add_copy(test, "a", "5x10 stale", cycles=beats(FOR_EVER), withdrawn="0x10 1x200")
    add_fleet(test, ready=4, seen=2, kv=0.05)
    check(test, promtool_bin, rules, tmp_path, None)


def test_withdrawn_with_every_pod_seen_keeps_what_there_is(
    promtool_bin: Path, rules: list[Path], tmp_path: Path
) -> None:
    """The PromQL decision stands in; on idle replicas it asks for those that exist, not for fewer."""
    test = RuleTest(step_seconds=STEP, seconds=337)
    add_copy(test, "a", "5x10 stale", cycles=beats(FOR_EVER), withdrawn="0x10 1x200", hold=f"1x{FOR_EVER}")
    add_fleet(test, ready=4, seen=4, kv=0.05)
    check(test, promtool_bin, rules, tmp_path, 4)


@pytest.mark.parametrize(("kv", "safe"), [(0.05, 4), (0.78, 5)])
def test_without_an_exporter_the_rules_only_raise(
    promtool_bin: Path, rules: list[Path], tmp_path: Path, kv: float, safe: float
) -> None:
    """Half an hour after its end: idle replicas stay, full ones get company."""
    test = RuleTest(step_seconds=STEP, seconds=2407)
    add_copy(test, "a", "3x20", cycles=beats(20), withdrawn="0x20", hold="0x20")
    add_fleet(test, ready=4, seen=4, kv=kv, steps=20)
    check(test, promtool_bin, rules, tmp_path, safe)


def test_a_rise_does_not_wait_for_the_hold_to_end(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """Five minutes after its end the held word is 4 and the replicas are full: 5."""
    test = RuleTest(step_seconds=STEP, seconds=907)
    add_copy(test, "a", "4x20", cycles=beats(20), withdrawn="0x20", hold="0x20")
    add_fleet(test, ready=4, seen=4, kv=0.78, steps=20)
    check(test, promtool_bin, rules, tmp_path, 5)


def test_the_rules_respect_the_maximum_of_the_hpa(promtool_bin: Path, rules: list[Path], tmp_path: Path) -> None:
    """Full, and at its maximum."""
    test = RuleTest(step_seconds=STEP, seconds=2407)
    add_copy(test, "a", "4x20", cycles=beats(20), withdrawn="0x20", hold="0x20")
    add_fleet(test, ready=4, seen=4, kv=0.78, steps=20)
    add_bounds(test, VARIANT, 1, 4)
    check(test, promtool_bin, rules, tmp_path, 4)


@pytest.mark.parametrize("reason", ["paused", "fixed"])
def test_what_the_operator_set_by_hand_is_left_alone(
    promtool_bin: Path, rules: list[Path], tmp_path: Path, reason: str
) -> None:
    """After the hold time there is no count; the rules do not raise what somebody fixed."""
    test = RuleTest(step_seconds=STEP, seconds=2407)
    add_copy(test, "a", "2x20", cycles=beats(20), withdrawn="0x20", hold="_x20")
    test.has("wva_decision_hold", copy("a") | of(VARIANT) | {"reason": reason}, "1x20")
    add_fleet(test, ready=4, seen=4, kv=0.78, steps=20)
    check(test, promtool_bin, rules, tmp_path, None)


def test_a_variant_that_no_exporter_ever_named_has_no_count(
    promtool_bin: Path, rules: list[Path], tmp_path: Path
) -> None:
    """Engines and a Deployment alone are not a reason to scale anything."""
    test = RuleTest(step_seconds=STEP, seconds=307)
    add_workload(test, VARIANT, 2)
    for number in range(2):
        add_engine(test, VARIANT, f"{VARIANT}-{number}", kv=0.9)
    check(test, promtool_bin, rules, tmp_path, None)


def test_the_namespace_that_a_scrape_renamed_is_found(promtool_bin: Path, tmp_path: Path) -> None:
    """Without honorLabels the variant's namespace is in exported_namespace; the count has it under both names."""
    path = tmp_path / "recording.yaml"
    path.write_text(groups_yaml(rendered_fast({"honorLabels": False}).recording))
    test = RuleTest(step_seconds=STEP, seconds=307)
    renamed = {"exported_namespace": "llm", "namespace": "monitoring", "variant_name": VARIANT}
    test.has("wva_last_cycle_timestamp_seconds", copy("a"), beats(FOR_EVER))
    test.has("wva_desired_replicas", copy("a") | renamed | {"accelerator_type": "H100"}, 5.0)
    test.has("wva_desired_withdrawn", copy("a") | renamed, 0.0)
    test.expects(SAFE, [(of(VARIANT) | {"exported_namespace": "llm"}, 5)])
    assert not failures(promtool_bin, test, [path], tmp_path)
