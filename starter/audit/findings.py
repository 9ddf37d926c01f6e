"""What an audit reports: each invariant, how much it looked at, and what breaks it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Finding:
    """A counter-example. `subject` is what breaks the invariant, `rows` are those that show it."""

    invariant: str
    subject: str
    expected: str
    found: str
    order_id: str | None = None
    rows: tuple[Mapping[str, Any], ...] = ()

    @property
    def identity(self) -> tuple[str, str]:
        """The same in the next look if it is the same accusation."""
        return self.invariant, self.subject

    @property
    def size(self) -> tuple[int, int, str]:
        """The smallest counter-example is the easiest to understand."""
        return len(self.rows), len(json.dumps(self.rows, default=str)), self.subject


@dataclass(frozen=True)
class Checked:
    """One invariant's outcome; `skipped` says why it could not be checked at all."""

    invariant: str
    sentence: str
    looked: int = 0
    findings: tuple[Finding, ...] = ()
    skipped: str = ""

    @property
    def smallest(self) -> Finding | None:
        return min(self.findings, key=lambda finding: finding.size, default=None)


@dataclass(frozen=True)
class Report:
    """`looks` is how often everything was read before somebody was accused, or nobody."""

    checked: tuple[Checked, ...]
    looks: int

    @property
    def clean(self) -> bool:
        return not self.findings

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for checked in self.checked for finding in checked.findings)

    @property
    def broken(self) -> frozenset[str]:
        """The names of the invariants that do not hold."""
        return frozenset(finding.invariant for finding in self.findings)

    def json(self) -> str:
        said = {"clean": self.clean, "looks": self.looks, "checked": []}
        said["checked"] = [asdict(checked) for checked in self.checked]
        return json.dumps(said, default=str, indent=2)
