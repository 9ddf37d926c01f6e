"""What may come between an order and its parcel: data, money, stock and warehouses."""

from typing import Any

import pytest

from domain.addresses import Address
from domain.fulfilments import HandedOver, NotThere, Packed, Recalled
from domain.lifecycles import OrderStatus
from domain.orders import PaymentStatus
from domain.policies import OrderPolicy
from domain.records import OrderRecord
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import POLICY, Life, Start
from tests.workflows.soundness import assert_sound, see_cancelled, see_delivered
from tests.workflows.world import BOX, GOOD_ADDRESS, World, an_order

BAD_ADDRESS = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
LOOKS_SOON = POLICY.model_copy(update={"stock_check_s": 1})
BERLIN = {"country": "DE", "postal_code": "10117"}


def a_second_address(life: Life, address: Address = GOOD_ADDRESS, version: int = 2) -> None:
    life.world.addresses[life.order.order_id, version] = address


def owner(record: OrderRecord) -> Owner | None:
    return record.wait.owner if record.wait else None


def short_of(world: World, life: Life) -> list[tuple[str, dict[str, Any]]]:
    """What the journal says of each time that it could not be reserved."""
    told = [entry for record in world.records[life.id] for entry in record.journal]
    return [(entry.why, dict(entry.data)) for entry in told if entry.code == "short"]


def only_hold(record: OrderRecord) -> str:
    (hold,) = record.holds
    return f"{hold.hold_id}: {', '.join(hold.problems)}"


# -- address and data


@at_once
async def test_a_bad_address_holds_the_order_until_it_is_fixed(begin: Start) -> None:
    life = await begin(an_order("address-1", address=BAD_ADDRESS))
    held = await life.until_waiting("hold:address")
    assert only_hold(held) == "address: postal_code: malformed"
    assert owner(held) is Owner.OPERATOR
    assert life.world.done("reserve") == []
    a_second_address(life)
    assert await life.ask("fix_address", address_version=2, destination=BERLIN) == "accepted"
    await see_delivered(life)
    assert life.world.last(life.id).holds == ()


@at_once
async def test_what_can_be_no_country_holds_the_order_and_never_ends_it(begin: Start) -> None:
    prose = {"country": "\u0416" * 2_000, "postal_code": "\u0416" * 2_000}
    life = await begin(an_order("address-0", address=BAD_ADDRESS.model_copy(update=prose)))
    held = await life.until_waiting("hold:address")
    assert only_hold(held) == "address: postal_code: too_long, country: too_long"
    a_second_address(life)
    await life.ask("fix_address", address_version=2, destination=prose)
    await see_delivered(life)


@at_once
async def test_a_fix_that_is_bad_too_holds_it_again(begin: Start) -> None:
    life = await begin(an_order("address-2", address=BAD_ADDRESS))
    await life.until_waiting("hold:address")
    a_second_address(life, BAD_ADDRESS.model_copy(update={"city": ""}))
    await life.ask("fix_address", address_version=2, destination=BERLIN)
    held = await life.until(lambda r: r.address_version == 2 and bool(r.holds))
    assert "city" in only_hold(held)


@at_once
async def test_an_unknown_sku_holds_the_order_until_the_catalogue_has_it(begin: Start) -> None:
    life = await begin(an_order("data-1", sku="CUP"))
    held = await life.until_waiting("hold:data")
    assert only_hold(held) == "data: lines.0.sku: unknown"
    life.world.stock["CUP", "berlin"] = 2
    await life.ask("retry")
    await life.until_waiting("delivery")
    assert life.world.last(life.id).holds == ()


@pytest.mark.parametrize("quantity", [0, -2])
@at_once
async def test_an_order_without_a_piece_to_send_can_only_be_cancelled(
    begin: Start, quantity: int
) -> None:
    life = await begin(an_order(f"data-{2 - quantity}", quantity=quantity))
    await life.until_waiting("hold:data")
    assert "no piece to send" in await life.refused("release", hold_id="data")
    await life.tell("release", hold_id="data")
    await life.until_told("release_refused")
    await life.ask("cancel")
    await see_cancelled(life)


