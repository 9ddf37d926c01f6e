"""How much processor time each process of a stack has used, its children's included."""

from collections.abc import Mapping

import psutil


class Meter:
    """Read it twice; what lies between is the difference."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._roots = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._own = psutil.Process()

    def read_s(self) -> dict[str, float]:
        """Seconds by process, this one as `bench`, and all that the machine did as `machine`."""
        used = {name: _used_s(root) for name, root in self._roots.items()}
        own, whole = self._own.cpu_times(), psutil.cpu_times()
        return {**used, "bench": own.user + own.system, "machine": whole.user + whole.system}


def spent_ms(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Milliseconds by process between two readings."""
    return {name: 1000 * (after[name] - before[name]) for name in after}


def _used_s(root: psutil.Process) -> float:
    """Of the process, its living children, and those that it has buried."""
    total = 0.0
    for process in (root, *root.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return float(total)
