"""Signals by hand, garbage, repeats and floods: heard, journalled, bounded, never in the way."""

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from domain.errors import Refused
from domain.lifecycles import OrderStatus
from domain.policies import OrderPolicy
from domain.tracking import Course, Scan, course_of
from tests.workflows.at_once import at_once
from tests.workflows.lives import Life, Start
from tests.workflows.soundness import see_cancelled, see_delivered
from tests.workflows.world import World, an_order

EVENTS_MAX = 4_096
GARBAGE = {
    "nothing": RawValue(Payload()),
    "binary": RawValue(Payload(metadata={"encoding": b"binary/plain"}, data=b"\xff\xfe\x00")),
    "unknown-encoding": RawValue(Payload(metadata={"encoding": b"klingon"}, data=b"Qapla'")),
    "broken-json": RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"reason": ')),
    "not-utf-8": RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'"\xff"')),
    "proto": RawValue(
        Payload(metadata={"encoding": b"json/protobuf", "messageType": b"no.Such"}, data=b"{}")
    ),
    "deep": [[[[[[]]]]]],
    "text": "fraud",
    "number": 7,
    "wrong-types": {"reason": 7, "hold_id": [], "address_version": "two", "location": {}},
    "too-long": {"reason": "x" * 65, "note": "n" * 2_001, "hold_id": "h" * 101},
}


async def events(life: Life) -> int:
    return len((await life.handle.fetch_history()).events)


@pytest.mark.parametrize("garbage", GARBAGE)
@at_once
async def test_garbage_is_journalled_and_blocks_nothing(
    begin: Start, world: World, garbage: str
) -> None:
    gate = world.block("capture")
    life = await begin(an_order(f"odd-{garbage}"))
    await world.reaches("capture")
    names = ("hold", "release", "fix_address", "stock_assigned", "warehouse_said", "parcel_moved")
    for name in (*names, "payment_changed", "request_return", "no_such_signal"):
        await life.handle.signal(name, GARBAGE[garbage])
    await life.until_told("signal_refused", times=9)
    gate.set()
    await see_delivered(life)


@at_once
async def test_a_signal_without_arguments_means_what_it_can(begin: Start, world: World) -> None:
    world.block("capture")
    life = await begin(an_order("odd-bare"))
    await world.reaches("capture")
    await life.handle.signal("hold")
    await life.handle.signal("retry")
    await life.until_told("signal_refused")
    await life.until_told("retry_refused")
    await life.handle.signal("cancel")
    await see_cancelled(life)


@at_once
async def test_an_update_that_makes_no_sense_names_field_and_reason(begin: Start) -> None:
    life = await begin(an_order("odd-update"))
    await life.until_waiting("delivery")
    assert "there is no such signal or update" in await life.refused("explode")
    assert (await life.refused("hold", reason="Not A Code")).startswith("reason: ")
    for version in (0, 2**31, 10**20):
        refusal = await life.refused(
            "fix_address", address_version=version, destination={"country": "DE", "postal_code": ""}
        )
        assert refusal.startswith("address_version: ")
    for command_id in ("x" * 101, "a\0b", "a b"):  # nobody could say which hold to release
        refusal = await life.refused("hold", reason="fraud", command_id=command_id)
        assert refusal.startswith("command_id: ")
    assert "signal_refused" not in life.world.journal(life.id)


@at_once
async def test_a_command_told_twice_counts_once(begin: Start, world: World) -> None:
    gate = world.block("capture")
    life = await begin(an_order("twice"))
    await world.reaches("capture")
    for _ in range(2):
        await life.tell("hold", command_id="h", reason="fraud")
        assert await life.ask("hold", command_id="h", reason="fraud") == "h"
    await life.tell("release", command_id="r", hold_id="h")
    await life.tell("release", command_id="r", hold_id="h")
    await life.tell("retry", command_id="t")
    assert await life.settled("t") != ""
    assert await life.refused("retry", command_id="t") == await life.settled("t")
    gate.set()
    await see_delivered(life)
    codes = world.journal(life.id)
    assert [codes.count(code) for code in ("hold", "release", "retry_refused")] == [1, 1, 1]


