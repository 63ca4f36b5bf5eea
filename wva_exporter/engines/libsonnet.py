"""The tables of ``engines`` for the mixin: ``lib/engines.libsonnet``, so that rules read what the exporter reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wva_exporter.conventions import Signal
from wva_exporter.engines import router
from wva_exporter.engines.catalogue import ENGINES
from wva_exporter.engines.table import Balance, Engine, Mean, Share

_HEAD = """\
// Made by `make generate` from wva_exporter/engines: the series that rules read, each list in order of preference. A gauge's
// total leaves `partLabels` empty; `dataRanks` number engines within a pod; where `sharded`, parts of one engine say the same.
"""
_LEVELS = {
    "kvCacheUsage": Signal.KV_PEAK,
    "queueLength": Signal.WAITING_PEAK,
    "running": Signal.RUNNING,
    "waiting": Signal.WAITING,
    "finished": Signal.REQUEST_RATE,
    "generationTokens": Signal.GENERATION_TOKEN_RATE,
}
_HISTOGRAMS = {"ttft": Signal.TTFT, "itl": Signal.ITL}


def engines_libsonnet() -> str:
    """Every engine in the order of the catalogue, and the names of the router's queue."""
    return "\n".join(
        [
            _HEAD + "{",
            "  engines: [",
            *map(_engine, ENGINES),
            "  ],",
            _field("routerQueue", router.QUEUE_SIZE, 2),
            "}\n",
        ]
    )


def _engine(engine: Engine) -> str:
    fields = (
        f"      name: '{engine.name}',",
        _field("partLabels", engine.part_labels),
        _field("dataRanks", engine.data_ranks),
        f"      sharded: {str(bool(engine.shard_ranks)).lower()},",
        _field("presence", engine.presence),
        *(_field(name, _names(engine, signal)) for name, signal in (_LEVELS | _HISTOGRAMS).items()),
        _field("promptTokens", tuple(_totals(engine, Signal.INPUT_TOKENS))),
    )
    return "\n".join(["    {", *fields, "    },"])


def _field(name: str, values: Sequence[str], indent: int = 6) -> str:
    return f"{' ' * indent}{name}: [{', '.join(map(repr, values))}],"


def _names(engine: Engine, signal: Signal) -> Sequence[str]:
    """The names that a level, a counter or a histogram has; none where the engine does not say."""
    reading = engine.readings.get(signal)
    return () if reading is None or isinstance(reading, Share | Balance) else tuple(str(name) for name in reading.names)


def _totals(engine: Engine, signal: Signal) -> Iterator[str]:
    """Counters of which a mean size is made: what was counted, over all requests."""
    match engine.readings.get(signal):
        case Mean(names=names):
            yield from (f"{name}_sum" for name in names)
        case Share(names=pairs):
            yield from dict.fromkeys(above for above, _ in pairs)
