"""Beginnings of prompts that an engine has computed and not yet overwritten."""

from __future__ import annotations

from collections import OrderedDict


class PrefixCache:
    """Shared beginnings by their number, in whole blocks: those in use, and those that stay until their blocks are needed.

    What nobody uses counts as free, as in vLLM, and goes in the order in which it was used last.
    """

    __slots__ = ("_idle", "_used", "idle_blocks")

    def __init__(self) -> None:
        self._used: dict[int, list[int]] = {}
        self._idle: OrderedDict[int, int] = OrderedDict()
        self.idle_blocks = 0

    def find(self, prefix: int) -> tuple[int, int]:
        """Blocks of a beginning, and how many of them count as free until it is used again; zeros: it is not there."""
        if prefix in self._used:
            return self._used[prefix][0], 0
        blocks = self._idle.get(prefix, 0)
        return blocks, blocks

    def hold(self, prefix: int) -> None:
        """One more sequence uses a beginning that is there."""
        if prefix in self._idle:
            blocks = self._idle.pop(prefix)
            self.idle_blocks -= blocks
            self._used[prefix] = [blocks, 0]
        self._used[prefix][1] += 1

    def add(self, prefix: int, blocks: int) -> bool:
        """A sequence has computed a beginning and uses it; False if another one was first."""
        if prefix in self._used:
            return False
        self.idle_blocks -= self._idle.pop(prefix, 0)
        self._used[prefix] = [blocks, 1]
        return True

    def drop(self, prefix: int) -> int:
        """A sequence does not use it any more: the blocks that nobody uses now."""
        entry = self._used[prefix]
        entry[1] -= 1
        if entry[1]:
            return 0
        del self._used[prefix]
        self._idle[prefix] = entry[0]
        self.idle_blocks += entry[0]
        return entry[0]

    def shrink(self, free: int) -> None:
        """Forget the oldest unused until the rest fits into the ``free`` blocks."""
        while self.idle_blocks > free:
            self.idle_blocks -= self._idle.popitem(last=False)[1]
