"""Pages of ``/metrics`` made from the recorded ones: counters that grow, more ranks, the names of older versions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

RECORDED = Path(__file__).parent / "data" / "vllm-0.32"
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")

Sample = tuple[str, str, float]
"""Name, text of the labels, value."""


def recorded(name: str) -> list[Sample]:
    """The samples of one recorded page of vLLM 0.32: ``idle``, ``busy`` or ``saturated``."""
    lines = (RECORDED / f"{name}.prom").read_text().splitlines()
    found = (_SAMPLE.fullmatch(line) for line in lines if not line.startswith("#"))
    return [(m["name"], m["labels"] or "", float(m["value"])) for m in found if m and m["name"].startswith("vllm:")]


def text(samples: Iterable[Sample]) -> str:
    """The page."""
    return "".join(f"{name}{{{labels}}} {value!r}\n" for name, labels, value in samples)


def grown(samples: Iterable[Sample], growth: Mapping[str, float], times: float) -> list[Sample]:
    """Every counter of ``growth`` increased so many times; of several series of a name only the last grows."""
    samples = list(samples)
    last = {name: i for i, (name, _, _) in enumerate(samples)}
    return [
        (name, labels, value + growth.get(name, 0.0) * times if last[name] == i else value)
        for i, (name, labels, value) in enumerate(samples)
    ]


def with_ranks(samples: Iterable[Sample], ranks: int, level: Mapping[str, Callable[[int], float]]) -> list[Sample]:
    """Each series once a rank; gauges of ``level`` by the rank's number."""
    return [
        (name, labels.replace('engine="0"', f'engine="{rank}"'), level[name](rank) if name in level else value)
        for name, labels, value in samples
        for rank in range(ranks)
    ]


def _renamed(samples: Iterable[Sample], names: Mapping[str, str]) -> list[Sample]:
    def new(name: str) -> str:
        return next((name.replace(old, to) for old, to in names.items() if name.startswith(old)), name)

    return [(new(name), labels, value) for name, labels, value in samples]


_TOKEN_TIME = {"vllm:inter_token_latency_seconds": "vllm:time_per_output_token_seconds"}


def as_v0(samples: Iterable[Sample]) -> list[Sample]:
    """As V0 of vLLM exposed it: one KV name, no counters of the prefix cache, no label for the rank."""
    kept = [s for s in samples if "prefix_cache" not in s[0]]
    old = _renamed(kept, {"vllm:kv_cache_usage_perc": "vllm:gpu_cache_usage_perc", **_TOKEN_TIME})
    return [(name, re.sub(r'(^|,)engine="\d+",?', r"\1", labels).rstrip(","), value) for name, labels, value in old]


def as_early_v1(samples: Iterable[Sample]) -> list[Sample]:
    """As V1 exposed it before 0.11: both KV names, the prefix cache and the time between tokens under older ones."""
    samples = list(samples)
    prefix = {
        "vllm:prefix_cache_hits": "vllm:gpu_prefix_cache_hits",
        "vllm:prefix_cache_queries": "vllm:gpu_prefix_cache_queries",
    }
    both = [("vllm:gpu_cache_usage_perc", s[1], s[2]) for s in samples if s[0] == "vllm:kv_cache_usage_perc"]
    return _renamed(samples, {**prefix, **_TOKEN_TIME}) + both
