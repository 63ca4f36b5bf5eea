"""WVA's own ConfigMap, as settings beneath ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wva_exporter.config.load import parse
from wva_exporter.core.throughput.voting import Vote
from wva_exporter.discovery.wva_configmap import problems, read_settings, resolve
from wva_exporter.errors import ConfigError
from wva_exporter.service.wiring import declarations_of

MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: wva-saturation-scaling-config
  namespace: wva-system
data:
  default: |
    analyzers:
    - name: saturation
      score: 1.0
    scaleUpThreshold: 0.9
    kvCacheThreshold: 0.7
    priority: 2
  meta-llama/Llama-3.1-8B#llm: |
    queueLengthThreshold: 20
"""


def folder(tmp_path: Path, *texts: str) -> Path:
    """A folder of manifests."""
    for place, text in enumerate(texts):
        (tmp_path / f"{place}.yaml").write_text(text)
    return tmp_path


def test_an_override_keeps_what_it_does_not_say(tmp_path: Path) -> None:
    """The tuned default stands beneath it; WVA would have reset it."""
    (model,) = read_settings([folder(tmp_path, MAP)]).models
    assert (model.name, model.namespace, model.policy) == ("meta-llama/Llama-3.1-8B", "llm", "wva-v2")
    assert (model.kv_threshold, model.queue_threshold, model.scale_up) == (0.7, 20.0, 0.9)
    assert (model.scale_down, model.kv_spare, model.priority) == (0.7, 0.1, 2.0)


def test_the_default_is_for_everybody_else(tmp_path: Path) -> None:
    """With analyzers it asks for tokens, without for percentages."""
    fallback = read_settings([folder(tmp_path, MAP)]).fallback
    assert fallback is not None
    assert (fallback.policy, fallback.scale_up, fallback.queue_threshold) == ("wva-v2", 0.9, 5.0)
    plain = MAP.replace("    analyzers:\n    - name: saturation\n      score: 1.0\n", "").replace(
        "    scaleUpThreshold: 0.9\n", ""
    )
    percentages = read_settings([folder(tmp_path, plain)]).fallback
    assert percentages is not None
    assert percentages.policy == "wva-v1"


def test_without_such_a_map_nothing_is_said(tmp_path: Path) -> None:
    """Another ConfigMap is somebody else's."""
    found = read_settings([folder(tmp_path, MAP.replace("wva-saturation-scaling-config", "other"))])
    assert (found.models, found.fallback) == ((), None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("kvCacheThreshold: 1.5", "kvCacheThreshold must be between 0 and 1, got 1.50"),
        ("kvSpareTrigger: 0.9", "kvCacheThreshold (0.80) should be >= kvSpareTrigger (0.90)"),
        ("priority: high", "priority must be a number"),
        ("analyzers: 5", "analyzers must be a list of mappings"),
        ("[1, 2]", "must be YAML text of a mapping"),
        ("{", "must be YAML text of a mapping"),
    ],
)
def test_an_entry_that_wva_would_drop_is_refused(tmp_path: Path, wrong: str, said: str) -> None:
    """File, line, key and what is wrong, never left out in silence."""
    with pytest.raises(ConfigError) as refused:
        read_settings([folder(tmp_path, MAP.replace("    queueLengthThreshold: 20\n", f"    {wrong}\n"))])
    (finding,) = refused.value.findings
    assert finding.startswith(f"{tmp_path}/0.yaml:14: ConfigMap wva-saturation-scaling-config: data[meta-llama/")
    assert finding.endswith(said)


def test_two_maps_are_one_too_many(tmp_path: Path) -> None:
    """Nobody can say which of them holds."""
    with pytest.raises(ConfigError, match="a second ConfigMap"):
        read_settings([folder(tmp_path, MAP, MAP)])


def test_a_nought_is_a_number_here_and_nothing_there() -> None:
    """Upstream cannot tell a 0 from a number that is not given."""
    entries = {"default": {"kvSpareTrigger": 0.2}, "m#n": {"kvSpareTrigger": 0}}
    assert resolve(entries, "m", "n", exact=False)["kvSpareTrigger"] == 0
    assert resolve(entries, "m", "n", exact=True)["kvSpareTrigger"] == 0.2


def test_every_analyzer_ends_with_a_band() -> None:
    """Its own numbers over the entry's."""
    entry = {"analyzers": [{"name": "saturation", "scaleDownBoundary": 0.9}], "scaleUpThreshold": 0.85}
    assert problems({**entry, "scaleDownBoundary": 0.7}) == [
        "analyzer 'saturation': scaleUpThreshold (0.85) must be > scaleDownBoundary (0.90)"
    ]


