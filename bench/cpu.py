"""How much processor time each process of a stack has used, its children's included."""

import time
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


class Others:
    """Counts, from when it is made, what is used by others than a server and this process."""

    def __init__(self, server: int) -> None:
        self._meter = Meter({"server": server})
        self._before, self._began = self._read_ms(), time.monotonic()

    def share(self) -> float:
        """Of all processors of the machine."""
        available_ms = 1000 * (time.monotonic() - self._began) * (psutil.cpu_count() or 1)
        return max(0.0, self._read_ms() - self._before) / available_ms

    def _read_ms(self) -> float:
        used, dead = self._meter.read_s(), psutil.Process().cpu_times()
        ours = used["server"] + used["bench"] + dead.children_user + dead.children_system
        return 1000 * float(used["machine"] - ours)


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
