"""The append-only, fsynced record of every effect; the simulators' state is its fold."""

import asyncio
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Effect:
    """What is about to happen.

    `ref` is the vendor's id of the thing, `key` what the caller sent to tell a repeat from a new
    deed, `order` the order it belongs to.
    """

    system: str
    effect: str
    ref: str
    key: str | None
    order: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class Entry(Effect):
    """An effect as it stands in the journal: numbered from 1 and dated."""

    seq: int
    at: str


def now() -> str:
    """This moment, RFC 3339 in UTC to the microsecond."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Journal:
    """One JSON object a line.

    `append` hands the lines to the system, which survives a killed process; `settle` waits until
    they are on disk. Every answer and every webhook waits for it, so nobody learns of an effect
    that a lost machine forgets, and effects that come together share one fsync.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.entries: list[Entry] = list(_read(path))
        self._file = path.open("ab")
        self._settled = len(self.entries)
        self._syncing = asyncio.Lock()

    def append(self, *effects: Effect) -> list[Entry]:
        """Write all in one go, so that effects of one deed stand or fall together."""
        first = len(self.entries) + 1
        at = now()
        entries = [
            Entry(**asdict(effect), seq=first + place, at=at)
            for place, effect in enumerate(effects)
        ]
        self._file.write(b"".join(_line(entry) for entry in entries))
        self._file.flush()
        self.entries.extend(entries)
        return entries

    async def settle(self) -> None:
        """Return once everything appended so far is on disk."""
        wanted = len(self.entries)
        while self._settled < wanted:
            async with self._syncing:
                if self._settled >= wanted:
                    return
                written = len(self.entries)
                await asyncio.to_thread(os.fsync, self._file.fileno())
                self._settled = written

    def close(self) -> None:
        os.fsync(self._file.fileno())
        self._file.close()


def _line(entry: Entry) -> bytes:
    ordered = {
        "seq": entry.seq,
        "at": entry.at,
        "system": entry.system,
        "effect": entry.effect,
        "ref": entry.ref,
        "key": entry.key,
        "order": entry.order,
        "data": entry.data,
    }
    return json.dumps(ordered, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _read(path: Path) -> Iterator[Entry]:
    """Every whole line; a last line that a kill cut short never was an answered effect and goes."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as torn:
            torn.truncate(whole)
    for line in content[:whole].splitlines():
        yield Entry(**json.loads(line))
