"""The KV cache of an engine: who holds which part of it."""

from __future__ import annotations

from wva_exporter.twin.blocks import Blocks
from wva_exporter.twin.parameters import EngineParameters
from wva_exporter.twin.prefix_cache import PrefixCache
from wva_exporter.twin.sequence import Sequence


class KvMemory:
    """Blocks and the tokens in them. ``resident`` is what attention reads: a shared beginning once for each of its users."""

    __slots__ = ("blocks", "prefixes", "resident")

    def __init__(self, parameters: EngineParameters) -> None:
        self.blocks = Blocks(parameters.usable_blocks, parameters.block_size_tokens)
        self.prefixes = PrefixCache()
        self.resident = 0

    @property
    def usage_ratio(self) -> float:
        """Share of the blocks that are taken."""
        return self.blocks.used / self.blocks.capacity

    def take(self, sequence: Sequence, iteration: int) -> bool:
        """Take the blocks for all of a sequence's context, or none if they or those of the running are not there."""
        blocks = self.blocks
        need = blocks.holding(sequence.context_tokens)
        free = blocks.capacity - blocks.used
        revived = shared = 0
        prefix, beginning = sequence.request.prefix, sequence.request.prefix_tokens // blocks.size
        if prefix is not None and beginning and not sequence.received:
            there, idle = self.prefixes.find(prefix)
            if there <= beginning:  # a longer one would keep blocks that this sequence does not need
                shared, revived = there, idle
        if need - shared + revived > free - blocks.wanted(iteration):
            return False
        blocks.used += need - shared + revived
        if shared:
            assert prefix is not None
            self.prefixes.hold(prefix)
        if self.prefixes.idle_blocks:
            self._forget()
        sequence.shared_blocks = shared
        known = sequence.context_tokens if sequence.received else shared * blocks.size
        sequence.cached_tokens = min(known, sequence.context_tokens - 1)  # one is computed for what it says next
        sequence.uncomputed = sequence.context_tokens - sequence.cached_tokens
        sequence.received = False
        self.resident += sequence.cached_tokens
        return True

    def join(self, sequence: Sequence, iteration: int) -> None:
        """All of its context is computed after ``iteration``: it grows from now on, and others may share its beginning."""
        self.blocks.join(sequence.context_tokens, iteration)
        prefix = sequence.request.prefix
        if prefix is not None and not sequence.shared_blocks:
            shared = sequence.request.prefix_tokens // self.blocks.size
            if shared and self.prefixes.add(prefix, shared):
                sequence.shared_blocks = shared

    def grow(self, iteration: int, iterations: int, sequences: int) -> None:
        """Each of so many sequences got a token in each of so many iterations after ``iteration``."""
        self.resident += sequences * iterations
        self.blocks.grow(iteration, iterations, sequences)
        if self.prefixes.idle_blocks:
            self._forget()

    def release(self, sequence: Sequence, iteration: int) -> None:
        """Free what a sequence holds after ``iteration``."""
        blocks = self.blocks
        tokens = sequence.resident_tokens(iteration)
        self.resident -= tokens
        if sequence.uncomputed:
            blocks.used -= blocks.holding(sequence.context_tokens)
        else:
            blocks.used -= blocks.holding(tokens)
            blocks.leave(tokens, iteration)
        if sequence.shared_blocks:
            assert sequence.request.prefix is not None
            blocks.used += sequence.shared_blocks - self.prefixes.drop(sequence.request.prefix)
            sequence.shared_blocks = 0

    def _forget(self) -> None:
        """What nobody uses makes room for what somebody does."""
        self.prefixes.shrink(self.blocks.capacity - self.blocks.used)
