"""What must hold at the end of every life, whatever happened in it."""

from collections import Counter
from itertools import pairwise

from temporalio.client import WorkflowExecutionStatus

from domain.lifecycles import ENDED, FULFILMENT, ORDER, OrderStatus, may_follow
from domain.records import LABEL_NOT_VOIDED, OrderRecord
from domain.tracking import Course
from tests.workflows.lives import Life
from tests.workflows.world import World

STOCK = 1_000
SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED, OrderStatus.CLOSED)


async def see_delivered(life: Life) -> None:
    """Bring an order that waits for its delivery to its end, and check all of it."""
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await assert_sound(life)


async def see_cancelled(life: Life) -> None:
    outcome = await life.result()
    assert outcome.status == "cancelled"
    await assert_sound(life)


async def assert_sound(life: Life) -> None:
    """Everything happened once, what was undone is undone, and the records tell it truly."""
    world, records = life.world, life.world.records[life.id]
    last = records[-1]
    _assert_deeds(world)
    _assert_paths(records)
    sent = last.status in SENT
    pieces = sum(line.quantity for line in life.order.lines)
    assert sum(world.stock.values()) == STOCK - (pieces if sent else 0)
    assert world.held == {}
    assert world.waiting == {}
    in_use = {key: label for key, label in world.live.items() if key not in _given_up(life)}
    assert len(in_use) == (1 if sent else 0)
    assert len(world.done("tell_shipped")) == (1 if sent else 0)
    assert len(world.done("cancel_at_channel")) == (last.status is OrderStatus.CANCELLED)
    _assert_money(last, world, life)
    if sent:
        (key,) = in_use
        label = last.fulfilments[-1].parcels[0].label
        assert label == world.live[key]
        assert world.label_versions[key] == last.address_version
        assert world.papers[last.fulfilments[-1].reference] == last.address_version
    assert (await life.handle.describe()).status is not WorkflowExecutionStatus.FAILED


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


def _assert_deeds(world: World) -> None:
    for (step, key), times in Counter(world.deeds).items():
        assert times == 1, f"{step} {key} happened {times} times"
    for step in ("ship_stock", "tell_shipped", "cancel_at_channel"):
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


def _assert_money(last: OrderRecord, world: World, life: Life) -> None:
    booked = {entry.kind: entry.amount.amount_minor for entry in last.money}
    taken = world.captured.get(life.id)
    refunded = last.status is OrderStatus.CANCELLED
    assert booked.get("captured", 0) == (taken.amount_minor if taken else 0)
    assert booked.get("refunded", 0) == (taken.amount_minor if taken and refunded else 0)
    assert len(last.money) == len(booked)
