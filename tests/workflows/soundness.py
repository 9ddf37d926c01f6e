"""What must hold at the end of every life, whatever happened in it."""

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from temporalio.client import WorkflowExecutionStatus

from domain.lifecycles import ENDED, FULFILMENT, ORDER, FulfilmentStatus, OrderStatus, may_follow
from domain.orders import LineRef, PaymentStatus, order_input
from domain.records import LABEL_NOT_VOIDED, FulfilmentRecord, OrderRecord
from domain.tracking import Course
from tests.workflows.histories import lost_tasks
from tests.workflows.lives import POLICY, Life
from tests.workflows.world import World
from workflows.telling import WRITES_A_TASK_MAX

STOCK = 1_000
F = FulfilmentStatus
LEFT = (F.HANDED_OVER, F.DELIVERED, F.UNDELIVERED)


async def see_delivered(life: Life) -> None:
    """Bring an order that waits for its delivery to its end, and check all of it."""
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await until_told(life)
    await assert_sound(life)


async def until_told(life: Life) -> None:
    """Goods may arrive before the channel hears that they left."""
    await life.until(lambda last: len(life.world.done("tell_shipped")) >= len(_left(last)))


async def see_cancelled(life: Life) -> None:
    outcome = await life.result()
    assert outcome.status == "cancelled"
    await assert_sound(life)


async def assert_sound(life: Life, *, stock: int = STOCK) -> None:
    """Everything happened once, what was undone is undone, and the records tell it truly.

    For an order of which nothing more is to be sent; `stock` is all that there ever was of it.
    """
    world, records = life.world, life.world.records[life.id]
    last = records[-1]
    _assert_deeds(world)
    lost = await lost_tasks(life.handle)
    _assert_paths([told for told in records if told.seq // WRITES_A_TASK_MAX not in lost])
    _assert_pieces(life, last, stock)
    _assert_parcels(life, last)
    for part in last.fulfilments:
        if part.status in LEFT:
            assert world.label_versions[part.parcels[0].label_key] in _addresses(records, part)
    assert len(world.done("cancel_at_channel")) == (last.status is OrderStatus.CANCELLED)
    _assert_money(last, world, life)
    assert (await life.handle.describe()).status is not WorkflowExecutionStatus.FAILED


def _assert_deeds(world: World) -> None:
    for (step, key), times in Counter(world.deeds).items():
        assert times == 1, f"{step} {key} happened {times} times"
    for step in ("cancel_at_channel", "refund"):
        assert len(world.done(step)) <= 1, f"{step} happened under several keys"


def _assert_paths(records: list[OrderRecord]) -> None:
    for before, after in pairwise(records):
        assert after.seq > before.seq
        for part, now in zip(before.fulfilments, after.fulfilments, strict=False):
            if part.status is not now.status:
                steps = {part.status}
                while now.status not in steps:
                    reached = steps.union(*(FULFILMENT[status] for status in steps))
                    assert reached != steps, f"{part.status} never leads to {now.status}"
                    steps = reached
    told = [
        OrderStatus(entry.code.removeprefix("status_"))
        for record in records
        for entry in record.journal
        if entry.code.startswith("status_")
    ]
    for status, following in pairwise([OrderStatus.RECEIVED, *told]):
        assert may_follow(ORDER, status, following), f"{status} → {following}"
    for record in records:
        assert (record.wait is None) <= (record.status in ENDED)


def _assert_pieces(life: Life, last: OrderRecord, stock: int) -> None:
    """Each piece was sent or cancelled, once; whatever was not sent is on its shelf."""
    world = life.world
    sent = _pieces(line for part in world.shipped for line in part.lines)
    assert sum(world.stock.values()) + world.not_found + sent.total() == stock
    assert min(world.stock.values()) >= 0
    assert world.held == {}
    assert world.waiting == {}
    assert sent == _pieces(
        line for part in last.fulfilments if part.status in LEFT for line in part.lines
    )
    if last.status is OrderStatus.CANCELLED:
        assert sent.total() == 0
    else:
        bought = _pieces(order_input(life.order, POLICY).lines)
        assert sent + _pieces(last.cancelled_lines) == bought


def _assert_parcels(life: Life, last: OrderRecord) -> None:
    """What left bears one live label each and was told once; what did not bears none."""
    world = life.world
    left = _left(last)
    in_use = {key: label for key, label in world.live.items() if key not in _given_up(life)}
    assert in_use == {p.label_key: p.label for part in left for p in part.parcels}
    for part in left:
        bear = {world.label_versions[parcel.label_key] for parcel in part.parcels}
        assert bear == {world.papers[part.reference]}
    references = {part.reference for part in left}
    assert sorted(world.done("tell_shipped")) == sorted(f"{r}/tell-shipped" for r in references)
    assert set(world.papers) - references <= world.withdrawn


def _left(record: OrderRecord) -> list[FulfilmentRecord]:
    return [part for part in record.fulfilments if part.status in LEFT]


def _addresses(records: list[OrderRecord], part: FulfilmentRecord) -> set[int]:
    """The address when it left: what was valid at the write that told of it or the one before."""
    for before, after in pairwise(records):
        if any(n.status in LEFT for n in after.fulfilments if n.number == part.number):
            return {before.address_version, after.address_version}
    return set()


def _given_up(life: Life) -> set[str]:
    """The keys of labels that the journal says are not voided, and no parcel uses."""
    records = life.world.records[life.id]
    told = {
        str(entry.data["label"])
        for record in records
        for entry in record.journal
        if entry.code == LABEL_NOT_VOIDED
    }
    parcels = [parcel for part in records[-1].fulfilments for parcel in part.parcels]
    shown = {label.shipment_ref for parcel in parcels for label in parcel.given_up_labels}
    assert shown == {life.world.live[key].shipment_ref for key in told} - {
        parcel.label.shipment_ref for parcel in parcels if parcel.label
    }
    return told - {parcel.label_key for parcel in parcels if parcel.label}


def _assert_money(last: OrderRecord, world: World, life: Life) -> None:
    booked = {entry.kind: entry.amount.amount_minor for entry in last.money}
    assert len(last.money) == len(booked)
    taken = world.captured.get(life.id)
    amount = taken.amount_minor if taken else 0
    assert booked.get("captured", 0) == amount
    if life.order.payment is PaymentStatus.AUTHORISED and world.shipped:
        assert amount or "payment" in world.journal(life.id), "goods left unpaid"
    if last.status is OrderStatus.CANCELLED:
        assert booked.get("refunded", 0) == amount
    else:
        assert booked.get("refunded", 0) == 1_500 * _pieces(last.cancelled_lines).total()


def _pieces(lines: Iterable[LineRef]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in lines:
        pieces[line.line_id] += line.quantity
    return pieces
