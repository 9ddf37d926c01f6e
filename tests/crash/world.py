"""The whole system as real processes, and hands that kill, freeze and watch them."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import httpx
import psycopg
from psycopg.rows import dict_row

from starter.local.ports import PortTaken
from starter.local.processes import Spec, StartFailed
from starter.local.stack import DATABASE, Stack
from tests.crash.failpoints import Fault, as_environment, not_fired
from tests.crash.furnishing import furnish, temporal
from tests.crash.nursery import CACHE, OBEYED, PART, READY, ROSTER, STARTER, put
from tests.crash.orders import FoundShort, Placed, Till, payload

T = TypeVar("T")

DEADLINE_S = 300.0
"""Generous: a slow machine must not fail a round, and a sound one never waits so long."""
CALL_S = 60.0
"""Likewise, for one HTTP call to the starter or to the simulators."""
POLL_S = 0.1
ENDED = ("closed", "cancelled")
KEY = "Idempotency-Key"


@dataclass
class World:
    """Its mortals are named in a roster, and started again whenever a fault has killed them."""

    stack: Stack
    folder: Path
    till: Till = field(default_factory=Till)
    roster: dict[str, dict[str, str]] = field(default_factory=dict)
    shipped: list[Placed] = field(default_factory=list)
    cancelled: list[Placed] = field(default_factory=list)
    returned: list[Placed] = field(default_factory=list)
    partly: list[Placed] = field(default_factory=list)
    """Cancelled when one part of it had left."""
    short: list[FoundShort] = field(default_factory=list)
    carts: list[Placed] = field(default_factory=list)
    """Orders that took over what their carts held."""
    moved: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By SKU and location, what people brought, took away or counted after the opening."""
    damaged: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What of it came damaged."""
    rounds: int = 0
    rosters: int = 0
    """How often it was written."""
    key: str = ""

    # -- the processes

    def start(self) -> None:
        stack = self.stack
        stack.supervisor.start(stack.postgres.spec())
        stack.postgres.ensure_database(DATABASE)
        stack._migrate()
        self.key = asyncio.run(furnish(stack))
        stack.supervisor.start(temporal(stack))
        stack.supervisor.start(stack.simulators())
        stack.supervisor.start(stack.starter())

        command = (sys.executable, "-m", "tests.crash.nursery", str(self.folder))
        nursery = Spec(
            name="nursery",
            command=command,
            env=stack.environment(),
            ready=lambda child: READY in child.words(),
        )
        stack.supervisor.start(nursery)

    def stop(self) -> None:
        self.stack.stop()

    def hire(
        self,
        *names: str,
        plan: Iterable[Fault] = (),
        fired: Path | None = None,
        told: Mapping[str, str] = MappingProxyType({}),
        cache: int = 500,
    ) -> None:
        """Start mortals and keep them up; `cache` as in `worker.workers.build`."""
        environment = {
            **as_environment(list(plan), fired or self.folder),
            CACHE: str(cache),
            **told,
        }
        self._write(self.roster | dict.fromkeys(names, environment))

    def dismiss(self, *names: str) -> None:
        """They are dead when this returns: none of them does what the next round is about."""
        self._write({name: told for name, told in self.roster.items() if name not in names})
        self.until("the dismissed are dead", self._is_obeyed)

    def _write(self, roster: dict[str, dict[str, str]]) -> None:
        self.roster = roster
        self.rosters += 1
        numbered = {"number": self.rosters, "mortals": roster}
        put(self.folder / ROSTER, json.dumps(numbered))

    def _is_obeyed(self) -> bool:
        obeyed = self.folder / OBEYED
        return obeyed.exists() and bool(json.loads(obeyed.read_text())["number"] == self.rosters)

    def assert_up(self) -> None:
        """No mortal ended otherwise than by `kill -9`."""
        nursery = self.stack.supervisor.children["nursery"]
        assert nursery.exit_code is None, nursery.last_words()

    @contextmanager
    def dead(self, name: str) -> Iterator[None]:
        """`kill -9` of one of the stack's own processes, which is up again after the block."""
        child = self.stack.supervisor.children[name]
        child.kill()
        try:
            yield
        finally:
            self._revive(child.spec)

    def _revive(self, spec: Spec) -> None:
        """Start it again; what its predecessor left behind may need a moment to be gone."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            try:
                self.stack.supervisor.start(spec)
            except (StartFailed, PortTaken):
                if time.monotonic() > deadline:
                    raise
            else:
                return

    @contextmanager
    def round(self, plan: list[Fault], workers: int = 2, cache: int = 500) -> Iterator[Path]:
        """A round with these faults; at its end each of them must have fired."""
        names = [f"worker-{n}" for n in range(workers)]
        with self._mortal(names, plan, cache=cache) as fired:
            yield fired

    @contextmanager
    def starters(self, plan: list[Fault], **told: str) -> Iterator[Path]:
        """A starter with these faults, while the stack's own is dead."""
        with self._mortal([STARTER], plan, told={PART: STARTER, **told}) as fired:
            yield fired

    @contextmanager
    def _mortal(self, names: list[str], plan: list[Fault], **hired: Any) -> Iterator[Path]:
        self.rounds += 1
        fired = self.folder / f"round-{self.rounds}"
        fired.mkdir()
        hands = [f"{name}-of-{self.rounds}" for name in names]
        self.hire(*hands, plan=plan, fired=fired, **hired)
        try:
            yield fired
            self._until_fired(plan, fired)
        finally:
            self.dismiss(*hands)

    def _until_fired(self, plan: list[Fault], fired: Path) -> None:
        """What a call did may be seen before it comes to the moment after that."""
        try:
            self.until("every fault fired", lambda: not not_fired(plan, fired))
        except AssertionError as error:
            error.add_note(f"never fired: {', '.join(map(str, not_fired(plan, fired)))}")
            raise

    # -- the outside

    def control(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = httpx.post(
            f"{self.stack.simulators_url}/control/{path}", json=body, timeout=CALL_S
        )
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def place(
        self, many: int = 1, payment: str = "authorized", *, split: bool | None = None
    ) -> list[Placed]:
        """The shop takes orders and sends its signed webhooks; unless told, half are split."""
        orders = [self.till.next(payment, split=split) for _ in range(many)]
        for order in orders:
            self.send(order)
        return orders

    def send(self, order: Placed) -> None:
        self.control("shopify/orders", {"order": payload(order), "send": True})

    def fault(self, system: str, operation: str, mode: str, **more: Any) -> str:
        asked = {"system": system, "operation": operation, "mode": mode, **more}
        return str(self.control("faults", asked)["id"])

    def mend(self, fault: str = "") -> None:
        """Take one fault of the simulators away, or all."""
        url = f"{self.stack.simulators_url}/control/faults{'/' + fault if fault else ''}"
        assert httpx.delete(url, timeout=CALL_S).is_success

    def api(self, method: str, path: str, body: Any = None, key: str = "") -> httpx.Response:
        return httpx.request(
            method,
            f"{self.stack.http_url}/api{path}",
            json=body,
            headers={"Authorization": f"Bearer {self.key}"} | ({KEY: key} if key else {}),
            timeout=CALL_S,
        )

    # -- what became of it

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        conninfo = self.stack.postgres.conninfo(DATABASE)
        with psycopg.connect(conninfo, autocommit=True, row_factory=dict_row) as connection:
            return connection.execute(query, values).fetchall()

    def journal(self) -> list[dict[str, Any]]:
        """Every effect that the simulators had."""
        return written_so_far(self._journal_file)

    @property
    def _journal_file(self) -> Path:
        return self.stack.state / "simulators" / "journal.jsonl"

    def assert_audit_clean(self) -> None:
        """`oms audit` over our rows, Temporal and the simulators' journal accuses nobody."""
        ran = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "starter.audit", "--journal", str(self._journal_file)],
            env={**os.environ, **self.stack.environment()},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr

    def statuses(self, orders: Iterable[Placed]) -> dict[str, str]:
        """An order that we do not know is `missing`."""
        ids = [order.order_id for order in orders]
        rows = self.rows("SELECT order_id, status FROM orders WHERE order_id = ANY (%s)", ids)
        return dict.fromkeys(ids, "missing") | {row["order_id"]: row["status"] for row in rows}

    def until(self, what: str, look: Callable[[], T]) -> T:
        """Poll until `look` finds something, and return it."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            self.assert_up()
            if found := look():
                return found
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {DEADLINE_S:g} s: {what}\n{self.standing()}")
            time.sleep(POLL_S)

    def until_all(self, orders: list[Placed], *statuses: str) -> None:
        def there() -> bool:
            return set(self.statuses(orders).values()) <= set(statuses)

        try:
            self.until(f"all {len(orders)} are {' or '.join(statuses)}", there)
        except AssertionError as error:
            error.add_note(str(self.statuses(orders)))
            raise

    def have_arrived(self, *orders: Placed) -> bool:
        """Whether nothing is left to do for them: a scan may say `delivered` before that."""
        found = self.rows(
            "SELECT 1 FROM orders WHERE order_id = ANY (%s) "
            "AND (status = 'closed' OR wait_what = 'return_window')",
            [order.order_id for order in orders],
        )
        return len(found) == len(orders)

    def until_arrived(self, orders: list[Placed]) -> None:
        self.until(f"all {len(orders)} have arrived", lambda: self.have_arrived(*orders))

    def standing(self) -> str:
        """Every order that is not at its end, for whoever reads a failure."""
        rows = self.rows(
            "SELECT o.order_id, o.status, o.wait_owner, o.wait_what, o.attention, r.step, r.code "
            "FROM orders o LEFT JOIN retrying r ON r.workflow_id = 'order:' || o.order_id "
            "WHERE o.status <> ALL (%s) AND o.wait_what IS DISTINCT FROM 'return_window' "
            "ORDER BY 1 LIMIT 30",
            list(ENDED),
        )
        rows += self.rows(
            "SELECT return_id, order_id, status, wait_owner, wait_what, attention, r.step, r.code "
            "FROM returns LEFT JOIN retrying r ON r.workflow_id = 'return:' || return_id "
            "WHERE status <> 'closed' LIMIT 30"
        )
        rows += self.rows(
            "SELECT order_id, kind, attempts, last_error, parked_at, delivered_at, settled_at "
            "FROM inbox WHERE delivered_at IS NULL LIMIT 30"
        )
        return "\n".join(str(tuple(row.values())) for row in rows)


def patiently(look: Callable[[], T | None]) -> T:
    """For threads beside the one that watches the mortals."""
    deadline = time.monotonic() + DEADLINE_S
    while not (found := look()):
        assert time.monotonic() < deadline, "did not come to pass"
        time.sleep(POLL_S)
    return found


def written_so_far(path: Path) -> list[dict[str, Any]]:
    """The JSON lines that simulators wrote; one in the making is left out."""
    content = path.read_bytes()
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]
