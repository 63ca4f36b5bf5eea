"""What is noted while a run goes on: who ended how, and the fleet at the end of every interval."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wva_exporter.core.columns import FloatArray
from wva_exporter.twin.fleet import Fleet
from wva_exporter.twin.replica import Replica
from wva_exporter.twin.requests import Ending, Outcome
from wva_exporter.twin.run import Requests, Timeline
from wva_exporter.twin.workloads.stream import Stream

_CODES = {ending: ending.code for ending in Ending}
_ABSENT = math.nan


class Endings:
    """The scored requests that ended, in columns: objects of two weeks of them would not fit."""

    def __init__(self) -> None:
        self._arrival, self._ttft, self._itl = array("d"), array("d"), array("d")
        self._ending, self._prompt, self._output = array("b"), array("q"), array("q")
        self.ended = 0
        """Requests that ended, those before time 0 included."""

    def note(self, outcomes: Sequence[Outcome]) -> None:
        """Take outcomes in; only arrivals from time 0 on are scored."""
        self.ended += len(outcomes)
        for outcome in outcomes:
            request = outcome.request
            if request.arrival_seconds >= 0.0:
                ttft, itl = outcome.ttft_seconds, outcome.itl_seconds
                self._arrival.append(request.arrival_seconds)
                self._ending.append(_CODES[outcome.ending])
                self._ttft.append(_ABSENT if ttft is None else ttft)
                self._itl.append(_ABSENT if itl is None else itl)
                self._prompt.append(request.prompt_tokens)
                self._output.append(request.output_tokens)

    def give_up(self, offered: Stream) -> None:
        """Whoever of these requests has not ended counts as timed out: nobody drops out of the score.

        Requests of one arrival and the same sizes are alike here, so that it does not matter which of them ended.
        """
        ended = np.array([self._arrival, self._prompt, self._output], dtype=np.float64).T
        asked = np.array([offered.arrival_seconds, offered.prompt_tokens, offered.output_tokens], dtype=np.float64).T
        rows, kinds = np.unique(np.concatenate([asked, ended]), axis=0, return_inverse=True)
        first, second = np.split(kinds.ravel(), [len(asked)])
        left = np.bincount(first, minlength=len(rows)) - np.bincount(second, minlength=len(rows))
        for arrival, prompt, output in np.repeat(rows, left, axis=0).tolist():
            self._arrival.append(arrival)
            self._ending.append(Ending.TIMED_OUT.code)
            self._ttft.append(_ABSENT)
            self._itl.append(_ABSENT)
            self._prompt.append(int(prompt))
            self._output.append(int(output))

    def requests(self) -> Requests:
        """All of them, in order of their arrival."""
        order = np.argsort(_numbers(self._arrival), kind="stable")
        return Requests(
            arrival_seconds=_numbers(self._arrival)[order],
            ending=_numbers(self._ending)[order],
            ttft_seconds=_numbers(self._ttft)[order],
            itl_seconds=_numbers(self._itl)[order],
            prompt_tokens=_numbers(self._prompt)[order],
            output_tokens=_numbers(self._output)[order],
        )


class Sampler:
    """Looks at a fleet at 0, ``interval_seconds``, ... and at the end."""

    def __init__(self, names: Sequence[str], interval_seconds: float, duration_seconds: float) -> None:
        self._names = tuple(names)
        count = math.ceil(duration_seconds / interval_seconds - 1e-9)
        self._times = [*(place * interval_seconds for place in range(count)), duration_seconds]
        self._looks = 0
        self._levels, self._ready, self._pending, self._desired = array("q"), array("q"), array("q"), array("q")
        self._kv = array("d")

    @property
    def next_at(self) -> float:
        """When it looks next."""
        return self._times[self._looks] if self._looks < len(self._times) else math.inf

    def look(self, fleet: Fleet, desired: Mapping[str, int]) -> None:
        """Note the fleet as it is."""
        for name in self._names:
            counts = fleet.counts(name)
            self._ready.append(counts.ready)
            self._pending.append(counts.current - counts.ready)
            self._desired.append(desired.get(name, counts.spec))
            serving = [r.engine for r in fleet.of(name) if r.engine is not None and r.deleted_at is None]
            shares = [engine.kv_usage_ratio for engine in serving]
            self._kv.append(sum(shares) / len(shares) if shares else _ABSENT)
        engines = [replica.engine for replica in fleet.replicas if replica.engine is not None]
        running = sum([engine.running for engine in engines])
        waiting = sum([engine.queued for engine in engines])
        self._levels.extend((running, waiting, len(fleet.held)))
        self._looks += 1

    def timeline(self, arrivals: FloatArray) -> Timeline:
        """What was noted, beside the requests that arrived."""
        seconds = np.array(self._times)
        interval = self._times[1] - self._times[0]
        places = [bisect_left(arrivals, at) for at in (-interval, *self._times)]
        widths = np.diff([-interval, *self._times])
        running, waiting, held = _numbers(self._levels).reshape(self._looks, 3).T
        shape = (self._looks, len(self._names))
        return Timeline(
            variants=self._names,
            seconds=seconds,
            offered_rps=np.diff(places) / widths,
            ready=_numbers(self._ready).reshape(shape),
            pending=_numbers(self._pending).reshape(shape),
            desired=_numbers(self._desired).reshape(shape),
            kv_mean_ratio=_numbers(self._kv).reshape(shape),
            running=running,
            waiting=waiting,
            held=held,
        )


def _numbers(values: array[Any]) -> NDArray[Any]:
    """The same memory as an array of numpy."""
    return np.frombuffer(values, dtype=values.typecode)


def replica_seconds(born: Sequence[Replica], names: Sequence[str], duration_seconds: float) -> dict[str, float]:
    """Seconds within [0, duration) that replicas of each variant existed, from when they were asked for until gone."""
    seconds = dict.fromkeys(names, 0.0)
    for replica in born:
        end = duration_seconds if replica.gone_at is None else min(replica.gone_at, duration_seconds)
        seconds[replica.variant] += max(end - max(replica.created_at, 0.0), 0.0)
    return seconds
