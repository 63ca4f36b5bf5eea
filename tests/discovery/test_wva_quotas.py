"""WVA's quotas of GPUs, from its ConfigMap to the replicas that a policy asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fleet_builder import R, V, fleet, snapshot

from wva_exporter.config.load import parse
from wva_exporter.conventions import Signal
from wva_exporter.core.allocation.sharing import Sharing
from wva_exporter.core.plan import plan
from wva_exporter.core.policies import policies
from wva_exporter.core.policies.wva_v1 import WvaV1
from wva_exporter.core.policies.wva_v2 import WvaV2
from wva_exporter.core.rules import Rules
from wva_exporter.core.snapshot import REASONS
from wva_exporter.core.throughput.voting import Vote
from wva_exporter.discovery.wva_configmap import read_settings
from wva_exporter.discovery.wva_quotas import read_quotas
from wva_exporter.errors import ConfigError, Reason
from wva_exporter.service.wiring import declarations_of, policies_of

MAP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: wva-saturation-scaling-config}
data:
  default: |
    analyzers: [{name: saturation}]
    enableLimiter: true
    limiters: [{name: gpus, type: quota, scope: cluster, quotas: {NVIDIA-A100-SXM4-80GB: 3, H100: -1}}]
"""


def limiter(**more: Any) -> dict[str, Any]:
    """A default entry with one limiter that WVA takes, changed."""
    return {"enableLimiter": True, "limiters": [{"name": "q", "type": "quota", "scope": "cluster"} | more]}


def asked(entry: dict[str, Any], *, namespace: str = "llm", policy: str = "wva-v2") -> tuple[float | None, Reason]:
    """Replicas of a full fleet of two that wants four or more, and what bound it."""
    of = fleet(V(name="a", namespace=namespace, maximum=None), policy=policy)
    signals = {Signal.INPUT_TOKENS: 400.0, Signal.OUTPUT_TOKENS: 100.0}
    full = [R(v="a", kv=0.79, waiting=100.0, signals=signals)] * 2
    result, _ = plan(snapshot(of, full), None, policies(Sharing(limiter=True, quotas=read_quotas(entry))), Rules())
    step = result.steps[0]
    return step.replicas.listed()[0], REASONS[step.reason[0]]


@pytest.mark.parametrize("policy", ["wva-v2", "wva-v2/exact"])
def test_a_quota_of_the_cluster_bounds_growth(policy: str) -> None:
    """Three GPUs are three replicas; a type that is not listed may not grow; -1 is no limit."""
    free, _ = asked({}, policy=policy)
    assert free is not None
    assert free > 3
    assert asked(limiter(quotas={"A100": 3}), policy=policy)[0] == 3
    assert asked(limiter(quotas={"H100": 8}), policy=policy)[0] == 2
    assert asked(limiter(quotas={"A100": -1}), policy=policy)[0] == free
    assert asked(limiter(quotas={"A100": 1}), policy=policy)[0] == 2, "what runs is not taken away"


def test_who_may_not_grow_reads_that_hardware_is_short() -> None:
    """As with nodes that are full."""
    assert asked(limiter(quotas={"A100": 3}))[1] is Reason.INVENTORY


def test_quotas_of_namespaces() -> None:
    """A list of its own, the one of everybody else, none at all, and exemption."""
    entry = limiter(scope="namespace", namespaceQuotas={"llm": {"A100": 3}, "default": {"A100": 4}}, exclude=["free"])
    free, _ = asked({})
    assert asked(entry)[0] == 3
    assert asked(entry, namespace="other")[0] == 4
    assert asked(entry, namespace="free")[0] == free
    assert asked(limiter(scope="namespace", namespaceQuotas={"other": {"A100": 9}}))[0] == 2


def test_a_limiter_that_is_off_limits_nothing() -> None:
    """As in WVA; its entries are looked at all the same."""
    off = limiter(quotas={"A100": 2}) | {"enableLimiter": False}
    assert read_quotas(off) == ()
    with pytest.raises(ConfigError, match="unknown limiter type"):
        read_quotas(off | {"limiters": [{"type": "quotas"}]})
    assert read_quotas({"enableLimiter": True, "limiters": [{"name": "nodes", "type": "inventory"}]}) == ()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"name": ""}, "name must not be empty"),
        ({"scope": "fleet"}, "scope must be"),
        ({"quotas": {"A100": -2}}, "quota value -2 is invalid"),
        ({"quotas": {"A100": 2_000_000}}, "quota value 2000000 is invalid"),
        ({"quotas": {"A100": 1.5}}, "quota value 1.5 is invalid"),
        ({"quotas": {"A100": True}}, "quota value True is invalid"),
        ({"quotas": {"": 1}}, "accelerator type name must not be empty"),
        ({"quotas": [1]}, "quotas must be GPUs by accelerator type"),
        ({"exclude": ["x"]}, "exclude is invalid for cluster scope"),
        ({"namespaceQuotas": {"x": {}}}, "namespaceQuotas is invalid for cluster scope"),
        ({"scope": "namespace", "quotas": {"A100": 1}}, "quotas is invalid for namespace scope"),
        ({"scope": "namespace", "namespaceQuotas": {"": {}}}, "names of namespaces must not be empty"),
        ({"scope": "namespace", "namespaceQuotas": [1]}, "namespaceQuotas must be a mapping"),
    ],
)
def test_what_wva_refuses_is_refused(more: dict[str, Any], said: str) -> None:
    """With the limiter's place and name."""
    with pytest.raises(ConfigError) as caught:
        read_quotas(limiter(**more))
    assert any(said in finding and finding.startswith("limiters[0]") for finding in caught.value.findings)


