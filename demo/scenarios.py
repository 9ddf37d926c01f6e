"""What happens to orders on this day, one small function each; they return what they saw."""

import asyncio

from demo.shop import Sale
from demo.stage import DidNotHappen, Fact, Stage, equal

CARRIER_DOWN_S = 15.0


async def sold(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    return ()


async def told_four_times(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale, duplicate=2)
    await stage.tell(sale, "orders/create", same_webhook_id=True)
    stage.say(sale, "the shop sends its webhook four times")
    return ()


async def updated_before_created(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale, send=False)
    await stage.tell(sale, "orders/updated")
    await stage.tell(sale, "orders/create", delay_s=1.5)
    stage.say(sale, "the shop tells of a change before it tells of the order")
    return ()


async def address_mended(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    await stage.until_waiting(sale, "hold:address")
    stage.say(sale, "the address is undeliverable; an operator is asked")
    fact = await _fix_address(stage, sale)
    stage.say(sale, "an operator fixes the address")
    return (fact,)


async def moved_after_label(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    """The hold is set while the label is being bought, so it stops the hand-over."""
    await stage.fault(sale, system="easypost", operation="buy", mode="slow", seconds=4, times=1)
    await stage.sell(sale)
    await stage.until_struck(sale)
    hold_id = await _hold(stage, sale, "customer_moved")
    fact = await _fix_address(stage, sale)
    answer = await stage.verb(sale, "release", {"hold_id": hold_id})
    stage.say(sale, "the customer moved: another label, and released")
    return (fact, Fact("the release is accepted", str(answer.status_code), answer.is_success))


async def _fix_address(stage: Stage, sale: Sale) -> Fact:
    buyer = sale.customer
    address = {
        "name": buyer.name, "lines": list(buyer.lines), "city": buyer.city,
        "region": buyer.region, "postal_code": buyer.postal_code, "country": buyer.country,
    }  # fmt: skip
    answer = await stage.verb(sale, "address", {"address": address})
    return Fact("the new address is accepted", str(answer.status_code), answer.is_success)


async def paid_later(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    await stage.until_waiting(sale, "hold:payment")
    stage.say(sale, "the payment is pending: nothing leaves before it is paid")
    await asyncio.sleep(2)
    await stage.tell(sale, "orders/paid", changes={"financial_status": "paid"})
    stage.say(sale, "the shop says that it is paid")
    return ()


async def rejected(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    reject = {"match": str(sale.shop_id), "reason": "damaged", "when": "after_accepting"}
    await stage.world.control("warehouse/reject", reject)
    await stage.sell(sale)
    stage.say(sale, "its warehouse finds the goods damaged")
    return ()


async def carrier_down(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(None, system="easypost", mode="down", for_s=CARRIER_DOWN_S)
    stage.say(None, f"the carrier is down for {CARRIER_DOWN_S:.0f} s")
    await stage.sell(sale)
    back = asyncio.create_task(asyncio.sleep(CARRIER_DOWN_S))
    said = await stage.until_any(
        lambda row: (row.failing_owner, row.failing_step) == ("carrier", "buy_label"),
        CARRIER_DOWN_S,
    )
    await back
    stage.say(None, "the carrier is back")
    return (Fact("orders say that they wait on the carrier", str(said), said),)


async def label_answer_lost(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(sale, system="easypost", operation="buy", mode="lost", times=1)
    await stage.sell(sale)
    stage.say(sale, "the carrier sells a label and its answer is lost")
    return ()


async def capture_answer_lost(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(sale, system="shopify", operation="orderCapture", mode="lost", times=1)
    await stage.sell(sale)
    stage.say(sale, "the shop captures the payment and its answer is lost")
    return ()


async def warehouse_too_busy(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(
        sale, system="warehouse", operation="request", mode="throttle", seconds=1, times=2
    )
    await stage.sell(sale)
    stage.say(sale, "the warehouse answers 429: come again in a second")
    return ()


async def carrier_refuses(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(
        sale, system="easypost", operation="buy", mode="refuse", times=1,
        code="SHIPMENT.POSTAGE.FAILURE", message="Unable to buy postage for this account.",
    )  # fmt: skip
    await stage.sell(sale)
    parked = await stage.until(
        sale, "the order waits for an operator", lambda row: bool(row.attention)
    )
    stage.say(sale, f"the carrier refuses: {parked.attention}; an operator is asked")
    answer = await stage.verb(sale, "retry")
    stage.say(sale, "an operator tries again")
    return (Fact("the retry is accepted", str(answer.status_code), answer.is_success),)


async def split(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    stage.say(sale, "no location has all of it: it is split")
    return ()


async def rest_cancelled(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    """The warehouse of the second part answers nobody, so that the first leaves alone."""
    await stage.fault(
        sale, system="warehouse", operation="request", mode="down",
        match=f"{stage.order_id(sale)}/f2",
    )  # fmt: skip
    await stage.sell(sale)
    await stage.until_status(sale, "partly_shipped")
    answer = await stage.verb(sale, "cancel", {"reason": "customer"})
    stage.say(sale, "one part has left; the rest is cancelled")
    return (Fact("the cancellation is accepted", str(answer.status_code), answer.is_success),)


async def cancelled_in_time(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await _held(stage, sale, "changed_mind")
    answer = await stage.verb(sale, "cancel", {"reason": "customer"})
    stage.say(sale, "cancelled in time: everything is taken back")
    return (Fact("the cancellation is accepted", str(answer.status_code), answer.is_success),)


async def cancelled_in_flight(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(sale, system="easypost", operation="buy", mode="slow", seconds=4, times=1)
    await stage.sell(sale)
    await stage.until_struck(sale)
    answer = await stage.verb(sale, "cancel", {"reason": "customer"})
    stage.say(sale, "cancelled while the label is being bought")
    return (Fact("the cancellation is accepted", str(answer.status_code), answer.is_success),)


async def cancelled_too_late(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    await stage.until_status(sale, "shipped", "delivered")
    answer = await stage.verb(sale, "cancel", {"reason": "customer"})
    stage.say(sale, "cancelled too late: the carrier has the parcel")
    return (equal("the cancellation is refused with 409", 409, answer.status_code),)


async def held_and_released(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    hold_id = await _held(stage, sale, "fraud_check")
    await asyncio.sleep(2)
    before = stage.standings[stage.order_id(sale)].status
    answer = await stage.verb(sale, "release", {"hold_id": hold_id})
    stage.say(sale, "released")
    return (
        equal("it stands still while it is held", "fulfilling", before),
        Fact("the release is accepted", str(answer.status_code), answer.is_success),
    )


async def _held(stage: Stage, sale: Sale, reason: str) -> str:
    """Held while its warehouse is slow to answer. Returns the hold's id."""
    await stage.fault(
        sale, system="warehouse", operation="request", mode="slow", seconds=3, times=1
    )
    await stage.sell(sale)
    await stage.until_status(sale, "fulfilling")
    return await _hold(stage, sale, reason)


async def _hold(stage: Stage, sale: Sale, reason: str) -> str:
    """Set a hold, and see it stop the order. Returns its id."""
    answer = await stage.verb(sale, "hold", {"reason": reason, "note": "asked by telephone"})
    if not answer.is_success:
        raise DidNotHappen(f"a hold is set; it was answered {answer.status_code}")
    stage.say(sale, f"an operator holds it: {reason}")
    await stage.until_waiting(sale, f"hold:{reason}")
    order = await stage.api.get(f"/orders/{stage.order_id(sale)}")
    return str(order["holds"][0]["hold_id"])


async def stuck_in_customs(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    match = str(sale.shop_id)
    await stage.world.control("easypost/customs", {"match": match, "stuck": True})
    await stage.sell(sale)
    row = await stage.until_waiting(sale, "customs_clearance")
    stage.say(sale, "stuck in customs")
    await asyncio.sleep(3)
    await stage.world.control("easypost/customs", {"match": match, "stuck": False})
    stage.say(sale, "customs lets it go")
    return (equal("it waits on customs", "customs", row.owner),)


async def scans_repeated(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.fault(
        sale, system="easypost", operation="webhook", mode="reorder", seconds=3, times=1
    )
    await stage.fault(sale, system="easypost", operation="webhook", mode="duplicate", times=2)
    await stage.sell(sale)
    stage.say(sale, "the carrier's scans come twice and out of order")
    return ()


async def returned(stage: Stage, sale: Sale) -> tuple[Fact, ...]:
    await stage.sell(sale)
    await stage.until_waiting(sale, "return_window")
    sku, quantity = sale.lines[0]
    line = {"line_id": sale.line_id(0), "quantity": quantity, "reason": "unwanted"}
    order_id = stage.order_id(sale)
    await stage.api.posted(f"/orders/{order_id}/returns", {"lines": [line]})
    stage.say(sale, f"{quantity} {sku} come back")
    what = "the return that was asked for begins"
    begun = await stage.until_told(what, f"/orders/{order_id}", "returns")
    path = f"/returns/{begun[0]['return_id']}"
    await stage.api.posted(f"{path}/receive")
    seen = {"line_id": line["line_id"], "restock": quantity, "discard": 0, "refund": quantity}
    await stage.api.posted(f"{path}/inspect", {"lines": [seen]})
    stage.say(sale, "inspected: back on the shelf, and refunded")
    row = await stage.until_status(sale, "closed")
    closed = await stage.api.get(path)
    return (
        equal("the return is closed", "closed", closed["status"]),
        equal("the order is closed after it", "closed", row.status),
    )


async def unreadable(stage: Stage, _sale: Sale) -> tuple[Fact, ...]:
    body = '{"id": 4711, "line_items": [{"price": '
    await stage.world.control("shopify/raw", {"topic": "orders/create", "body": body})
    stage.say(None, "the shop sends a signed body that nobody can read")
    tasks = await stage.until_told("somebody is asked to look at it", "/tasks", "tasks")
    kinds = [task["kind"] for task in tasks]
    return (Fact("one task for an operator", f"{len(kinds)} task", kinds == ["unreadable"]),)
