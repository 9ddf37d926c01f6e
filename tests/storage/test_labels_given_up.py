"""A label that its carrier will not void: kept as such, and an operator's task, once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.fulfilments import Label
from domain.records import LABEL_NOT_VOIDED, LEFT_WITHOUT_LABEL, UNPAID, JournalEntry, OrderRecord
from domain.tracking import Course
from storage.engine import create_engine
from storage.intake import OrderIntake
from storage.orders import PostgresOrderBook
from storage.queries import OrderQueries
from storage.scans import Kept, Scans
from storage.tasks import Tasks
from tests.storage.orderbook import ID, NOON, a_label, a_parcel, a_record, a_scan, an_order

FIRST, SECOND = a_label("s1", "T1"), a_label("s2", "T2")
LABEL_KEY = f"{ID}/f1/p1/label/1"


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, 5)
    await OrderIntake(made).accept(an_order())
    await PostgresOrderBook(made).record(_written(1, FIRST))
    yield made
    await made.dispose()


def _written(seq: int, label: Label | None, *given_up: Label, **more: Any) -> OrderRecord:
    parcel = a_parcel(label).model_copy(update={"given_up_labels": given_up})
    return a_record(seq, parcels=(parcel,), **more)


def _line(number: str = "T1") -> JournalEntry:
    data: dict[str, str | int | None] = {"tracking_number": number, "label": LABEL_KEY}
    return JournalEntry(at=NOON, by="key-1", code=LABEL_NOT_VOIDED, data=data)


async def labels(engine: AsyncEngine) -> list[tuple[str, bool, bool]]:
    """Each with whether it is voided, and whether it is given up."""
    async with engine.begin() as connection:
        rows = await connection.execute(
            text("SELECT shipment_ref, voided, given_up FROM labels ORDER BY 1")
        )
        return [(row.shipment_ref, row.voided, row.given_up) for row in rows]


async def test_a_label_that_was_given_up_is_shown_as_that_and_makes_way(
    engine: AsyncEngine,
) -> None:
    book = PostgresOrderBook(engine)
    await book.record(_written(2, None, FIRST, journal=(_line(),)))
    assert await labels(engine) == [("s1", False, True)]
    await book.record(_written(3, SECOND, FIRST))
    assert await labels(engine) == [("s1", False, True), ("s2", False, False)]
    whole = await OrderQueries(engine).order(ID)
    assert whole is not None
    (parcel,) = whole.fulfilments[0].parcels
    assert parcel.label is not None
    assert parcel.label.shipment_ref == "s2"
    assert [(label.voided, label.given_up) for label in parcel.labels] == [
        (False, False),
        (False, True),
    ]


async def test_a_label_that_was_given_up_and_used_after_all_is_in_use_again(
    engine: AsyncEngine,
) -> None:
    book = PostgresOrderBook(engine)
    await book.record(_written(2, None, FIRST, journal=(_line(),)))
    await book.record(_written(3, FIRST))
    assert await labels(engine) == [("s1", False, False)]


async def test_its_scans_move_nothing(engine: AsyncEngine) -> None:
    await PostgresOrderBook(engine).record(_written(2, SECOND, FIRST))
    assert await Scans(engine).add([a_scan("k1", Course.DELIVERED)]) == Kept()


async def test_somebody_must_reclaim_it_once(engine: AsyncEngine) -> None:
    book, tasks = PostgresOrderBook(engine), Tasks(engine)
    told = _written(2, None, FIRST, journal=(_line(),))
    await asyncio.gather(*(book.record(told) for _ in range(3)))
    again = _line().model_copy(update={"nth": 2})
    await book.record(_written(3, None, FIRST, journal=(again,)))
    (task,) = await tasks.open()
    assert (task.kind, task.order_id, task.key) == (
        LABEL_NOT_VOIDED,
        ID,
        f"{LABEL_NOT_VOIDED}:{LABEL_KEY}",
    )
    assert "label T1" in task.message
    await tasks.done(task.task_id, "ann")
    await book.record(told)
    assert await tasks.open() == ()


@pytest.mark.parametrize(
    ("code", "data", "key"),
    [
        (LEFT_WITHOUT_LABEL, {"fulfilment": f"{ID}/f1"}, f"{ID}/f1"),
        (UNPAID, {}, ID),
    ],
)
async def test_what_else_a_journal_asks_an_operator_for(
    engine: AsyncEngine, code: str, data: dict[str, str | int | None], key: str
) -> None:
    line = JournalEntry(at=NOON, by="holdfast", code=code, data=data)
    await PostgresOrderBook(engine).record(_written(2, None, journal=(line,)))
    (task,) = await Tasks(engine).open()
    assert (task.kind, task.order_id, task.key) == (code, ID, f"{code}:{key}")


async def test_a_label_that_we_never_saw_is_named_by_its_key(engine: AsyncEngine) -> None:
    await PostgresOrderBook(engine).record(_written(2, None, journal=(_line(""),)))
    (task,) = await Tasks(engine).open()
    assert LABEL_KEY in task.message
