"""What a run of the bench found, in numbers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

EVENTS_MAX = 100
BYTES_MAX = 40_000
TWIN_SHARE_MIN = 0.5


@dataclass(frozen=True)
class Spread:
    """Of many values, those that half, nearly all and all of them do not pass."""

    p50: float
    p99: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        ranked = sorted(values)
        return cls(ranked[_place(len(ranked), 0.5)], ranked[_place(len(ranked), 0.99)], ranked[-1])


def _place(many: int, share: float) -> int:
    """The nearest rank, counted from 0."""
    return max(0, math.ceil(share * many) - 1)


@dataclass(frozen=True)
class Yardstick:
    """Workflows a second, the events of one, and CPU in milliseconds for one by process."""

    per_s: float
    events: int
    cpu_ms: Mapping[str, float]


@dataclass(frozen=True)
class Round:
    """Rates a second of as many orders, twins and bare workflows, one kind after the other."""

    labels_per_s: float
    delivered_per_s: float
    closed_per_s: float
    twins_per_s: float
    bares_per_s: float

    @property
    def to_twin(self) -> float:
        return self.closed_per_s / self.twins_per_s


def middle(rounds: Sequence[Round]) -> Round:
    """The one whose ratio of real orders to twins is the median."""
    return sorted(rounds, key=lambda one: one.to_twin)[len(rounds) // 2]


@dataclass(frozen=True)
class Result:
    """Rates are a second, from the first webhook that was kept; times are seconds.

    `burst`: the `orders` of a round all at once; `paced`: `paced_per_s` orders a second. Rates are
    those of the middle round; CPU is that of all bursts, in milliseconds an order; `idle_cpu_ms` is
    by the second of a stack that does nothing.
    """

    orders: int
    rounds: tuple[Round, ...]
    labels_per_s: float
    delivered_per_s: float
    closed_per_s: float
    burst_to_label_s: Spread
    paced_per_s: float
    paced_to_label_s: Spread
    paced_to_delivered_s: Spread
    events: Spread
    history_bytes: Spread
    usual_events: Mapping[str, int]
    cpu_ms: Mapping[str, float]
    others_share: float
    idle_cpu_ms: Mapping[str, float]
    twin: Yardstick
    bare: Yardstick

    @property
    def cpu_ms_an_order(self) -> float:
        return sum(self.cpu_ms.values())

    @property
    def to_twin(self) -> float:
        return self.closed_per_s / self.twin.per_s

    @property
    def to_bare(self) -> float:
        return self.closed_per_s / self.bare.per_s

    @property
    def to_twin_by_cpu(self) -> float:
        """What the rates would come to if nobody else used the machine."""
        return sum(self.twin.cpu_ms.values()) / self.cpu_ms_an_order

    def too_much(self) -> list[str]:
        """Each limit that an order broke, in words."""
        found = []
        if self.events.most > EVENTS_MAX:
            found.append(f"an order has {self.events.most:g} events, more than {EVENTS_MAX}")
        if self.history_bytes.most > BYTES_MAX:
            found.append(f"a history has {self.history_bytes.most:g} bytes, more than {BYTES_MAX}")
        return found

    def as_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "cpu_ms_an_order": self.cpu_ms_an_order,
            "to_twin": self.to_twin,
            "to_twin_by_cpu": self.to_twin_by_cpu,
            "to_bare": self.to_bare,
            "too_much": self.too_much(),
        }
