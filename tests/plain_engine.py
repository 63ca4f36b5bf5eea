"""The engine's rules in the plainest way: every iteration is played, every block counted anew, nothing skipped."""

from __future__ import annotations

import math
from dataclasses import dataclass

from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.requests import Ending, Outcome, Request


@dataclass
class Inside:
    """A request inside: tokens of its context, how many are computed, tokens of its answer so far."""

    number: int
    request: Request
    context: int
    computed: int = 0
    answered: int = 0
    first_at: float | None = None

    @property
    def decodes(self) -> bool:
        """Whether its context is computed."""
        return self.computed >= self.context


class PlainEngine:
    """Plays requests, given in order of arrival, to their ends."""

    def __init__(self, parameters: EngineParameters) -> None:
        self.p = parameters
        self.clock = 0.0
        self.waiting: list[Inside] = []
        self.running: list[Inside] = []
        self.ends: dict[int, Outcome] = {}
        self.preemptions = 0

    def play(self, requests: list[Request]) -> dict[int, Outcome]:
        """Ends by place in ``requests``."""
        coming = [Inside(number, each, each.prompt_tokens) for number, each in enumerate(requests)]
        while coming or self.waiting or self.running:
            while coming and coming[0].request.arrival_seconds < self.clock:
                self.waiting.append(coming.pop(0))
            if not self.waiting and not self.running and coming:  # an idle engine begins with the first that comes
                self.clock = coming[0].request.arrival_seconds
                self.waiting.append(coming.pop(0))
            self.iterate()
        return self.ends

    def iterate(self) -> None:
        """One iteration, if there is anybody for it."""
        for each in [*self.waiting, *self.running]:
            if each.first_at is None and each.request.deadline_seconds < self.clock:
                self.end(each, Ending.TIMED_OUT, each.request.deadline_seconds)
        preempted = False
        while self.taken() + self.growth() > self.p.usable_blocks:
            victim = self.running.pop()
            victim.context = victim.request.prompt_tokens + victim.answered
            victim.computed = 0
            self.waiting.insert(0, victim)
            self.preemptions += 1
            preempted = True
        chunks = self.chunks(admit=not preempted)
        if not self.running:
            return
        decoding = [each for each in self.running if each.decodes and each not in [one for one, _ in chunks]]
        computed = sum(take for _, take in chunks)
        resident = sum(each.computed for each in self.running) + len(decoding) + computed
        self.clock += self.p.iteration_seconds(len(decoding), computed, resident)
        for each, take in chunks:
            each.computed += take
        for each in decoding:
            each.computed += 1
        for each in [*decoding, *(one for one, _ in chunks if one.decodes)]:
            each.answered += 1
            each.first_at = self.clock if each.first_at is None else each.first_at
            if each.answered == each.request.output_tokens:
                self.end(each, Ending.SERVED, self.clock)

    def chunks(self, *, admit: bool) -> list[tuple[Inside, int]]:
        """Who computes how much of a prompt in this iteration."""
        budget = self.p.max_batched_tokens - sum(each.decodes for each in self.running)
        growth = self.growth()
        chunks = []
        for each in self.running:
            if not each.decodes and budget > 0:
                chunks.append((each, min(each.context - each.computed, budget)))
                budget -= chunks[-1][1]
        while admit and self.waiting and budget > 0 and len(self.running) < self.p.max_sequences:
            head = self.waiting[0]
            if self.taken() + growth + self.blocks(head.context) > self.p.usable_blocks:
                break
            self.running.append(self.waiting.pop(0))
            chunks.append((head, min(head.context, budget)))
            budget -= chunks[-1][1]
        return chunks

    def blocks(self, tokens: int) -> int:
        """Blocks for so many tokens."""
        return math.ceil(tokens / self.p.block_size_tokens)

    def taken(self) -> int:
        """Blocks of those who run; a prompt has all of its own from the start."""
        return sum(self.blocks(max(each.context, each.computed)) for each in self.running)

    def growth(self) -> int:
        """Blocks that one more token for each answer takes."""
        grows = [each.computed for each in self.running if each.decodes]
        return sum(self.blocks(tokens + 1) - self.blocks(tokens) for tokens in grows)

    def end(self, each: Inside, ending: Ending, at: float) -> None:
        """Note an end."""
        (self.waiting if each in self.waiting else self.running).remove(each)
        request, first = each.request, each.first_at
        ttft = None if first is None else first - request.arrival_seconds
        gaps = request.output_tokens - 1
        itl = None if first is None or not gaps else (at - first) / gaps
        self.ends[each.number] = Outcome(
            request=request, ending=ending, at_seconds=at, ttft_seconds=ttft, itl_seconds=itl
        )
