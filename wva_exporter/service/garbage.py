"""Python's cyclic garbage collector, set for a program that makes a fleet of small objects every cycle.

Snapshots, plans and families have no cycles: reference counts free them. With the defaults the collector walks them a hundred
times a cycle all the same, which costs a third of it. So what a start leaves behind is taken out of its sight, and it looks
after many more allocations; it still looks, because libraries make cycles.
"""

from __future__ import annotations

import gc

ALLOCATIONS, YOUNG, OLD = 200_000, 20, 100
"""Net allocations before a look at the youngest objects, and how many looks at one generation make one at the next."""


def settle() -> None:
    """Call once, when everything long-lived is there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, YOUNG, OLD)