@at_once
async def test_releasing_the_hold_overrules_the_check(begin: Start) -> None:
    life = await begin(an_order("address-3", address=BAD_ADDRESS))
    await life.until_waiting("hold:address")
    await life.ask("release", hold_id="address")
    await see_delivered(life)


@at_once
async def test_each_of_two_holds_must_be_released(begin: Start) -> None:
    life = await begin(an_order("hold-1", address=BAD_ADDRESS))
    await life.until_waiting("hold:address")
    mine = await life.ask("hold", reason="fraud", command_id="h-1", by="ann")
    assert mine == "h-1"
    await life.ask("release", hold_id="address")
    held = await life.until_waiting("hold:fraud")
    assert [hold.by for hold in held.holds] == ["ann"]
    await life.ask("release", hold_id="h-1")
    await see_delivered(life)


@at_once
async def test_an_order_held_for_its_address_can_be_cancelled(begin: Start) -> None:
    life = await begin(an_order("address-4", address=BAD_ADDRESS))
    await life.until_waiting("hold:address")
    await life.ask("cancel")
    await see_cancelled(life)


# -- money


@at_once
async def test_a_pending_payment_waits_for_the_customer(begin: Start) -> None:
    life = await begin(an_order("pay-1", payment=PaymentStatus.PENDING))
    held = await life.until_waiting("hold:payment")
    assert owner(held) is Owner.CUSTOMER
    assert life.world.done("request_packing") == []
    assert await life.refused("release", hold_id="payment") == (
        "hold_id: the payment hold ends when the channel says it is paid"
    )
    await life.tell("payment_changed", payment="paid")
    await see_delivered(life)
    assert life.world.done("capture") == []


@at_once
async def test_an_authorised_payment_is_captured_after_pending(begin: Start) -> None:
    life = await begin(an_order("pay-2", payment=PaymentStatus.PENDING))
    await life.until_waiting("hold:payment")
    await life.tell("payment_changed", payment="authorised")
    await see_delivered(life)
    assert len(life.world.done("capture")) == 1


@at_once
async def test_a_payment_never_goes_back(begin: Start) -> None:
    life = await begin(an_order("pay-3", payment=PaymentStatus.PAID))
    await life.tell("payment_changed", payment="pending")
    await see_delivered(life)
    assert life.world.done("capture") == []


@at_once
async def test_a_declined_capture_is_asked_for_again(begin: Start, world: World) -> None:
    world.declined = 1
    life = await begin(an_order("pay-4"))
    held = await life.until_waiting("hold:payment")
    assert only_hold(held) == "payment: payment: card_declined"
    assert world.done("buy_label") == []
    await life.ask("retry")
    await see_delivered(life)
    assert world.done("capture") == [f"{life.id}/capture/1", f"{life.id}/capture/2"]


@at_once
async def test_a_declined_capture_that_is_paid_otherwise(begin: Start, world: World) -> None:
    world.declined = 1
    life = await begin(an_order("pay-5"))
    await life.until_waiting("hold:payment")
    await life.tell("payment_changed", payment="paid")
    await see_delivered(life)
    assert len(world.done("capture")) == 1


@at_once
async def test_paid_while_the_capture_is_being_declined(begin: Start, world: World) -> None:
    world.declined = 1
    gate = world.block("capture", after=True)
    life = await begin(an_order("pay-6"))
    await world.reaches("capture")
    await life.tell("payment_changed", payment="paid")
    await life.state()
    gate.set()
    await see_delivered(life)


@at_once
async def test_our_own_capture_told_by_the_channel_first_is_still_booked(
    begin: Start, world: World
) -> None:
    gate = world.block("capture", after=True)
    life = await begin(an_order("pay-7"))
    await world.reaches("capture")
    await life.tell("payment_changed", payment="paid")
    await life.state()
    gate.set()
    await see_delivered(life)
    assert [entry.kind for entry in world.last(life.id).money] == ["captured"]


# -- stock


