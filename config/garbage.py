"""How a process that runs for long looks for garbage: seldom, and never in what it began with."""

import gc

THRESHOLDS = (50_000, 1, 1)
"""A choice of sourcing makes tens of thousands of objects and hardly a cycle among them.

A workflow that ended, or left the cache, is a cycle of some 400 objects and 100 kB: beside 500 in
the cache, some 870 dead ones gather at most.
"""


def settle() -> None:
    """To be called once all is loaded: what is there now stays, and is not looked through again.

    With Python's own thresholds a hard choice of sourcing spends two thirds of its time on that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
