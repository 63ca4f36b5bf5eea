"""An engine with continuous batching: iterations that compute prompts and one token for everybody who runs.

The rules are those of vLLM: answers that have begun come first; what is left of the iteration's budget of tokens goes to
prompts, in the order of arrival, a long one in chunks; a request is admitted when the KV cache has room for its prompt and the
batch a place; every running request grows by one token an iteration; where the cache cannot take that growth, the request that
was admitted last is preempted, its tokens are forgotten and computed again later, and nobody is admitted in that iteration
(admitting then can livelock: the newcomer is the next victim).

One deviation: blocks for a whole prompt are taken when it is admitted, not chunk by chunk.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush

from wva_exporter.errors import InvalidValue
from wva_exporter.twin.memory import KvMemory
from wva_exporter.twin.meter import DetailedMeter, Meter
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Ending, Outcome, Request
from wva_exporter.twin.sequence import Sequence
from wva_exporter.twin.stretch import Stretch
from wva_exporter.twin.waiting import WaitingQueue

_SERVED = Ending.SERVED
"""Looked up once: members of an enum are slow to find, and this one ends a million requests."""


class Engine:
    """One engine process. Times are seconds on the caller's clock; ``advance`` and ``submit`` are called in their order.

    What has happened by a time does not depend on how many calls of ``advance`` led there. Between two events (somebody comes,
    ends, leaves or is preempted) nothing is computed: iterations are counted when an event or a reader needs them.
    ``ends_at`` is the next moment at which something may happen by itself, infinity while it is idle.

    With ``hands_over`` it computes prompts only, and those that are done are in ``handed``, with their time. Requests that
    ended are in ``outcomes``, which several engines may share.
    """

    __slots__ = (
        "_chunks",
        "_done",
        "_finishing",
        "_iteration",
        "_longest",
        "_memory",
        "_order",
        "_prefilling",
        "_running",
        "_share_of_a_token",
        "_stretch",
        "_waiting",
        "clock",
        "ends_at",
        "handed",
        "hands_over",
        "meter",
        "outcomes",
        "parameters",
        "started_at",
        "uncomputed_tokens",
    )

    def __init__(
        self,
        parameters: EngineParameters,
        started_at: float = 0.0,
        *,
        meter: Meter | None = None,
        outcomes: list[Outcome] | None = None,
        hands_over: bool = False,
    ) -> None:
        self.parameters = parameters
        self.started_at = started_at
        self.clock = started_at
        self.ends_at = math.inf
        self.meter = DetailedMeter(parameters) if meter is None else meter
        self.outcomes: list[Outcome] = [] if outcomes is None else outcomes
        self.hands_over = hands_over
        self.handed: list[tuple[float, Request]] = []
        self.uncomputed_tokens = 0
        """Tokens of prompts inside that are still to be computed, those of who waits included."""
        self._longest = parameters.longest_request_tokens
        self._share_of_a_token = 1.0 / parameters.kv_capacity_tokens
        self._memory = KvMemory(parameters)
        self._waiting = WaitingQueue()
        self._running: dict[Sequence, None] = {}
        self._prefilling: list[Sequence] = []
        self._chunks: list[tuple[Sequence, int]] = []
        self._finishing: list[tuple[int, int, Sequence]] = []
        self._stretch = Stretch(started_at, 0.0, 0.0, 0)
        self._done = 0
        self._iteration = 0
        self._order = 0

    @property
    def running(self) -> int:
        """Requests in the batch."""
        return len(self._running)

    @property
    def queued(self) -> int:
        """Requests inside that are not in the batch."""
        return self._waiting.count

    @property
    def waiting(self) -> int:
        """Requests that the last iteration found no place for, which is what vLLM reports.

        It reads its inbox between iterations, so one that came during this iteration is not seen before the next.
        """
        return self._waiting.seen(self.clock) if self._waiting.count else 0

    @property
    def resident_tokens(self) -> int:
        """Tokens in the KV cache after the last iteration."""
        return self._memory.resident

    @property
    def kv_usage_ratio(self) -> float:
        """Share of the usable blocks of the KV cache that are taken."""
        return self._memory.usage_ratio

    @property
    def demand_ratio(self) -> float:
        """Share of the KV cache that residents and prompts to come want; above 1 it cannot hold them all."""
        return (self._memory.resident + self.uncomputed_tokens) * self._share_of_a_token

    @property
    def demand_growth(self) -> float:
        """How fast that share grows, per second, until the next event."""
        if self.ends_at == math.inf:
            return 0.0
        return (len(self._running) - len(self._prefilling)) / self._stretch.first * self._share_of_a_token

    @property
    def generated_tokens_inside(self) -> int:
        """Tokens already generated for the requests that are inside."""
        running = sum(sequence.generated_tokens(self._iteration) for sequence in self._running)
        return running + sum(sequence.generated for sequence in self._waiting)

    def submit(self, request: Request, at: float, *, received: bool = False) -> bool:
        """Take a request, which the engine has been advanced to; False if its queue is full: the request is refused.

        ``received``: the keys and values of its prompt were computed elsewhere and are here.

        Raises:
            InvalidValue: it is longer than the engine can ever hold.
        """
        longest = self._longest
        if request.prompt_tokens + request.output_tokens > longest:
            raise InvalidValue(
                f"a request of {request.prompt_tokens} + {request.output_tokens} tokens exceeds {longest}"
            )
        waiting, limit = self._waiting, self.parameters.max_waiting
        if limit is not None and waiting.count >= limit and self.ends_at < math.inf:
            self.outcomes.append(Outcome(request, Ending.REFUSED, at))
            return False
        sequence = Sequence(request, at, received=received)
        self.uncomputed_tokens += sequence.uncomputed
        waiting.push(sequence)
        if self.ends_at == math.inf:
            self.clock = at
            self._open()
        elif waiting.count == 1:  # nobody before it was refused a place: it may join in the next iteration
            self._cut(at)
        elif request.deadline_seconds < self.ends_at:
            self._cut(max(request.deadline_seconds, at))
        return True

    def run(self, to: float) -> None:
        """Let happen what happens by ``to``; what readers read stands at the last event."""
        while self.ends_at <= to:
            self._close()
            self._open()

    def advance(self, to: float) -> None:
        """Complete every iteration that ends by ``to``."""
        self.run(to)
        if self.ends_at == math.inf:
            self.clock = max(self.clock, to)
        else:
            self._count(self._stretch.ended_by(to))

    def stop(self, at: float) -> None:
        """End the process: whoever is inside is lost."""
        self.advance(at)
        for sequence in (*self._running, *self._waiting):
            self._end(sequence, Ending.LOST, at)
        self._waiting.clear()
        self._running.clear()
        self._prefilling.clear()
        self._finishing.clear()
        self._chunks = []
        self._memory = KvMemory(self.parameters)
        self.uncomputed_tokens = 0
        self.ends_at = math.inf

    def take_outcomes(self) -> list[Outcome]:
        """Requests that ended since the last call, in order."""
        taken, self.outcomes = self.outcomes, []
        return taken

    def _cut(self, at: float) -> None:
        """End the stretch with the iteration that is under way at ``at``."""
        stretch = self._stretch
        if stretch.steps > 1:
            steps = stretch.ended_by(at) + 1
            if steps < stretch.steps:
                stretch.shorten(steps)
                self.ends_at = stretch.ends_at

    def _open(self) -> None:
        """Begin the next stretch at ``clock``, or rest."""
        waiting, memory = self._waiting, self._memory
        deadline = waiting.next_deadline()
        if deadline < self.clock:
            self._abandon()
            deadline = waiting.next_deadline()
        blocks = memory.blocks
        preempted = blocks.used + blocks.wanted(self._iteration) > blocks.capacity
        if preempted:
            self._preempt()
        self._chunks = []
        if self._prefilling or waiting.count:
            self._fill(admits=not preempted)
        running, prefilling = len(self._running), len(self._prefilling)
        if not running:
            self.ends_at = math.inf
            return
        self._done = 0
        decoded = running - prefilling
        prompts = sum([take for _, take in self._chunks]) if prefilling else 0
        parameters = self.parameters
        first = parameters.iteration_seconds(decoded, prompts, memory.resident + decoded + prompts)
        half = parameters.gamma_seconds_per_resident_token * decoded / 2
        steps = 1 if prefilling or preempted else self._steps(decoded)
        stretch = self._stretch = Stretch(self.clock, first, half, steps)
        if deadline < stretch.ends_at and steps > 1:
            stretch.shorten(stretch.ended_by(deadline) + 1)
        self.ends_at = stretch.ends_at

    def _fill(self, *, admits: bool) -> None:
        """Give what the answers leave of the budget to the prompts under way, then to those who come next."""
        budget = self.parameters.max_batched_tokens - len(self._running) + len(self._prefilling)
        for sequence in self._prefilling:
            take = min(sequence.uncomputed, budget)
            if take > 0:
                self._chunks.append((sequence, take))
                budget -= take
        if admits and self._waiting.count:
            self._admit(budget)

    def _steps(self, decoded: int) -> int:
        """Iterations until the first of the running ends or the cache is full."""
        finishing = self._finishing
        while finishing[0][0] != finishing[0][2].ends_in:  # that one was preempted
            heappop(finishing)
        return self._memory.blocks.until_full(self._iteration, finishing[0][0] - self._iteration, decoded)

    def _abandon(self) -> None:
        """Drop those whose clients have left without having seen a token."""
        for sequence in self._waiting.overdue(self.clock):
            self.uncomputed_tokens -= sequence.uncomputed
            if sequence in self._running:
                self._drop(sequence)
                sequence.left = True
            else:
                self._waiting.leave(sequence)
            self.meter.aborted += 1
            self._end(sequence, Ending.TIMED_OUT, sequence.request.deadline_seconds)

    def _drop(self, sequence: Sequence) -> None:
        """Take somebody out of the batch."""
        self._memory.release(sequence, self._iteration)
        if sequence.uncomputed:
            self._prefilling.remove(sequence)
        self._running.pop(sequence, None)

    def _preempt(self) -> None:
        """Send the last admitted back until the others have room for one token each."""
        blocks = self._memory.blocks
        while blocks.used + blocks.wanted(self._iteration) > blocks.capacity:
            sequence = next(reversed(self._running))
            self._drop(sequence)
            sequence.generated = sequence.generated_tokens(self._iteration)
            self.uncomputed_tokens += sequence.context_tokens - sequence.uncomputed
            sequence.uncomputed = sequence.context_tokens
            sequence.ends_in = -1
            sequence.last_token_at = self.clock
            sequence.preemptions += 1
            self.meter.preemptions += 1
            self._waiting.push_front(sequence)

    def _admit(self, budget: int) -> None:
        """Take from the head of the queue whoever finds a place, blocks and a part of the budget."""
        waiting, memory, meter = self._waiting, self._memory, self.meter
        places = self.parameters.max_sequences - len(self._running)
        while waiting.count and places > 0 and budget > 0:
            sequence = waiting.head()
            before = sequence.uncomputed
            if not memory.take(sequence, self._iteration):
                break
            waiting.pop()
            self.uncomputed_tokens += sequence.uncomputed - before
            meter.prefix_queries += sequence.context_tokens
            meter.prefix_hits += sequence.shared_blocks * memory.blocks.size
            if sequence.first_token_at is None:
                sequence.scheduled_at = self.clock
            self._running[sequence] = None
            self._prefilling.append(sequence)
            take = min(sequence.uncomputed, budget)
            self._chunks.append((sequence, take))
            places -= 1
            budget -= take

    def _count(self, ended: int) -> None:
        """Count the iterations of the stretch until that one, which only decode."""
        stretch, done = self._stretch, self._done
        iterations = ended - done
        if iterations > 0:
            decoded = len(self._running)
            self.meter.count_decoding(stretch.first + 2 * stretch.half * done, stretch.half, iterations, decoded)
            self._memory.grow(self._iteration, iterations, decoded)
            self._iteration += iterations
            self._done = ended
            self.clock = stretch.end_of(ended)

    def _close(self) -> None:
        """Complete the stretch and let end whose last token it made."""
        if self._prefilling:
            self._compute()
        else:
            self._count(self._stretch.steps)
        finishing = self._finishing
        while finishing and finishing[0][0] <= self._iteration:
            last, _, sequence = heappop(finishing)
            if sequence.ends_in == last:
                self.meter.count_finished(sequence, self.clock, sequence.request.output_tokens)
                self._drop(sequence)
                self._end(sequence, _SERVED, self.clock)

    def _compute(self) -> None:
        """Complete an iteration that computed prompts."""
        stretch, memory = self._stretch, self._memory
        decoded = len(self._running) - len(self._prefilling)
        prompts = sum([take for _, take in self._chunks])
        self.meter.count_iteration(stretch.first, decoded + prompts, decoded)
        memory.grow(self._iteration, 1, decoded)
        memory.resident += prompts
        self.uncomputed_tokens -= prompts
        self._iteration += 1
        self.clock = stretch.ends_at
        for sequence, take in self._chunks:
            sequence.uncomputed -= take
            if not sequence.uncomputed:
                self._prefilling.remove(sequence)
                self._join(sequence)

    def _join(self, sequence: Sequence) -> None:
        """A prompt is computed, which made a token."""
        meter, request = self.meter, sequence.request
        sequence.joined_in = self._iteration
        self._memory.join(sequence, self._iteration)
        meter.generation_tokens += 1
        if sequence.first_token_at is None:
            sequence.first_token_at = self.clock
            meter.prompt_tokens += request.prompt_tokens
            meter.first_token.observe(self.clock - sequence.queued_at)
        else:
            meter.between_tokens.observe(self.clock - sequence.last_token_at)
        if self.hands_over:
            meter.count_finished(sequence, self.clock, 1)
            self._drop(sequence)
            self.handed.append((self.clock, request))
            return
        sequence.ends_in = self._iteration + request.output_tokens - sequence.generated - 1
        self._order += 1
        heappush(self._finishing, (sequence.ends_in, self._order, sequence))

    def _end(self, sequence: Sequence, ending: Ending, at: float) -> None:
        request, first = sequence.request, sequence.first_token_at
        ttft = None if first is None else first - request.arrival_seconds + self.parameters.ttft_overhead_seconds
        gaps = request.output_tokens - 1
        itl = None if first is None or ending is not _SERVED or not gaps else (at - first) / gaps
        self.outcomes.append(Outcome(request, ending, at, ttft, itl))
