"""What the workflows say of themselves reaches our rows once, whole, and never backwards."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.errors import Refused, Unavailable
from domain.ids import ReturnId, order_id
from domain.lifecycles import OrderStatus, ReturnStatus
from domain.orders import PaymentStatus
from domain.problems import Problem
from domain.records import (
    HoldRecord,
    MoneyRecord,
    Retrying,
    ReturnRecord,
    Settled,
)
from domain.returns import InspectedLine, ReturnLine, ReturnReason
from domain.tracking import Course
from domain.validation import Verdict
from domain.waits import Owner
from storage.engine import create_engine
from storage.intake import Changes, NewAddress, OrderIntake
from storage.orders import PostgresOrderBook
from storage.returns import Returns
from storage.scans import CLAIMS_MAX, CourseChange, Kept, Scans
from tests.storage.orderbook import (
    HOME,
    ID,
    NOON,
    a_label,
    a_parcel,
    a_record,
    a_scan,
    an_order,
    eur,
    said,
)

Ask = Callable[..., Awaitable[list[tuple[Any, ...]]]]


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, 5)
    yield made
    await made.dispose()


@pytest.fixture
def book(engine: AsyncEngine) -> PostgresOrderBook:
    return PostgresOrderBook(engine)


@pytest.fixture
def intake(engine: AsyncEngine) -> OrderIntake:
    return OrderIntake(engine)


@pytest.fixture
def ask(engine: AsyncEngine) -> Ask:
    async def rows(statement: str, **values: Any) -> list[tuple[Any, ...]]:
        async with engine.begin() as connection:
            result = await connection.execute(text(statement), values)
            return [tuple(row) for row in result] if result.returns_rows else []

    return rows


async def test_an_order_is_accepted_once_and_comes_back_as_it_was_sent(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    assert await intake.accept(an_order()) is True
    assert await intake.accept(an_order(email="other@example.com")) is False
    assert await book.load(ID) == an_order()
    assert await ask("SELECT kind, amount_minor, currency, exponent, key FROM money") == [
        ("authorised", 3490, "EUR", 2, f"{ID}/authorised")
    ]
    assert await ask("SELECT seq, code, by FROM journal") == [(0, "received", "demo")]
    assert await ask("SELECT line_no, sku, quantity, unit_price_minor FROM order_lines") == [
        (1, "TEE-RED", 2, 1500)
    ]


async def test_an_order_with_a_nul_in_it_is_kept_all_the_same(
    book: PostgresOrderBook, intake: OrderIntake
) -> None:
    await intake.accept(an_order(note="a\0b \\u0000"))
    assert (await book.load(ID)).note == "a\ufffdb \\u0000"


async def test_what_is_not_there_is_refused(book: PostgresOrderBook, intake: OrderIntake) -> None:
    with pytest.raises(Refused, match="unknown_order"):
        await book.load(ID)
    await intake.accept(an_order())
    with pytest.raises(Refused, match="unknown_address_version"):
        await book.load(ID, 2)
    with pytest.raises(Refused, match="unknown_location"):
        await book.location("nowhere")


async def test_a_record_is_written_with_its_journal_and_its_commands(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    ((command,),) = await ask(
        "INSERT INTO inbox (source, kind, event_key, body) VALUES ('api', 'hold', '1', '{}')"
        " RETURNING id::text"
    )
    hold = HoldRecord(hold_id=command, reason="fraud_check", by="key-1", since=NOON)
    entries = (said("held", command), said("waits"))
    done = (Settled(command_id=command), Settled(command_id="typed in Temporal's UI"))
    await book.record(a_record(1, holds=(hold,), journal=entries, settled=done))
    assert await ask(
        "SELECT seq, status, wait_owner, wait_what, wait_since, holds->0->>'reason' FROM orders"
    ) == [(1, "validated", "warehouse", "packing", NOON, "fraud_check")]
    assert await ask("SELECT seq, entry, code FROM journal WHERE seq > 0 ORDER BY id") == [
        (1, 1, "held"),
        (1, 1, "waits"),
    ]
    # a lost workflow task says the same again, under a higher seq and beside what is new
    again = (said("waits"), said("waits").model_copy(update={"nth": 2}))
    await book.record(a_record(2, holds=(hold,), journal=again))
    assert await ask("SELECT seq, entry, code FROM journal WHERE seq > 1") == [(2, 2, "waits")]
    assert await ask("SELECT settled_at IS NOT NULL, refused FROM inbox") == [(True, "")]


async def test_an_older_or_repeated_record_changes_nothing_but_settles_its_commands(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    ((command,),) = await ask(
        "INSERT INTO inbox (source, kind, event_key, body) VALUES ('api', 'hold', '1', '{}')"
        " RETURNING id::text"
    )
    await book.record(a_record(5, OrderStatus.RESERVED, journal=(said("reserved"),)))
    before = await ask("SELECT * FROM orders"), await ask("SELECT * FROM journal ORDER BY id")
    late: dict[str, Any] = {
        "journal": (said("validated"),),
        "settled": (Settled(command_id=command, refused="too_late"),),
        "money": (MoneyRecord(key="k", kind="captured", amount=eur(3490)),),
        "parcels": (a_parcel(a_label("s1", "T1")),),
    }
    await book.record(a_record(4, **late))
    await book.record(a_record(5, **late))
    after = await ask("SELECT * FROM orders"), await ask("SELECT * FROM journal ORDER BY id")
    assert after == before
    assert await ask("SELECT count(*) FROM fulfilments") == [(0,)]
    assert await ask("SELECT kind FROM money") == [("authorised",)]
    assert await ask("SELECT refused FROM inbox") == [("too_late",)]


async def test_of_records_written_at_once_the_newest_stays(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    label = a_label("s1", "T1")
    records = [
        a_record(
            seq, journal=(said(f"step_{seq}"),), parcels=(a_parcel(label),), attention=str(seq)
        )
        for seq in (3, 8, 1, 9, 2, 7, 5, 4, 6)
    ]
    await asyncio.gather(*(book.record(record) for record in records))
    assert await ask("SELECT seq, attention FROM orders") == [(9, "9")]
    assert await ask("SELECT count(*), max(seq) FROM journal WHERE seq >= 9") == [(1, 9)]
    assert await ask("SELECT shipment_ref, voided FROM labels") == [("s1", False)]


async def test_an_unreachable_database_is_unavailable_and_not_a_bug() -> None:
    engine = create_engine("postgresql+psycopg://postgres@127.0.0.1:1/nowhere", 1)
    with pytest.raises(Unavailable):
        await PostgresOrderBook(engine).load(ID)
    await engine.dispose()


async def test_a_new_label_takes_the_place_of_the_voided_one(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    first, second = a_label("s1", "T1"), a_label("s2", "T2")
    await book.record(a_record(1, parcels=(a_parcel(first),)))
    await book.record(a_record(2, parcels=(a_parcel(second, first),)))
    await book.record(a_record(3, parcels=(a_parcel(second, first),)))
    assert await ask("SELECT shipment_ref, voided, cost_minor FROM labels ORDER BY 1") == [
        ("s1", True, 399),
        ("s2", False, 399),
    ]
    assert await ask("SELECT weight_g, course, number FROM parcels") == [(700, "expected", 1)]


async def test_a_parcel_never_has_two_live_labels(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    await book.record(a_record(1, parcels=(a_parcel(a_label("s1", "T1")),)))
    with pytest.raises(IntegrityError, match="labels_one_live"):
        await book.record(a_record(2, parcels=(a_parcel(a_label("s2", "T2")),)))
    assert await ask("SELECT seq FROM orders") == [(1,)]
    assert await ask("SELECT shipment_ref FROM labels") == [("s1",)]


async def test_an_order_is_captured_once_and_refunded_up_to_that(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    captured = MoneyRecord(key="c1", kind="captured", amount=eur(3490), ref="tx-1")
    await book.record(a_record(1, money=(captured,)))
    again = captured.model_copy(update={"key": "c2"})
    refund = MoneyRecord(key="r1", kind="refunded", amount=eur(3490))
    await book.record(a_record(2, money=(captured, again, refund)))
    await book.record(a_record(3, money=(captured, refund)))
    more = MoneyRecord(key="r2", kind="refunded", amount=eur(1))
    with pytest.raises(IntegrityError, match="refunds 3491 exceed captured 3490"):
        await book.record(a_record(4, money=(more,)))
    assert await ask("SELECT key, kind, amount_minor, ref FROM money ORDER BY at, key") == [
        (f"{ID}/authorised", "authorised", 3490, ""),
        ("c1", "captured", 3490, "tx-1"),
        ("r1", "refunded", 3490, ""),
    ]
    assert await ask("SELECT seq FROM orders") == [(3,)]


@pytest.mark.parametrize("table", ["journal", "money", "addresses"])
@pytest.mark.parametrize(
    "change", ["DELETE FROM {}", "UPDATE {} SET order_id = order_id", "TRUNCATE {} CASCADE"]
)
async def test_what_was_written_down_is_never_changed(
    intake: OrderIntake, ask: Ask, table: str, change: str
) -> None:
    await intake.accept(an_order())
    with pytest.raises(DBAPIError, match=f"{table} is append-only"):
        await ask(change.format(table))


async def test_a_retrying_step_is_noted_until_it_gets_through_or_the_order_moves(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    await book.record(a_record(1))
    note = Retrying(workflow_id=f"order:{ID}", step="label", deed="f1", owner=Owner.CARRIER,
                    code="down", attempt=2)  # fmt: skip
    await book.retrying(note)
    ((since,),) = await ask("SELECT since FROM retrying")
    await book.retrying(note.model_copy(update={"attempt": 3}))
    assert await ask("SELECT owner, code, attempt, since FROM retrying") == [
        ("carrier", "down", 3, since)
    ]
    await book.record(a_record(2))
    assert await ask("SELECT step FROM retrying") == [("label",)]
    await book.record(a_record(3, OrderStatus.RESERVED))
    assert await ask("SELECT step FROM retrying") == []
    await book.retrying(note)
    await book.retrying(note.model_copy(update={"deed": "f2"}))
    await book.recovered(f"order:{ID}", "label", "f1")
    assert await ask("SELECT step, deed FROM retrying") == [("label", "f2")]
    await book.recovered(f"order:{ID}", "label", "f2")
    assert await ask("SELECT step FROM retrying") == []


async def test_a_normalised_address_becomes_one_new_version(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    tidy = HOME.model_copy(update={"city": "BERLIN"})
    problem = Problem(field="lines.0.sku", reason="unknown", message="no such SKU")
    verdict = Verdict(outcome="problems", address=tidy, data_problems=(problem,))
    assert await book.save_verdict(ID, 1, verdict) == 2
    assert await book.save_verdict(ID, 1, verdict) == 2
    assert await book.save_verdict(ID, 2, Verdict(outcome="accepted")) == 2
    assert (await book.load(ID, 1)).address == HOME
    assert (await book.load(ID)).address == tidy
    assert await ask(
        "SELECT address_version, outcome, data_problems->0->>'field' FROM verdicts ORDER BY 1"
    ) == [(1, "problems", "lines.0.sku"), (2, "accepted", None)]


async def test_the_channels_later_word_is_taken_over_once_and_repeated_to_a_repeat(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    assert await intake.reconcile(an_order(), "e0") is None
    await intake.accept(an_order(payment=PaymentStatus.PENDING))
    moved = HOME.model_copy(update={"city": "Wien", "postal_code": "1010", "country": "AT"})
    later = an_order(address=moved, payment=PaymentStatus.PAID, cancelled=True,
                     cancel_reason="customer", channel_updated_at=NOON + timedelta(1))  # fmt: skip
    changes = await intake.reconcile(later, "e1")
    assert changes is not None
    assert changes == Changes(
        status=OrderStatus.RECEIVED,
        address=NewAddress(address_version=2, destination=changes.address.destination),  # type: ignore[union-attr]
        payment=PaymentStatus.PAID,
        cancelled=True,
        cancel_reason="customer",
    )
    assert changes.address is not None
    assert changes.address.destination.country == "AT"
    assert await intake.reconcile(later, "e1") == changes
    assert await intake.reconcile(later, "e2") == Changes(status=OrderStatus.RECEIVED)
    assert await ask("SELECT key, kind FROM money") == [(f"{ID}/paid", "captured")]
    assert await book.load(ID) == later
    assert (await book.load(ID, 1)).address == HOME


async def test_the_channels_earlier_word_changes_nothing(intake: OrderIntake, ask: Ask) -> None:
    await intake.accept(an_order())
    moved = HOME.model_copy(update={"city": "Wien"})
    earlier = an_order(address=moved, payment=PaymentStatus.PENDING, lines=(),
                       channel_updated_at=NOON - timedelta(1))  # fmt: skip
    assert await intake.reconcile(earlier, "e1") == Changes(status=OrderStatus.RECEIVED)
    assert await ask("SELECT count(*) FROM addresses") == [(1,)]
    assert await ask("SELECT payment, channel_updated_at FROM orders") == [("authorised", NOON)]


async def test_what_differs_in_a_word_of_the_same_moment_is_in_doubt(intake: OrderIntake) -> None:
    assert not await intake.in_doubt(an_order())
    await intake.accept(an_order())
    moved = HOME.model_copy(update={"city": "Wien"})
    assert not await intake.in_doubt(an_order(payment=PaymentStatus.PAID))
    assert await intake.in_doubt(an_order(address=moved))
    assert await intake.in_doubt(an_order(lines=()))
    assert not await intake.in_doubt(
        an_order(address=moved, channel_updated_at=NOON + timedelta(1))
    )
    changes = await intake.reconcile(an_order(address=moved), "e1")
    assert changes is not None
    assert changes.address is not None
    assert not await intake.in_doubt(an_order(address=moved))


async def test_what_we_do_not_follow_at_the_channel_is_named(intake: OrderIntake) -> None:
    await intake.accept(an_order())
    later = an_order(lines=(), channel_updated_at=NOON + timedelta(1))
    assert await intake.reconcile(later, "e1") == Changes(
        status=OrderStatus.RECEIVED, differs=("lines",)
    )


async def test_our_own_capture_stays_the_only_one_when_the_channel_says_paid(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    ours = MoneyRecord(key="c1", kind="captured", amount=eur(3490), ref="tx-1")
    await book.record(a_record(1, money=(ours,)))
    await intake.reconcile(an_order(payment=PaymentStatus.PAID), "e1")
    assert await ask("SELECT key FROM money WHERE kind = 'captured'") == [("c1",)]


async def test_an_operators_address_leaves_the_channels_as_it_was(
    book: PostgresOrderBook, intake: OrderIntake, ask: Ask
) -> None:
    await intake.accept(an_order())
    fixed = HOME.model_copy(update={"city": "Potsdam"})
    assert await intake.add_address(ID, fixed, "key-1") == 2
    assert await intake.reconcile(an_order(channel_updated_at=NOON + timedelta(1)), "e1") == (
        Changes(status=OrderStatus.RECEIVED)
    )
    assert (await book.load(ID)).address == fixed
    assert await ask("SELECT version, source, by FROM addresses ORDER BY 1") == [
        (1, "channel", "demo"),
        (2, "operator", "key-1"),
    ]
    with pytest.raises(Refused, match="unknown_order"):
        await intake.add_address(order_id("demo", "9"), fixed, "key-1")


async def test_a_note_is_journalled_once_for_each_command(intake: OrderIntake, ask: Ask) -> None:
    await intake.accept(an_order())
    await intake.note(ID, said("late_event", "c1"))
    await intake.note(ID, said("late_event", "c1"))
    await intake.note(ID, said("late_event", "c2"))
    assert await ask("SELECT command_id FROM journal WHERE code = 'late_event' ORDER BY 1") == [
        ("c1",),
        ("c2",),
    ]


async def test_a_return_is_projected_like_an_order(
    book: PostgresOrderBook, intake: OrderIntake, engine: AsyncEngine, ask: Ask
) -> None:
    await intake.accept(an_order(payment=PaymentStatus.PAID))
    wanted = ReturnLine(line_id="l1", sku="TEE-RED", quantity=1, reason=ReturnReason.WRONG_SIZE)
    found = InspectedLine(line_id="l1", sku="TEE-RED", restock=1, discard=0, refund=1)
    record = ReturnRecord(return_id=ReturnId("r1"), order_id=ID, seq=3, wait=None,
                          status=ReturnStatus.REFUNDED, location="berlin", lines=(wanted,),
                          inspected=(found,), journal=(said("refunded"),),
                          money=(MoneyRecord(key="x", kind="refunded", amount=eur(1500)),),
                          )  # fmt: skip
    await book.record_return(record)
    await book.record_return(record.model_copy(update={"seq": 2, "status": ReturnStatus.RECEIVED}))
    assert await ask("SELECT seq, status, location, inspected->0->>'restock' FROM returns") == [
        (3, "refunded", "berlin", "1")
    ]
    assert await ask("SELECT return_id, code FROM journal WHERE seq > 0") == [("r1", "refunded")]
    assert await ask("SELECT return_id, amount_minor FROM money WHERE kind = 'refunded'") == [
        ("r1", 1500)
    ]
    assert await Returns(engine).refunded_pieces(ID, besides="r2") == {"l1": 1}
    assert await Returns(engine).refunded_pieces(ID, besides="r1") == {}


async def test_a_carrier_that_keeps_changing_its_mind_is_heard_a_hundred_times(
    book: PostgresOrderBook, intake: OrderIntake, engine: AsyncEngine
) -> None:
    scans = Scans(engine)
    await intake.accept(an_order())
    await book.record(a_record(1, parcels=(a_parcel(a_label("s1", "T1")),)))
    told = 0
    for n in range(300):
        course = Course.EXCEPTION if n % 2 else Course.MOVING
        for change in (await scans.add([a_scan(f"k{n}", course, n)])).changes:
            await scans.mark_signalled(change.parcel_id, change.course)
            told += 1
    assert told == CLAIMS_MAX
    arrived = (await scans.add([a_scan("end", Course.DELIVERED, 301)])).changes
    assert [change.course for change in arrived] == [Course.DELIVERED]


async def test_only_a_changed_course_is_handed_out_and_again_until_it_was_told(
    book: PostgresOrderBook, intake: OrderIntake, engine: AsyncEngine, ask: Ask
) -> None:
    scans = Scans(engine)
    moving = a_scan("k1", Course.MOVING)
    assert await scans.add([moving]) == Kept((), ("T1",))
    await intake.accept(an_order())
    await book.record(a_record(1, parcels=(a_parcel(a_label("s1", "T1")),)))
    change = CourseChange(ID, f"{ID}/f1/p1", "T1", Course.MOVING)
    assert await scans.add([moving]) == Kept((change,))
    assert await scans.add([moving]) == Kept((change,))
    await scans.mark_signalled(f"{ID}/f1/p1", Course.MOVING)
    assert await scans.add([moving, a_scan("k2", Course.MOVING, 1)]) == Kept()
    await book.record(a_record(2, parcels=(a_parcel(a_label("s1", "T1")),)))
    assert await ask("SELECT course, signalled_course FROM parcels") == [("moving", "moving")]
    assert await ask("SELECT scan_key FROM scans ORDER BY 1") == [("k1",), ("k2",)]


async def test_late_and_repeated_scans_never_move_a_parcel_back(
    book: PostgresOrderBook, intake: OrderIntake, engine: AsyncEngine
) -> None:
    scans = Scans(engine)
    await intake.accept(an_order())
    await book.record(a_record(1, parcels=(a_parcel(a_label("s1", "T1")),)))
    ((arrived,),) = [(await scans.add([a_scan("k9", Course.DELIVERED, 60)])).changes]
    assert arrived.course is Course.DELIVERED
    await scans.mark_signalled(arrived.parcel_id, Course.DELIVERED)
    later = [a_scan("k1", Course.MOVING, 5), a_scan("k2", Course.RETURNED, 90)]
    assert await scans.add(later) == Kept()
    assert await scans.keep("T1", (a_scan("k3", Course.EXCEPTION, 99),)) is Course.DELIVERED


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_the_order_in_which_scans_come_does_not_matter(
    book: PostgresOrderBook,
    intake: OrderIntake,
    engine: AsyncEngine,
    ask: Ask,
    order: tuple[int, ...],
) -> None:
    await intake.accept(an_order())
    await book.record(a_record(1, parcels=(a_parcel(a_label("s1", "T1")),)))
    came = [
        a_scan("k1", Course.MOVING, 5),
        a_scan("k2", Course.DELIVERED, 60),
        a_scan("k3", Course.RETURNED, 90),
    ]
    for n in order:
        await Scans(engine).add([came[n]])
    assert await ask("SELECT course FROM parcels") == [("delivered",)]


async def test_a_voided_labels_scans_move_nothing(
    book: PostgresOrderBook, intake: OrderIntake, engine: AsyncEngine
) -> None:
    await intake.accept(an_order())
    first, second = a_label("s1", "T1"), a_label("s2", "T2")
    await book.record(a_record(1, parcels=(a_parcel(second, first),)))
    assert await Scans(engine).add([a_scan("k1", Course.DELIVERED)]) == Kept()
