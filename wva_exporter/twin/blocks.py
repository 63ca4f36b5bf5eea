"""Blocks of the KV cache: how many are taken, and in which iteration somebody needs one more."""

from __future__ import annotations


class Blocks:
    """Blocks of ``size`` tokens, ``capacity`` of them, shared by sequences that each grow by one token an iteration.

    A sequence with r tokens after iteration i takes a new block in the iterations after every j >= i with j = i - r modulo
    ``size``; so sequences are counted by that remainder, and the growth of all of them over any number of iterations is a sum
    of at most ``size`` counts. The counts stand there twice so that each such sum is one slice.
    """

    __slots__ = ("_turns", "capacity", "size", "used")

    def __init__(self, capacity: int, size: int) -> None:
        self.capacity = capacity
        self.size = size
        self.used = 0
        self._turns = [0] * (2 * size)

    def holding(self, tokens: int) -> int:
        """Blocks that hold so many tokens."""
        return -(-tokens // self.size)

    def join(self, tokens: int, iteration: int) -> None:
        """A sequence with so many tokens after ``iteration`` grows from now on."""
        turn = (iteration - tokens) % self.size
        self._turns[turn] += 1
        self._turns[turn + self.size] += 1

    def leave(self, tokens: int, iteration: int) -> None:
        """It does not any more."""
        turn = (iteration - tokens) % self.size
        self._turns[turn] -= 1
        self._turns[turn + self.size] -= 1

    def wanted(self, iteration: int) -> int:
        """New blocks that the iteration after ``iteration`` takes."""
        return self._turns[iteration % self.size]

    def grow(self, iteration: int, iterations: int, sequences: int) -> None:
        """Take what so many iterations after ``iteration`` need; every one of ``sequences`` grows in each."""
        size = self.size
        turn = iteration % size
        if iterations == 1:
            self.used += self._turns[turn]
            return
        rounds, rest = divmod(iterations, size)
        self.used += rounds * sequences + sum(self._turns[turn : turn + rest])

    def until_full(self, iteration: int, iterations: int, sequences: int) -> int:
        """How many of these iterations after ``iteration`` find the blocks they need."""
        free = self.capacity - self.used
        rounds = free // sequences
        if (iterations - 1) // self.size < rounds:
            return iterations
        free -= rounds * sequences
        found = rounds * self.size
        while found < iterations:
            free -= self._turns[(iteration + found) % self.size]
            if free < 0:
                break
            found += 1
        return found
