"""The audit looks twice before it accuses anybody, does not wait for ever, and is fast."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from starter.audit.run import Patience
from storage.audit.snapshot import AuditTables, Snapshot
from tests.audit.small_world import HASTY, SmallWorld

MANY = 10_000
ROOT = Path(__file__).parents[2]


class Mending(AuditTables):
    """After the first look at it, the world is mended."""

    def __init__(self, world: SmallWorld, *mend: str) -> None:
        super().__init__(world.engine)
        self._world = world
        self._mend = mend

    @asynccontextmanager
    async def snapshot(self, late_s: float) -> AsyncIterator[Snapshot]:
        async with super().snapshot(late_s) as snapshot:
            yield snapshot
        mend, self._mend = self._mend, ()
        await self._world.plant(*mend)


async def test_what_is_mended_between_two_looks_is_not_told(world: SmallWorld) -> None:
    await world.plant("UPDATE stock SET on_hand = on_hand + 1")
    mending = Mending(world, "UPDATE stock SET on_hand = on_hand - 1")
    report = await world.audit(tables=mending)
    assert report.findings == ()
    assert report.looks == 2


async def test_what_is_new_in_the_last_look_is_not_told(world: SmallWorld) -> None:
    await world.plant("UPDATE stock SET on_hand = on_hand + 1")
    report = await world.audit(patience=replace(HASTY, settle_s=60, bound_s=0))
    assert report.looks == 1
    assert report.findings == ()


async def test_a_live_order_is_watched_for_as_long_as_it_takes_to_settle(
    world: SmallWorld,
) -> None:
    await world.plant("UPDATE orders SET wait_owner = NULL WHERE order_id = 'demo-1003'")
    patience = Patience(poll_s=0.01, settle_s=1.0, bound_s=20)
    began = time.monotonic()
    report = await world.audit(patience=patience)
    assert report.broken == {"open_orders_wait"}
    assert time.monotonic() - began > 1.0


async def test_an_ended_order_needs_no_more_than_a_second_look(world: SmallWorld) -> None:
    await world.plant("UPDATE labels SET voided = false WHERE shipment_ref = 'shp_voided'")
    report = await world.audit(patience=replace(HASTY, settle_s=60, bound_s=60))
    assert report.broken == {"cancelled_no_live_label"}
    assert report.looks == 2


async def test_the_smallest_counter_example_comes_first(world: SmallWorld) -> None:
    await world.plant(
        "INSERT INTO money (key, order_id, kind, amount_minor, currency, exponent) VALUES "
        "('x', 'demo-1001', 'refunded', 3000, 'EUR', 2), "
        "('y', 'demo-1001', 'refunded', 3000, 'EUR', 2), "
        "('z', 'demo-1004', 'refunded', 9000, 'EUR', 2)"
    )
    report = await world.audit(journal=None)
    checked = next(one for one in report.checked if one.findings)
    assert len(checked.findings) == 2
    assert checked.smallest is not None
    assert checked.smallest.subject == "demo-1001" or len(checked.smallest.rows) == 3
    assert len(checked.smallest.rows) == min(len(one.rows) for one in checked.findings)


CLONED = {
    "orders": "order_id", "order_lines": "order_id", "addresses": "order_id",
    "verdicts": "order_id", "fulfilments": "order_id", "parcels": "order_id", "labels": "parcel_id",
    "journal": "order_id", "money": "order_id", "reservations": "order_id",
    "stock_movements": "order_id", "sourcing_decisions": "order_id", "inbox": "order_id",
    "effects": "key",
}  # fmt: skip
FIRST = 100_000


async def clone(world: SmallWorld) -> None:
    """Make many orders of the one that was delivered: each with all that is its own."""
    await world.plant(
        "INSERT INTO stock_movements (key, sku, location, kind, on_hand_delta, reserved_delta) "
        "VALUES ('in-many', 'TEE-RED', 'berlin', 'received', :many * 2, 0)",
        many=MANY,
    )
    for table, owner in CLONED.items():
        columns = await _columns(world, table)
        own = [_own(name, kind) for name, kind in columns]
        names = ", ".join(name for name, _ in columns)
        await world.plant(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(own)} FROM {table} t, "  # noqa: S608
            f"generate_series({FIRST}, {FIRST} + :many - 1) AS n "
            f"WHERE t.{owner} ~ '^demo-1001' ORDER BY n, t.ctid",
            many=MANY,
        )
    await world.plant(
        "UPDATE stock s SET (on_hand, reserved) = (SELECT sum(on_hand_delta), sum(reserved_delta) "
        "FROM stock_movements m WHERE (m.sku, m.location) = (s.sku, s.location)) "
        "WHERE s.sku = 'TEE-RED' AND s.location = 'berlin'"
    )
    lines = [json.dumps(line) for line in world.journal if "1001" in json.dumps(line)]
    world.journal += [
        json.loads(line.replace("1001", str(FIRST + n))) for n in range(MANY) for line in lines
    ]
    for n in range(MANY):
        world.announced(str(FIRST + n))


async def _columns(world: SmallWorld, table: str) -> list[tuple[str, str]]:
    sql = (
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :t "
        "AND is_identity = 'NO' AND data_type <> 'uuid' ORDER BY ordinal_position"
    )
    async with world.engine.connect() as connection:
        return [(row[0], row[1]) for row in await connection.execute(text(sql), {"t": table})]


def _own(name: str, kind: str) -> str:
    if name == "track_token":
        return "t.track_token || n"
    return f"replace(t.{name}, '1001', n::text)" if kind == "text" else f"t.{name}"


async def test_ten_thousand_orders_take_a_few_times_as_long_to_check_as_to_write(
    world: SmallWorld,
) -> None:
    """Also while PostgreSQL still thinks that there are hardly any: nothing grows as their square.

    It takes three times as long; with nested loops, eleven times for a tenth of the orders.
    """
    began = time.monotonic()
    await clone(world)
    written_s = time.monotonic() - began
    await world.plant(
        "UPDATE pg_class SET relpages = 1000, reltuples = 1 "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    )
    journal = world.write()
    began = time.monotonic()
    report = await world.audit(journal=journal)
    took_s = time.monotonic() - began
    assert report.findings == ()
    looked = {one.invariant: one.looked for one in report.checked}
    assert looked["address_versions_dense"] == looked["captures_agree"] == MANY + 7
    assert looked["labels_bought"] == looked["shop_told_once"] == MANY + 5
    assert looked["announced_orders_exist"] == MANY + 7
    assert took_s < 20 * written_s, f"{took_s:.1f} s"


@pytest.mark.parametrize("as_json", [False, True])
async def test_the_command_tells_by_its_exit_status(
    world: SmallWorld, world_url: str, tmp_path: Path, as_json: bool
) -> None:
    sound = await oms_audit(world, world_url, tmp_path, as_json)
    assert sound[0] == 0, sound
    await world.plant("UPDATE labels SET voided = false WHERE shipment_ref = 'shp_voided'")
    status, said = await oms_audit(world, world_url, tmp_path, as_json)
    assert status == 1
    if as_json:
        report = json.loads(said)
        assert report["clean"] is False
        broken = [one for one in report["checked"] if one["findings"]]
        assert [one["invariant"] for one in broken] == ["cancelled_no_live_label"]
        assert broken[0]["findings"][0]["order_id"] == "demo-1002"
    else:
        assert "cancelled_no_live_label: demo-1002 (order demo-1002)" in said
        assert "expected: no live label" in said


async def test_what_cannot_be_asked_is_another_exit_status(
    world: SmallWorld, world_url: str, tmp_path: Path
) -> None:
    gone = world_url.rpartition("/")[0] + "/there_is_none"
    assert (await oms_audit(world, gone, tmp_path, False))[0] == 2


async def oms_audit(
    world: SmallWorld, url: str, folder: Path, as_json: bool
) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c",
        "import typer; from starter.audit.command import audit_command as run; typer.run(run)",
        "--journal", str(world.write()), "--no-temporal", *(["--json"] if as_json else []),
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "OMS_DATABASE_URL": url, "OMS_STATE_DIR": str(folder)},
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode, said.decode()