@at_once
async def test_an_order_waits_for_its_goods(begin: Start, world: World) -> None:
    world.stock = {("MUG", "berlin"): 0}
    life = await begin(an_order("short-1"))
    waiting = await life.until_waiting("stock")
    assert owner(waiting) is Owner.SUPPLIER
    assert waiting.status is OrderStatus.VALIDATED
    assert short_of(world, life) == [("", {"MUG": 2})]
    await life.goods_come()
    await see_delivered(life)


@at_once
async def test_goods_at_a_location_that_is_full_wait_for_its_next_day(
    begin: Start, world: World
) -> None:
    world.bars = {"berlin": {"capacity_left": 0}}
    life = await begin(an_order("full-1"), LOOKS_SOON)
    waiting = await life.until_waiting("capacity")
    assert waiting.wait is not None
    assert waiting.wait.owner is Owner.WAREHOUSE
    assert "on its next day" in waiting.wait.next_action
    assert short_of(world, life) == [("capacity", {})]
    world.bars.clear()
    world.answers.clear()
    await life.until_status(OrderStatus.SHIPPED)


@pytest.mark.parametrize("bar", [{"serves": ("FR",)}, {"active": False}])
@at_once
async def test_goods_that_no_location_may_ship_wait_for_an_operator(
    begin: Start, world: World, bar: dict[str, Any]
) -> None:
    world.bars = {"berlin": bar}
    life = await begin(an_order(f"barred-{next(iter(bar))}"), LOOKS_SOON)
    waiting = await life.until_waiting("no_location")
    assert owner(waiting) is Owner.OPERATOR
    assert short_of(world, life) == [("no_location", {})]
    world.bars.clear()
    world.answers.clear()
    await life.until_status(OrderStatus.SHIPPED)


@at_once
async def test_a_rejected_order_waits_for_the_day_of_another_location_that_is_full(
    begin: Start, world: World
) -> None:
    world.stock["MUG", "leeds"] = 400
    world.bars = {"leeds": {"capacity_left": 0}}
    world.rejecting = {"berlin"}
    life = await begin(an_order("full-2"))
    assert owner(await life.until_waiting("capacity")) is Owner.WAREHOUSE


@pytest.mark.parametrize("verb", ["hold", "fix_address", "cancel", "retry"])
@at_once
async def test_each_verb_while_waiting_for_goods(begin: Start, world: World, verb: str) -> None:
    world.stock = {("MUG", "berlin"): 0}
    life = await begin(an_order(f"short-{verb}"))
    a_second_address(life)
    await life.until_waiting("stock")
    match verb:
        case "hold":
            await life.ask("hold", reason="fraud", command_id="h")
            await life.goods_come()
            await life.until_waiting("hold:fraud")
            assert world.done("request_packing") == []
            await life.ask("release", hold_id="h")
        case "cancel":
            await life.ask("cancel")
            world.stock["MUG", "berlin"] = 1_000
            await see_cancelled(life)
            assert world.done("release_stock") == [f"{life.id}/reserve/1"]
            return
        case _:
            fix = {"address_version": 2, "destination": BERLIN} if verb == "fix_address" else {}
            await life.ask(verb, **fix)
            await life.until_told("short", times=2)
            assert world.done("release_stock") == [f"{life.id}/reserve/1"]
            await life.goods_come()
    await see_delivered(life)


@at_once
async def test_goods_assigned_to_a_released_reservation_are_not_ours(
    begin: Start, world: World
) -> None:
    world.stock = {("MUG", "berlin"): 0}
    life = await begin(an_order("short-late"))
    await life.until_waiting("stock")
    await life.ask("retry")
    await life.until_told("short", times=2)
    berlin = {"location": "berlin", "lines": []}
    await life.tell("stock_assigned", key=f"{life.id}/reserve/1", parts=[berlin])
    await life.tell("hold", reason="look_twice", command_id="h")
    await life.settled("h")
    assert world.done("request_packing") == []
    await life.ask("release", hold_id="h")
    await life.goods_come()
    await see_delivered(life)


# -- warehouses


