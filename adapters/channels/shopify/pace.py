"""Keeps our calls within Shopify's cost bucket, instead of spending it on calls that are refused.

While the bucket is low, calls take turns as fast as it fills. Mutations go first: what was looked
up is acted upon before others look, else a crowd of orders would look for ever and none would act.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

RESERVE = 10
"""With so many calls' points beyond the next one's in the bucket nobody has to take turns."""
POLITE_S = 0.05
DEFAULT_S = 1.0
LONGEST_S = 60.0


class Pace:
    """One bucket as this process sees it; the server's word on each answer corrects it."""

    def __init__(self) -> None:
        self._closed_until = 0.0
        self._spacing_s = 0.0
        self._urgent = 0

    async def turn(self, *, changes: bool, until: float | None) -> float:
        """Wait for a turn; returns 0, or how long it would take where that is past `until`.

        `until` is a time of the running loop's clock.
        """
        loop = asyncio.get_running_loop()
        self._urgent += changes
        try:
            while True:
                wait_s = self._closed_until - loop.time()
                if wait_s <= 0 and not changes and self._spacing_s and self._urgent:
                    wait_s = POLITE_S
                if wait_s <= 0:
                    self._closed_until = loop.time() + self._spacing_s
                    return 0.0
                if until is not None and loop.time() + wait_s >= until:
                    return wait_s
                await asyncio.sleep(wait_s)
        finally:
            self._urgent -= changes

    def answered(self, cost: Mapping[str, Any]) -> None:
        """Learn from `extensions.cost` of an answer how full the bucket is."""
        numbers = _numbers(cost)
        if numbers is None:
            return
        asked, spent, available, restored = numbers
        low = available < asked + RESERVE * spent
        self._spacing_s = min(spent / restored, LONGEST_S) if low else 0.0
        if available < asked:
            self._close((asked - available) / restored)

    def throttled(self, cost: Mapping[str, Any], retry_after_s: float | None) -> None:
        """The bucket was empty, and nothing was done."""
        numbers = _numbers(cost)
        if numbers is None:
            refill_s = spacing_s = DEFAULT_S
        else:
            asked, spent, available, restored = numbers
            refill_s = max((asked - available) / restored, 0.1)
            spacing_s = min(spent / restored, LONGEST_S)
        self._spacing_s = self._spacing_s or spacing_s
        self._close(max(refill_s, retry_after_s or 0.0))

    def _close(self, for_s: float) -> None:
        until = asyncio.get_running_loop().time() + min(for_s, LONGEST_S)
        self._closed_until = max(self._closed_until, until)


class _Numbers(NamedTuple):
    """Of a call, in points: a bucket must hold what it asks for, and gets back what it spares."""

    asked: float
    spent: float
    available: float
    restored_per_s: float


def _numbers(cost: Mapping[str, Any]) -> _Numbers | None:
    """None if the answer has them not; a call that did nothing spent what it asked for."""
    try:
        status = cost["throttleStatus"]
        asked = float(cost["requestedQueryCost"])
        spent = cost.get("actualQueryCost")
        found = _Numbers(
            asked,
            asked if spent is None else float(spent),
            float(status["currentlyAvailable"]),
            float(status["restoreRate"]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    sound = all(map(math.isfinite, found)) and found.asked > 0 and found.restored_per_s > 0
    return found if sound else None