@pytest.mark.parametrize(
    ("analyzer", "band"),
    [
        ("{name: saturation, scaleUpThreshold: 0.8, scaleDownBoundary: 0.5}", (0.8, 0.5)),
        ("{type: saturation, name: mine, scaleUpThreshold: 0.8}", (0.8, 0.7)),
        ("{name: saturation, parameters: {scaleDownBoundary: 0.6}}", (0.9, 0.6)),
        ("{name: saturation, scaleUpThreshold: 0.95, parameters: {scaleUpThreshold: 0.8}}", (0.95, 0.7)),
        ("{name: throughput, scaleUpThreshold: 0.8}", (0.9, 0.7)),
        ("{name: saturation, enabled: false, scaleUpThreshold: 0.8}", (0.9, 0.7)),
    ],
)
def test_thresholds_of_the_token_analyzer_go_before_those_of_its_entry(
    tmp_path: Path, analyzer: str, band: tuple[float, float]
) -> None:
    """Also where they are given as parameters, which count less than what stands beside them."""
    text = MAP.replace("    - name: saturation\n      score: 1.0\n", f"    - {analyzer}\n")
    fallback = read_settings([folder(tmp_path, text)]).fallback
    assert fallback is not None
    assert (fallback.policy, fallback.scale_up, fallback.scale_down) == ("wva-v2", *band)


@pytest.mark.parametrize(
    ("analyzer", "said"),
    [
        ("{name: saturation, parameters: {enabled: maybe}}", "'saturation': enabled must be true or false"),
        ("{name: saturation, score: high}", "'saturation': thresholds and score must be numbers"),
        ("{name: throughput, parameters: {scaleUpThreshold: 2}}", "'throughput': scaleUpThreshold must be in (0, 1]"),
    ],
)
def test_an_analyzer_that_wva_would_refuse_is_refused(tmp_path: Path, analyzer: str, said: str) -> None:
    """By its name."""
    with pytest.raises(ConfigError, match=re.escape(said)):
        read_settings(
            [folder(tmp_path, MAP.replace("    - name: saturation\n      score: 1.0\n", f"    - {analyzer}\n"))]
        )


@pytest.mark.parametrize(
    ("analyzers", "vote"),
    [
        ("[{name: saturation}]", None),
        ("[{name: saturation}, {name: throughput}]", Vote()),
        ("[{type: throughput, name: rates}, {name: saturation}]", Vote()),
        ("[{name: saturation}, {name: throughput, enabled: false}]", None),
        ("[{name: saturation, score: 2}, {name: throughput, parameters: {score: 3}}]", Vote(score=1.5)),
        ("[{name: throughput, scaleUpThreshold: 0.8, score: -1}]", Vote(scale_up=0.8)),
    ],
)
def test_the_throughput_analyzer_votes_where_it_is_listed(tmp_path: Path, analyzers: str, vote: Vote | None) -> None:
    """With thresholds and a weight of its own; our own file may say otherwise."""
    text = MAP.replace("\n    - name: saturation\n      score: 1.0\n", f" {analyzers}\n")
    manifests = f"discovery: {{manifests: [{folder(tmp_path, text)}]}}\n"
    assert declarations_of(parse(manifests, "wva.yaml")).throughput == vote
    assert declarations_of(parse(f"throughput: false\n{manifests}", "wva.yaml")).throughput is None
    ours = declarations_of(parse(f"throughput: true\n{manifests}", "wva.yaml"))
    assert ours.throughput == (vote or Vote())


def test_our_own_file_goes_first(tmp_path: Path) -> None:
    """Of each threshold, of the policy and of each model: theirs only where ours says nothing."""
    manifests = f"discovery: {{manifests: [{folder(tmp_path, MAP)}]}}\n"
    theirs = declarations_of(parse(manifests, "wva.yaml"))
    assert (theirs.fallback.policy, theirs.fallback.kv_threshold, theirs.fallback.priority) == ("wva-v2", 0.7, 2.0)
    assert [model.name for model in theirs.models] == ["meta-llama/Llama-3.1-8B"]

    ours = "policy: wva-v1\nthresholds: {kv: 0.6}\nmodels: [{name: meta-llama/Llama-3.1-8B}]\n"
    mixed = declarations_of(parse(manifests + ours, "wva.yaml"))
    assert (mixed.fallback.policy, mixed.fallback.kv_threshold, mixed.fallback.scale_up) == ("wva-v1", 0.6, 0.9)
    assert [model.namespace for model in mixed.models] == [None]