@at_once
async def test_a_rejecting_warehouse_gives_the_order_to_another(begin: Start, world: World) -> None:
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    world.rejecting = {"berlin"}
    life = await begin(an_order("reject-1"))
    await see_delivered(life)
    first, second = world.last(life.id).fulfilments
    assert (first.location, first.reason, second.location) == ("berlin", "damaged", "leeds")
    assert world.done("release_stock") == [f"{life.id}/reserve/1/1"]
    assert world.stock["MUG", "berlin"] == 600


@at_once
async def test_an_order_that_all_locations_reject_waits_for_an_operator(
    begin: Start, world: World
) -> None:
    world.rejecting = {"berlin"}
    life = await begin(an_order("reject-2"))
    waiting = await life.until_waiting("another_location")
    assert owner(waiting) is Owner.OPERATOR
    world.rejecting.clear()
    await life.ask("retry")
    await see_delivered(life)


@pytest.mark.parametrize("status", ["accepted", "packed", "labelled"])
@at_once
async def test_a_rejection_is_heard_however_far_it_is(
    begin: Start, world: World, status: str
) -> None:
    """Accepted, packed (the capture hangs) or labelled (a hold stops it): it goes elsewhere."""
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    world.packing = "later" if status == "accepted" else world.packing
    gate = world.block({"accepted": "none", "packed": "capture", "labelled": "buy_label"}[status])
    life = await begin(an_order(f"reject-{status}"))
    if status == "accepted":
        await life.until_waiting("packing")
    elif status == "packed":
        await world.reaches("capture")
    else:
        await world.reaches("buy_label")
        await life.ask("hold", reason="fraud", command_id="h")
        gate.set()
        await life.until_waiting("hold:fraud")
    world.packing = "at once"
    reference = f"{life.id}/f1"
    await life.tell("warehouse_said", reference=reference, status="rejected", reason="damaged")
    await life.until_told("rejected")
    if status == "labelled":
        await life.ask("release", hold_id="h")
    await see_delivered(life)
    assert [part.location for part in world.last(life.id).fulfilments] == ["berlin", "leeds"]
    assert world.done("recall") == [f"{reference}/recall"]
    assert len(world.done("void_label")) == (status == "labelled")


@at_once
async def test_goods_recalled_at_the_warehouse_itself_come_from_elsewhere(
    begin: Start, world: World
) -> None:
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    gate = world.block("hand_over")
    life = await begin(an_order("reject-there"))
    await world.reaches("hand_over")
    world.withdrawn.add(f"{life.id}/f1")
    gate.set()
    await see_delivered(life)
    assert world.last(life.id).fulfilments[0].reason == "recalled_elsewhere"


@at_once
async def test_a_silent_warehouse_is_asked(begin: Start, world: World) -> None:
    world.packing = "later"
    life = await begin(an_order("silent-1"))
    waiting = await life.until_waiting("packing")
    assert owner(waiting) is Owner.WAREHOUSE
    assert waiting.wait is not None
    assert waiting.wait.next_action == "then we ask the warehouse ourselves"
    await life.pass_time(4 * 3_600 + 1)
    await life.until(lambda _: world.calls["look"] == 1)
    world.seen = Packed(parcels=(BOX,))
    await life.pass_time(4 * 3_600 + 1)
    await see_delivered(life)
    assert world.calls["look"] == 2


@at_once
async def test_a_warehouse_that_stays_silent_ends_with_an_operator(
    begin: Start, world: World
) -> None:
    world.packing = "later"
    life = await begin(an_order("silent-2"), OrderPolicy(warehouse_checks_max=1))
    await life.until_waiting("packing")
    await life.pass_time(4 * 3_600 + 1)
    waiting = await life.until_waiting("warehouse_silent")
    assert owner(waiting) is Owner.OPERATOR
    await life.packed()
    await see_delivered(life)


@at_once
async def test_the_warehouse_speaks_while_it_is_being_asked(begin: Start, world: World) -> None:
    world.packing = "later"
    world.block("look")
    life = await begin(an_order("silent-3"))
    await life.until_waiting("packing")
    await life.pass_time(4 * 3_600 + 1)
    await world.reaches("look")
    await life.packed()
    await see_delivered(life)


