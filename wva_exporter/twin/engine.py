"""An engine with continuous batching: iterations that compute prompts and one token for everybody who runs.

The rules are those of vLLM: first come, first served; a request is admitted when the KV cache has room for its prompt and the
batch a place; every running request grows by one token an iteration; where the cache cannot take that growth, the request that
was admitted last is preempted, its tokens are forgotten and computed again later, and nobody is admitted in that iteration
(admitting then can livelock: the newcomer is the next victim).

One deviation: a prompt longer than ``max_batched_tokens`` is computed in one long iteration and not in chunks.
"""

from __future__ import annotations

import math
from collections import deque
from heapq import heappop, heappush
from typing import NamedTuple

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.meter import Meter
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Ending, Outcome, Request
from wva_exporter.twin.sequence import Sequence


class _Flight(NamedTuple):
    """An iteration that has begun: its end, the tokens it computes, who continues and who is new in it."""

    ends_at: float
    computed_tokens: int
    decoded: int
    admitted: tuple[Sequence, ...]


class Engine:
    """One engine process. Times are seconds on the caller's clock; ``advance`` and ``submit`` are called in their order.

    What has happened by a time does not depend on how many calls of ``advance`` led there.
    """

    __slots__ = (
        "_finishing",
        "_flight",
        "_iteration",
        "_order",
        "_outcomes",
        "_passed_over",
        "_resident",
        "_running",
        "_waiting",
        "clock",
        "meter",
        "parameters",
        "started_at",
    )

    def __init__(self, parameters: EngineParameters, started_at: float = 0.0) -> None:
        self.parameters = parameters
        self.started_at = started_at
        self.clock = started_at
        self.meter = Meter(parameters)
        self._waiting: deque[Sequence] = deque()
        self._running: dict[Sequence, None] = {}
        self._finishing: list[tuple[int, int, Sequence]] = []
        self._outcomes: list[Outcome] = []
        self._flight: _Flight | None = None
        self._iteration = 0
        self._order = 0
        self._passed_over = 0
        self._resident = 0

    @property
    def running(self) -> int:
        """Requests in the batch."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """Requests inside that are not in the batch."""
        return len(self._waiting)

    @property
    def waiting(self) -> int:
        """Requests that the last iteration found no place for, which is what vLLM reports.

        It reads its inbox between iterations, so one that came during this iteration is not seen before the next.
        """
        return self._passed_over

    @property
    def resident_tokens(self) -> int:
        """Tokens in the KV cache, those of the iteration under way included."""
        return self._resident

    @property
    def kv_usage_ratio(self) -> float:
        """Share of the usable KV cache that is taken."""
        return self._resident / self.parameters.kv_capacity_tokens

    @property
    def demand_ratio(self) -> float:
        """Share of the KV cache that residents and waiting prompts want; above 1 it cannot hold them all."""
        waiting = sum(sequence.context_tokens for sequence in self._waiting)
        return (self._resident + waiting) / self.parameters.kv_capacity_tokens

    @property
    def generated_tokens_inside(self) -> int:
        """Tokens already generated for the requests that are inside."""
        done = self._iteration - (self._flight is not None)
        running = sum(sequence.generated_tokens(done) for sequence in self._running)
        return running + sum(sequence.generated for sequence in self._waiting)

    def submit(self, request: Request, at: float) -> None:
        """Queue a request; the engine has been advanced to ``at``.

        Raises:
            InvalidValue: it is longer than the engine can ever hold.
        """
        longest = self.parameters.longest_request_tokens
        if request.prompt_tokens + request.output_tokens > longest:
            raise InvalidValue(
                f"a request of {request.prompt_tokens} + {request.output_tokens} tokens exceeds {longest}"
            )
        self._waiting.append(Sequence(request, at))

    def advance(self, to: float) -> None:
        """Complete every iteration that ends by ``to``."""
        while True:
            if self._flight is not None:
                if self._flight.ends_at > to:
                    return
                self._complete(self._flight)
                self._coast(to)
            self._flight = self._begin()
            if self._flight is None:
                self.clock = max(self.clock, to)
                return

    def stop(self, at: float) -> None:
        """End the process: whoever is inside is lost."""
        for sequence in (*self._running, *self._waiting):
            self._end(sequence, Ending.LOST, at)
        self._running.clear()
        self._waiting.clear()
        self._finishing.clear()
        self._flight = None
        self._passed_over = 0
        self._resident = 0

    def take_outcomes(self) -> list[Outcome]:
        """Requests that ended since the last call, in order."""
        taken, self._outcomes = self._outcomes, []
        return taken

    def _begin(self) -> _Flight | None:
        """Start the next iteration at ``clock``, or at the arrival that wakes an idle engine; None without work."""
        self._forget_overdue()
        if not self._running and not self._waiting:
            self._passed_over = 0
            return None
        preempted = self._preempt()
        decoded = len(self._running)
        admitted = () if preempted else self._admit()
        self._passed_over = sum(sequence.queued_at <= self.clock for sequence in self._waiting)
        self._iteration += 1
        for sequence in admitted:
            sequence.admitted_in = self._iteration
            self._running[sequence] = None
            self._order += 1
            heappush(self._finishing, (sequence.last_iteration, self._order, sequence))
        computed = decoded + sum(sequence.context_tokens for sequence in admitted)
        self._resident += computed
        seconds = self.parameters.iteration_seconds(computed, self._resident)
        return _Flight(self.clock + seconds, computed, decoded, admitted)

    def _forget_overdue(self) -> None:
        """Drop those at the head of the queue whose clients have left; an idle engine's clock goes to the head's arrival."""
        while self._waiting:
            head = self._waiting[0]
            if not self._running:
                self.clock = max(self.clock, head.queued_at)
            if not head.is_overdue(self.clock):
                return
            self._waiting.popleft()
            self.meter.aborted += 1
            self._end(head, Ending.TIMED_OUT, head.request.deadline_seconds)

    def _preempt(self) -> bool:
        """Send the last admitted back until the others have room for one token each."""
        capacity = self.parameters.kv_capacity_tokens
        preempted = False
        while self._resident + len(self._running) > capacity:
            sequence, _ = self._running.popitem()
            self._resident -= sequence.resident_tokens(self._iteration)
            sequence.generated = sequence.generated_tokens(self._iteration)
            sequence.last_token_at = self.clock
            sequence.preemptions += 1
            self.meter.preemptions += 1
            self._waiting.appendleft(sequence)
            preempted = True
        return preempted

    def _admit(self) -> tuple[Sequence, ...]:
        """Take from the head of the queue whoever fits into cache, batch and iteration; the first may be a long one."""
        decoded = len(self._running)
        room = self.parameters.kv_capacity_tokens - self._resident - decoded
        places = self.parameters.max_sequences - decoded
        budget = self.parameters.max_batched_tokens - decoded
        admitted: list[Sequence] = []
        while self._waiting and len(admitted) < places:
            head = self._waiting[0]
            context = head.context_tokens
            if head.queued_at > self.clock or context > room or (admitted and context > budget):
                break
            if head.first_token_at is None:
                head.scheduled_at = self.clock
            admitted.append(self._waiting.popleft())
            room -= context
            budget -= context
        return tuple(admitted)

    def _complete(self, flight: _Flight) -> None:
        """Hand out the tokens of an iteration at its end."""
        meter = self.meter
        meter.count_iteration(flight.ends_at - self.clock, flight.computed_tokens, flight.decoded)
        self.clock = flight.ends_at
        self._flight = None
        for sequence in flight.admitted:
            meter.generation_tokens += 1
            if sequence.first_token_at is None:
                sequence.first_token_at = self.clock
                meter.prompt_tokens += sequence.request.prompt_tokens
                meter.first_token.observe(self.clock - sequence.queued_at)
            else:
                meter.between_tokens.observe(self.clock - sequence.last_token_at)
        while self._finishing and self._finishing[0][0] <= self._iteration:
            last, _, sequence = heappop(self._finishing)
            if sequence in self._running and sequence.last_iteration == last:
                self._finish(sequence)

    def _coast(self, to: float) -> None:
        """Complete at once the iterations in which nothing happens but decoding: nobody waits, ends or is preempted.

        The j-th of k iterations of n requests takes ``first + gamma n j`` seconds, j from 0, so all of them
        ``k first + gamma n k (k - 1) / 2``; the largest k that fits comes from that quadratic.
        """
        decoded = len(self._running)
        if self._waiting or not decoded:
            return
        while (
            self._finishing[0][2] not in self._running or self._finishing[0][2].last_iteration != self._finishing[0][0]
        ):
            heappop(self._finishing)
        steps = min(
            self._finishing[0][0] - self._iteration - 1,
            (self.parameters.kv_capacity_tokens - self._resident) // decoded,
        )
        first = self.parameters.iteration_seconds(decoded, self._resident + decoded)
        slope = self.parameters.gamma_seconds_per_resident_token * decoded
        half, rest = slope / 2, to - self.clock
        steps = min(
            steps, int((half - first + math.sqrt((first - half) ** 2 + 4 * half * rest)) / slope) if rest > 0 else 0
        )
        if steps > 0:
            self.meter.count_decoding(first, slope, steps, decoded)
            self.clock += steps * first + half * steps * (steps - 1)
            self._iteration += steps
            self._resident += decoded * steps

    def _finish(self, sequence: Sequence) -> None:
        """Count a request that got its last token and free what it held."""
        meter, request, now = self.meter, sequence.request, self.clock
        assert sequence.first_token_at is not None
        del self._running[sequence]
        self._resident -= sequence.resident_tokens(self._iteration)
        decoding = now - sequence.first_token_at
        meter.finished += 1
        meter.end_to_end.observe(now - sequence.queued_at)
        meter.queue.observe(sequence.scheduled_at - sequence.queued_at)
        meter.inference.observe(now - sequence.scheduled_at)
        meter.prefill.observe(sequence.first_token_at - sequence.scheduled_at)
        meter.decode.observe(decoding)
        meter.per_output_token.observe(decoding / max(request.output_tokens - 1, 1))
        meter.prompt_of_request.observe(request.prompt_tokens)
        meter.prefill_of_request.observe(request.prompt_tokens)
        meter.output_of_request.observe(request.output_tokens)
        meter.max_output_of_request.observe(request.output_tokens)
        meter.max_tokens_of_request.observe(request.output_tokens)
        meter.completions_of_request.observe(1)
        meter.preemptions_of_request.observe(sequence.preemptions)
        self._end(sequence, Ending.SERVED, now)

    def _end(self, sequence: Sequence, ending: Ending, at: float) -> None:
        request, first = sequence.request, sequence.first_token_at
        ttft = None if first is None else first - request.arrival_seconds
        self._outcomes.append(Outcome(request=request, ending=ending, at_seconds=at, ttft_seconds=ttft))