def test_two_limiters_of_one_name_and_no_list_at_all() -> None:
    """Both are findings."""
    one = limiter(quotas={"A100": 1})["limiters"]
    with pytest.raises(ConfigError, match="duplicate limiter name"):
        read_quotas({"enableLimiter": True, "limiters": one * 2})
    with pytest.raises(ConfigError, match="list of mappings"):
        read_quotas({"limiters": "quota"})


def test_the_map_reaches_the_policies(tmp_path: Path) -> None:
    """By the short names that accelerators have here; a bad one is refused with its file and line."""
    (tmp_path / "map.yaml").write_text(MAP)
    declared = declarations_of(parse(f"discovery: {{manifests: [{tmp_path}]}}\n", "wva.yaml"))
    (quotas,) = declared.sharing.quotas
    assert quotas.cluster == {"A100": 3, "H100": -1}
    (tmp_path / "map.yaml").write_text(MAP.replace("scope: cluster", "scope: nowhere"))
    with pytest.raises(ConfigError, match=r"map\.yaml:5: ConfigMap .*limiters\[0\]"):
        read_settings([tmp_path])


@pytest.mark.parametrize(
    ("switches", "ours", "found"),
    [
        ("enableLimiter: true", "", (True, False, 1)),
        ("enableLimiter: true\n    enableRescale: true", "", (True, True, 1)),
        ("enableRescale: true", "", (None, False, 0)),
        ("enableLimiter: false", "", (None, False, 0)),
        ("enableLimiter:", "", (None, False, 0)),
        ("enableLimiter: true\n    enableRescale: true", "rescale: false\n", (True, False, 1)),
        ("enableLimiter: true", "limiter: false\n", (False, False, 0)),
        ("enableLimiter: false", "limiter: true\nrescale: true\n", (True, True, 0)),
    ],
)
def test_switches_of_the_map_and_ours_over_them(
    tmp_path: Path, switches: str, ours: str, found: tuple[bool | None, bool, int]
) -> None:
    """Limiter, rescale, sets of quotas. WVA rescales only what it limits; where its limiter is off, nobody said anything."""
    (tmp_path / "map.yaml").write_text(MAP.replace("enableLimiter: true", switches))
    sharing = declarations_of(parse(f"{ours}discovery: {{manifests: [{tmp_path}]}}\n", "wva.yaml")).sharing
    assert (sharing.limiter, sharing.rescale, len(sharing.quotas)) == found


def test_our_own_file_alone_switches_too() -> None:
    """Without any map; by default nothing is said."""
    assert declarations_of(parse("", "wva.yaml")).sharing == Sharing()
    assert declarations_of(parse("limiter: true\nrescale: true\n", "wva.yaml")).sharing == Sharing(
        limiter=True, rescale=True
    )


def test_what_is_declared_reaches_the_live_policies() -> None:
    """Without a word: WVA's own modes look at no GPU, the corrected `wva-v2` does, and only tokens vote."""
    silent, loud = parse("", "wva.yaml"), parse("limiter: true\nrescale: true\nthroughput: true\n", "wva.yaml")
    by_default = policies_of(silent, declarations_of(silent))
    assert by_default["wva-v1"] == WvaV1()
    assert by_default["wva-v2"] == WvaV2()
    assert by_default["wva-v2/exact"] == WvaV2(exact=True, limited=False)
    switched = policies_of(loud, declarations_of(loud))
    for exact in (False, True):
        one, two = WvaV1(exact=exact, limited=True), WvaV2(exact=exact, rescale=True, throughput=Vote())
        assert (switched[one.name], switched[two.name]) == (one, two)


@pytest.mark.parametrize("switch", ["enableLimiter", "enableRescale"])
@pytest.mark.parametrize("value", ["'yes'", "1", "on please", "[]"])
def test_a_switch_is_true_or_false(tmp_path: Path, switch: str, value: str) -> None:
    """WVA drops such an entry; here it is named."""
    (tmp_path / "map.yaml").write_text(MAP.replace("enableLimiter: true", f"{switch}: {value}"))
    with pytest.raises(ConfigError, match=rf"data\[default\]: {switch} must be true or false"):
        read_settings([tmp_path])
