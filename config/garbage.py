"""How a process that runs for long looks for garbage: seldom, and never in what it began with."""

import gc

THRESHOLDS = (100_000, 50, 1_000)
"""A choice of sourcing makes tens of thousands of objects and hardly a cycle among them."""


def settle() -> None:
    """To be called once all is loaded: what is there now stays, and is not looked through again.

    With Python's own thresholds a hard choice of sourcing spends two thirds of its time on that.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
