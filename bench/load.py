"""What is asked of a way to reserve, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

WARM_S = 1.0


class NothingMeasured(RuntimeError):
    """The machine stood still, or the run is too short for it."""


@dataclass(frozen=True)
class Load:
    """So many callers at once for `seconds`, each for one unit of a SKU from `low` to `high`.

    What happens in the first `warm_s` seconds is not counted: a new connection plans each statement
    of each function a first time.
    """

    low: int
    high: int
    callers: int
    seconds: float
    warm_s: float = WARM_S


@dataclass(frozen=True)
class Run:
    """Calls a second after the warm-up, what each took, and the server's CPU for one.

    `served` counts all of them, those of the warm-up too.
    """

    per_s: float
    took_ms: tuple[float, ...]
    cpu_ms: float
    served: int

    @classmethod
    def of(cls, ended: Sequence[tuple[float, float]], warm: float, cpu_ms: float) -> "Run":
        """`ended` holds when each call ended, and how long it took, in seconds.

        Raises:
            NothingMeasured: none ended after the warm-up.
        """
        counted = [(at, took) for at, took in ended if at > warm]
        if not counted:
            raise NothingMeasured(f"all of {len(ended)} calls ended before the warm-up did")
        return cls(
            per_s=len(counted) / (max(at for at, _ in counted) - warm),
            took_ms=tuple(1000 * took for _, took in counted),
            cpu_ms=cpu_ms / len(counted),
            served=len(ended),
        )
