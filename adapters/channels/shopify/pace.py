"""Keeps our calls within Shopify's cost bucket, instead of spending it on calls that are refused.

While the bucket is low, calls take turns as fast as it fills. Mutations go first: what was looked
up is acted upon before others look, else a crowd of orders would look for ever and none would act.

https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
"""

import asyncio
import math
from collections.abc import Mapping
from typing import Any

RESERVE = 10
"""With so many calls' points in the bucket nobody has to take turns."""
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
        points, available, restored = numbers
        low = available < RESERVE * points
        self._spacing_s = points / restored if low else 0.0
        if low and available < points:
            self._close((points - available) / restored)

    def throttled(self, cost: Mapping[str, Any], retry_after_s: float | None) -> None:
        """The bucket was empty, and nothing was done."""
        numbers = _numbers(cost)
        refill_s = max((numbers[0] - numbers[1]) / numbers[2], 0.1) if numbers else DEFAULT_S
        self._spacing_s = self._spacing_s or (numbers[0] / numbers[2] if numbers else DEFAULT_S)
        self._close(max(refill_s, retry_after_s or 0.0))

    def _close(self, for_s: float) -> None:
        until = asyncio.get_running_loop().time() + min(for_s, LONGEST_S)
        self._closed_until = max(self._closed_until, until)


def _numbers(cost: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """Points asked for, points there, points restored a second; None if the answer has them not."""
    try:
        status = cost["throttleStatus"]
        found = (
            float(cost["requestedQueryCost"]),
            float(status["currentlyAvailable"]),
            float(status["restoreRate"]),
        )
    except (KeyError, TypeError, ValueError):
        return None
    return found if all(map(math.isfinite, found)) and found[0] > 0 and found[2] > 0 else None