@pytest.mark.parametrize("seen", [NotThere(), Recalled()])
@at_once
async def test_a_warehouse_that_knows_nothing_of_it_is_left(
    begin: Start, world: World, seen: NotThere | Recalled
) -> None:
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    world.packing = "later"
    life = await begin(an_order(f"silent-{seen.kind}"))
    await life.until_waiting("packing")
    world.seen, world.packing = seen, "at once"
    await life.pass_time(4 * 3_600 + 1)
    await see_delivered(life)
    assert world.last(life.id).fulfilments[0].reason == "unknown_to_warehouse"


@at_once
async def test_reports_on_other_fulfilments_and_repeats_change_nothing(
    begin: Start, world: World
) -> None:
    life = await begin(an_order("said-twice"))
    await life.until_waiting("delivery")
    for said in ("packed", "rejected", "handed_over"):
        await life.tell("warehouse_said", reference=f"{life.id}/f1", status=said)
        await life.tell("warehouse_said", reference="other/f1", status=said)
    await see_delivered(life)
    assert len(world.last(life.id).fulfilments) == 1


@at_once
async def test_no_warehouse_speaks_for_another(begin: Start, world: World) -> None:
    world.packing = "later"
    life = await begin(an_order("not-theirs"))
    await life.until_waiting("packing")
    said = {"reference": f"{life.id}/f1", "status": "rejected", "reason": "damaged"}
    await life.tell("warehouse_said", location="leeds", **said)
    await life.until_told("warehouse_said_refused")
    assert [part.location for part in world.last(life.id).fulfilments] == ["berlin"]
    await life.packed()
    await see_delivered(life)


# -- addresses of packed goods


@at_once
async def test_an_address_fixed_twice_and_back_is_on_papers_and_label(
    begin: Start, world: World
) -> None:
    gate = world.block("buy_label")
    life = await begin(an_order("readdress-1"))
    a_second_address(life)
    await world.reaches("buy_label")
    await life.ask("hold", reason="fraud", command_id="h")
    gate.set()
    await life.until_waiting("hold:fraud")
    for n, version in enumerate((2, 1, 2), start=1):
        await life.ask("fix_address", address_version=version, destination=BERLIN)
        await life.until_told("address_changed", times=n)
        await life.until_waiting("hold:fraud")
    await life.ask("release", hold_id="h")
    await see_delivered(life)
    assert world.papers[f"{life.id}/f1"] == 2


@at_once
async def test_only_the_newest_of_several_addresses_is_used(begin: Start, world: World) -> None:
    gate = world.block("capture")
    life = await begin(an_order("readdress-2"))
    a_second_address(life)
    a_second_address(life, version=3)
    await world.reaches("capture")
    await life.tell("fix_address", command_id="a", address_version=2, destination=BERLIN)
    await life.tell("fix_address", command_id="b", address_version=3, destination=BERLIN)
    await life.state()
    gate.set()
    await see_delivered(life)
    assert world.last(life.id).address_version == 3
    assert (await life.settled("a"), await life.settled("b")) == ("", "")


FRENCH = GOOD_ADDRESS.model_copy(
    update={"city": "Paris", "postal_code": "75001", "country": "FR", "lines": ("Rue de Rivoli 1",)}
)
PARIS = {"country": "FR", "postal_code": "75001"}


async def packed_and_unpaid(begin: Start, world: World, own_id: str) -> Life:
    """Packed in Berlin, without a label; Leeds has the goods too, and there is one in France."""
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    world.declined = 1
    life = await begin(an_order(own_id))
    a_second_address(life, FRENCH)
    a_second_address(life, version=3)
    await life.until_waiting("hold:payment")
    assert world.last(life.id).fulfilments[0].location == "berlin"
    return life


