"""Faults on demand: which call of which system goes wrong, how, and how often."""

import time
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["down", "slow", "hang", "lost", "throttle", "refuse", "duplicate", "reorder", "drop"]
WEBHOOK = "webhook"
WEBHOOK_MODES: frozenset[Mode] = frozenset({"duplicate", "reorder", "drop"})


class FaultRequest(BaseModel):
    """A fault as it is asked for; `match` is looked for in the body and in the references."""

    model_config = ConfigDict(extra="forbid")

    system: Literal["shopify", "easypost", "warehouse"]
    operation: str = "*"
    match: str | None = None
    mode: Mode
    seconds: float | None = Field(None, ge=0)
    times: int | None = Field(None, ge=1)
    for_s: float | None = Field(None, gt=0)
    status: int | None = Field(None, ge=400, le=599)
    code: str | None = None
    message: str | None = None


class Fault(FaultRequest):
    """A fault in force, with how often it fired."""

    id: str
    fired: int = 0
    since_s: float = Field(default_factory=time.monotonic, exclude=True)

    def wanted(self, system: str, operation: str, text: str) -> bool:
        """Whether this call is one of those that must go wrong."""
        if self.system != system or self.operation not in ("*", operation):
            return False
        if (operation == WEBHOOK) != (self.mode in WEBHOOK_MODES):
            return False
        return not self.spent() and (self.match is None or self.match in text)

    def spent(self) -> bool:
        used_up = self.times is not None and self.fired >= self.times
        return used_up or (self.for_s is not None and time.monotonic() - self.since_s > self.for_s)


class Faults:
    """The faults in force, oldest first; the first that fits a call fires."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}
        self._made = 0

    def add(self, request: FaultRequest) -> Fault:
        self._made += 1
        fault = Fault(id=f"fault-{self._made}", **request.model_dump())
        self._faults[fault.id] = fault
        return fault

    def fire(self, system: str, operation: str, text: str) -> Fault | None:
        """The fault for this call, counted as fired, or None."""
        for fault in self._faults.values():
            if fault.wanted(system, operation, text):
                fault.fired += 1
                return fault
        return None

    def all(self) -> list[dict[str, object]]:
        return [fault.model_dump() | {"spent": fault.spent()} for fault in self._faults.values()]

    def remove(self, fault_id: str | None = None) -> int:
        """Take one fault away, or all of them; how many went."""
        if fault_id is None:
            gone = len(self._faults)
            self._faults.clear()
            return gone
        return 0 if self._faults.pop(fault_id, None) is None else 1