@at_once
async def test_five_thousand_scans_and_five_hundred_verbs_fit_into_a_history(
    begin: Start, world: World
) -> None:
    """The 501st verb is refused, a cancel never."""
    gate = world.block("capture")
    world.faults["capture"][0].times = 10**6  # a hold takes a call back that does not answer
    life = await begin(an_order("flood"))
    await world.reaches("capture")
    for n in range(250):
        await life.tell("hold", command_id=f"h{n}", reason="fraud")
        await life.tell("release", command_id=f"r{n}", hold_id=f"h{n}")
    assert await life.settled("r249") == ""
    too_many = "too_many: this order has had all the verbs it may have; cancel still works"
    assert await life.refused("hold", reason="fraud") == too_many
    await life.tell("hold", command_id="late", reason="fraud")
    assert await life.settled("late") == too_many
    gate.set()
    await life.until_waiting("delivery")
    known: list[Scan] = []
    told, course = 0, Course.EXPECTED
    for n in range(5_000):
        known = [*known[-50:], _scan(life, n)]
        if (now := course_of(known)) is not course:
            course, told = now, told + 1
            await life.parcel(course)
    assert told == 4
    await life.until_status(OrderStatus.DELIVERED)
    count = await events(life)
    print(f"500 verbs and 5,000 scans: {count} events")  # noqa: T201 - a figure worth seeing
    assert count < EVENTS_MAX


def _scan(life: Life, number: int) -> Scan:
    """Mostly moving, once in customs, once an exception, delivered at last, and told twice."""
    course = {2_000: Course.CUSTOMS, 4_999: Course.DELIVERED}.get(number, Course.MOVING)
    return life.scan(course).model_copy(
        update={
            "scan_key": f"{number}",
            "claimed_at": life.order.placed_at.replace(
                hour=number // 3_600, minute=number // 60 % 60, second=number % 60
            ),
        }
    )


@at_once
async def test_a_cancel_is_heard_after_all_the_verbs(begin: Start, world: World) -> None:
    world.block("capture")
    life = await begin(an_order("flood-cancel"), OrderPolicy(verbs_max=2))
    await world.reaches("capture")
    await life.ask("hold", reason="fraud", command_id="a")
    await life.ask("release", hold_id="a")
    assert (await life.refused("hold", reason="fraud")).startswith("too_many")
    await life.ask("cancel")
    await see_cancelled(life)


@at_once
async def test_where_a_cancel_is_too_late_retry_and_returns_are_heard_past_the_limit(
    begin: Start, world: World
) -> None:
    world.refuse("buy_label")
    world.fail("tell_shipped", Refused("shop", "locked"))
    life = await begin(an_order("flood-left"), OrderPolicy(verbs_max=1))
    await life.until_waiting("refused:outside:buy_label_no")
    await life.ask("retry")
    await life.until_waiting("refused:shop:locked")
    await life.ask("retry")
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    await life.ask_back(1)


@at_once
async def test_while_it_is_being_cancelled_retry_is_heard_past_the_limit(
    begin: Start, world: World
) -> None:
    world.refuse("buy_label")
    world.refuse("hand_over")
    world.refuse("recall")
    life = await begin(an_order("flood-cancelling"), OrderPolicy(verbs_max=1))
    await life.until_waiting("refused:outside:buy_label_no")
    await life.ask("retry")
    await life.until_waiting("refused:outside:hand_over_no")
    assert (await life.refused("retry")).startswith("too_many")
    await life.ask("cancel")
    await life.until_waiting("refused:outside:recall_no")
    await life.ask("retry")
    await see_cancelled(life)


@at_once
async def test_costly_verbs_end_before_the_history_does(begin: Start, world: World) -> None:
    """Each new address is checked again: far fewer than 500 fit beside a cancel."""
    world.stock = {("MUG", "berlin"): 0}
    life = await begin(an_order("flood-costly"), OrderPolicy(verbs_max=500))
    await life.until_waiting("stock")
    for n in range(500):
        if await _too_many(life, n):
            break
    assert 60 < n < 300
    assert await events(life) > 3_000
    await life.ask("cancel")
    world.stock["MUG", "berlin"] = 1_000
    await see_cancelled(life)
    assert await events(life) < EVENTS_MAX


async def _too_many(life: Life, number: int) -> bool:
    await life.tell("retry", command_id=f"c{number}")
    if await life.settled(f"c{number}"):
        return True
    await life.until_told("short", times=number + 2)
    await life.until_waiting("stock")
    return False