@pytest.mark.parametrize(
    ("bar", "why"), [({"serves": ("DE",)}, "not_served"), ({"hazmat": False}, "")]
)
@at_once
async def test_packed_goods_go_abroad_from_where_that_is_allowed(
    begin: Start, world: World, bar: dict[str, Any], why: str
) -> None:
    """Nothing in the order is hazardous: only the country that is not served counts."""
    life = await packed_and_unpaid(begin, world, f"abroad-{why or 'allowed'}".replace("_", "-"))
    world.bars = {"berlin": bar}
    await life.ask("fix_address", address_version=2, destination=PARIS)
    await see_delivered(life)
    parts = world.last(life.id).fulfilments
    assert [(part.location, part.reason) for part in parts] == (
        [("berlin", why), ("leeds", "")] if why else [("berlin", "")]
    )
    assert len(world.done("recall")) == len(world.done("release_stock")) == len(parts) - 1
    assert len(world.done("readdress")) == (not why)
    assert world.papers[parts[-1].reference] == 2


@at_once
async def test_a_location_that_may_not_ship_abroad_may_ship_at_home_again(
    begin: Start, world: World
) -> None:
    life = await packed_and_unpaid(begin, world, "abroad-and-back")
    world.bars = {place: {"serves": ("DE",)} for place in ("berlin", "leeds")}
    await life.ask("fix_address", address_version=2, destination=PARIS)
    assert owner(await life.until_waiting("no_location")) is Owner.OPERATOR
    await life.ask("fix_address", address_version=3, destination=BERLIN)
    await see_delivered(life)
    assert [part.location for part in world.last(life.id).fulfilments] == ["berlin", "berlin"]


@pytest.mark.parametrize("verb", ["cancel", "fix_address"])
@at_once
async def test_what_is_said_while_the_way_is_looked_at_goes_first(
    begin: Start, world: World, verb: str
) -> None:
    life = await packed_and_unpaid(begin, world, f"abroad-{verb}".replace("_", "-"))
    world.bars = {"berlin": {"serves": ("DE",)}}
    gate = world.block("case")
    await life.ask("fix_address", address_version=2, destination=PARIS)
    await world.reaches("case")
    home = {"address_version": 3, "destination": BERLIN} if verb == "fix_address" else {}
    await life.ask(verb, **home)
    gate.set()
    if verb == "cancel":
        await see_cancelled(life)
        return
    await see_delivered(life)
    assert [part.location for part in world.last(life.id).fulfilments] == ["berlin"]


# -- hand-over


@pytest.mark.parametrize("seen_by", ["carrier", "warehouse"])
@pytest.mark.parametrize("trouble", ["hangs", "refused"])
@at_once
async def test_hand_over_is_seen_by_others_first(
    begin: Start, world: World, seen_by: str, trouble: str
) -> None:
    if trouble == "hangs":
        world.block("hand_over")
    else:
        world.refuse("hand_over")
    life = await begin(an_order(f"left-{seen_by}-{trouble}"))
    await world.reaches("hand_over")
    if trouble == "refused":
        await life.until_waiting("refused:outside:hand_over_no")
    if seen_by == "carrier":
        await life.parcel(Course.MOVING)
    else:
        reference = f"{life.id}/f1"
        await life.tell("warehouse_said", reference=reference, status="handed_over")
    await see_delivered(life)
    assert world.last(life.id).attention == ""


@at_once
async def test_goods_that_leave_in_spite_of_a_hold_are_shipped(begin: Start, world: World) -> None:
    gate = world.block("buy_label")
    life = await begin(an_order("left-held"))
    await world.reaches("buy_label")
    await life.ask("hold", reason="fraud", command_id="h")
    gate.set()
    await life.until_waiting("hold:fraud")
    await life.tell("warehouse_said", reference=f"{life.id}/f1", status="handed_over")
    await see_delivered(life)
    assert world.done("hand_over") == []


@at_once
async def test_a_look_that_finds_it_handed_over_changes_nothing_before_its_label(
    begin: Start, world: World
) -> None:
    world.packing, world.seen = "later", HandedOver()
    life = await begin(an_order("left-unlabelled"))
    await life.until_waiting("packing")
    await life.pass_time(4 * 3_600 + 1)
    await life.until(lambda _: world.calls["look"] == 1)
    await life.packed()
    await see_delivered(life)
    await assert_sound(life)
