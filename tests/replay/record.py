"""Writes the histories that every later release must be able to replay: `make histories`.

It lives each of the lives below on a real server and keeps its history. Histories that are there
already are kept: they are what older releases wrote. Delete one to record it anew.
"""

import asyncio
import itertools
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import TimeSkippingConfig, WorkflowEnvironment

from config.temporal import search_attribute_keys
from domain.errors import Refused, Unavailable
from domain.lifecycles import FulfilmentStatus, OrderStatus, ReturnStatus
from domain.orders import PaymentStatus
from domain.records import LEFT_WITHOUT_LABEL
from domain.tracking import Course
from starter.local.temporal import temporal_binary
from tests.folders import STARTS_WITHIN
from tests.workflows.lives import DAY_S, Life, say_packed
from tests.workflows.running import living, start_life
from tests.workflows.world import BOX, GOOD_ADDRESS, World, an_order

FOLDER = Path(__file__).parent / "histories"
SKIPPING = ["--dynamic-config-value", "frontend.WorkflowTimeSkippingEnabled=true"]
BERLIN = {"country": "DE", "postal_code": "10119"}
PARIS = GOOD_ADDRESS.model_copy(
    update={"city": "Paris", "postal_code": "75001", "country": "FR", "lines": ("Rue de Rivoli 1",)}
)


async def delivered(life: Life) -> None:
    await life.until_waiting("delivery")
    await life.parcel(Course.MOVING)
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)


async def closed(life: Life) -> None:
    await delivered(life)
    await life.pass_time(31 * DAY_S)
    await life.result()


async def cancelled_while_buying(life: Life) -> None:
    await life.world.reaches("buy_label")
    await life.ask("cancel", command_id="c", by="u-1")
    await life.result()


async def cancelled_too_late(life: Life) -> None:
    await life.until_waiting("delivery")
    await life.handle.cancel()
    await life.until_told("cancel_refused")
    await closed(life)


async def readdressed(life: Life) -> None:
    await life.world.reaches("buy_label")
    await life.tell("hold", reason="fraud", command_id="h", note="")
    await life.tell("fix_address", address_version=2, destination=BERLIN, command_id="f")
    await life.until_waiting("hold:fraud")
    await life.tell("release", hold_id="h", command_id="r")
    await delivered(life)


async def held_between_tries(life: Life) -> None:
    await life.world.reaches("buy_label")
    await life.tell("hold", reason="fraud", command_id="h")
    await life.until_waiting("hold:fraud")
    life.world.faults["buy_label"].clear()
    await life.tell("release", hold_id="h", command_id="r")
    await delivered(life)


async def moved_abroad(life: Life) -> None:
    await life.until_waiting("hold:payment")
    life.world.addresses[life.id, 2] = PARIS
    there = {"country": "FR", "postal_code": "75001"}
    await life.ask("fix_address", address_version=2, destination=there)
    await delivered(life)


async def out_of_stock(life: Life) -> None:
    await life.until_waiting("stock")
    await life.goods_come()
    await delivered(life)


async def held_for_its_address(life: Life) -> None:
    await life.until_waiting("hold:address")
    await life.ask("fix_address", address_version=2, destination=BERLIN)
    await delivered(life)


async def refused_and_retried(life: Life) -> None:
    await life.until_waiting("refused:carrier:rates")
    await life.ask("retry")
    await delivered(life)


async def paid_later(life: Life) -> None:
    await life.until_waiting("hold:payment")
    await life.tell("payment_changed", payment="paid")
    await delivered(life)


async def silent_everywhere(life: Life) -> None:
    await life.until_waiting("packing")
    await life.pass_time(4 * 3_600 + 1)
    await life.until(lambda _: life.world.calls["look"] == 1)
    await life.packed()
    await life.until_waiting("delivery")
    life.world.scans = (life.scan(Course.CUSTOMS),)
    await life.pass_time(DAY_S + 1)
    await life.until_waiting("customs_clearance")
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)


async def written_off(life: Life) -> None:
    """Its goods left unpaid, and come back."""
    await life.until_waiting("refused:shop:locked")
    life.world.left.add(f"{life.id}/f1")
    await life.tell("cancel", command_id="c", by="u-1")
    await life.until(
        lambda now: (
            [part.wait and part.wait.what for part in now.fulfilments] == [LEFT_WITHOUT_LABEL]
        )
    )
    await life.ask("retry", arrived=f"{life.id}/f1", by="u-1")
    await life.until_status(OrderStatus.DELIVERED)
    back = await life.ask_back(1)
    await life.ask("cancel", unpaid=True, by="u-1")
    await life.until_return_told("moneywrittenoff")
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 1, "discard": 0, "refund": 1}
    await back.signal("inspected", {"lines": [line]})
    await life.until_return(ReturnStatus.CLOSED)
    await life.until_waiting("return_window")


async def returned(life: Life) -> None:
    await delivered(life)
    back = await life.ask_back(2)
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 1, "discard": 1, "refund": 2}
    await back.signal("inspected", {"lines": [line]})
    await life.until_return(ReturnStatus.CLOSED)
    await life.until_waiting("return_window")


async def return_refused(life: Life) -> None:
    await delivered(life)
    back = await life.ask_back(1)
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 1, "discard": 0, "refund": 1}
    await back.signal("inspected", {"lines": [line]})
    await life.until_return_waits("refused:channel:no")
    await back.execute_update("retry", {})
    await life.until_return(ReturnStatus.CLOSED)
    await life.until_waiting("return_window")


async def split(life: Life) -> None:
    await life.until_status(OrderStatus.SHIPPED)
    await life.until(lambda _: len(life.world.done("tell_shipped")) == 2)
    await _all_arrive(life)


async def partly_cancelled(life: Life) -> None:
    await life.until(lambda now: [part.status for part in now.fulfilments] == [F.ACCEPTED] * 2)
    await say_packed(life.env.client, life.id, f"{life.id}/f1", (BOX, BOX))
    await life.until_status(OrderStatus.PARTLY_SHIPPED)
    await life.ask("cancel", command_id="c", by="u-1")
    await life.until_status(OrderStatus.SHIPPED)
    await _all_arrive(life)


async def label_given_up(life: Life) -> None:
    await life.until_waiting("refused:warehouse:busy")
    await life.ask("cancel", command_id="c1", by="u-1")
    await life.until_waiting("refused:carrier:used")
    await life.ask("cancel", command_id="c2", by="u-1")
    await life.result()


async def short_pick(life: Life) -> None:
    await life.until_waiting("packing")
    first = life.world.last(life.id).fulfilments[0].reference
    missing = {"sku": "MUG", "found": 1, "reason": "not_in_stock"}
    await life.tell("warehouse_said", reference=first, status="rejected", short=[missing])
    await life.until(lambda now: [part.status for part in now.fulfilments[1:]] == [F.ACCEPTED])
    await life.packed()
    await delivered(life)


async def _all_arrive(life: Life) -> None:
    await life.until_waiting("delivery")
    for part in life.world.last(life.id).fulfilments:
        for parcel in part.parcels:
            if parcel.label:
                number = parcel.label.tracking_number
                await life.tell("parcel_moved", tracking_number=number, course=Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)


def _rejecting(world: World) -> None:
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    world.rejecting = {"berlin"}


def _unpaid_at_home(world: World) -> None:
    world.stock = {("MUG", "berlin"): 600, ("MUG", "leeds"): 400}
    world.declined = 1
    world.bars = {"berlin": {"serves": ("DE",)}}


def _short(world: World) -> None:
    world.stock = {("MUG", "berlin"): 0}


def _silent(world: World) -> None:
    world.packing = "later"


def _refusing(world: World) -> None:
    world.fail("buy_label", Refused("carrier", "rates"))


def _not_refunding(world: World) -> None:
    world.fail("refund", Refused("channel", "no"))


def _down(world: World) -> None:
    world.fail("buy_label", Unavailable("carrier", "down"), times=1_000_000)


def _apart(world: World) -> None:
    world.stock = {("MUG", "berlin"): 500, ("BOWL", "leeds"): 500}
    world.parts_max = 2


def _apart_and_slow(world: World) -> None:
    _apart(world)
    world.packing = "later"


def _not_voiding(world: World) -> None:
    world.fail("hand_over", Refused("warehouse", "busy"))
    world.fail("void_label", Refused("carrier", "used"), times=1_000_000)


def _not_paying(world: World) -> None:
    world.fail("capture", Refused("shop", "locked"))
    world.declined = 1_000_000


def _fewer_than_thought(world: World) -> None:
    world.stock = {("MUG", "berlin"): 2, ("MUG", "leeds"): 2}
    world.packing = "later"


def _slow(world: World) -> None:
    gate = world.block("buy_label")
    asyncio.get_running_loop().call_later(2, gate.set)


def _as_it_is(_: World) -> None:
    pass


F = FulfilmentStatus
TWO_GOODS = {"quantity": 1, "also": ("BOWL",)}
BAD = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
Tale = tuple[Callable[[World], None], Callable[[Life], Awaitable[None]], dict[str, Any]]
LIVES: dict[str, Tale] = {
    "closed": (_as_it_is, closed, {}),
    "cancelled-while-retrying": (_down, cancelled_while_buying, {}),
    "held-while-retrying": (_down, held_between_tries, {}),
    "moved-abroad": (_unpaid_at_home, moved_abroad, {}),
    "cancelled-too-late": (_as_it_is, cancelled_too_late, {}),
    "readdressed-and-held": (_slow, readdressed, {}),
    "out-of-stock": (_short, out_of_stock, {}),
    "held-for-its-address": (_as_it_is, held_for_its_address, {"address": BAD}),
    "refused-and-retried": (_refusing, refused_and_retried, {}),
    "paid-later": (_as_it_is, paid_later, {"payment": PaymentStatus.PENDING}),
    "silent-everywhere": (_silent, silent_everywhere, {}),
    "rejected-once": (_rejecting, delivered, {}),
    "returned": (_as_it_is, returned, {}),
    "return-refused": (_not_refunding, return_refused, {}),
    "split": (_apart, split, TWO_GOODS),
    "partly-cancelled": (_apart_and_slow, partly_cancelled, TWO_GOODS),
    "label-given-up": (_not_voiding, label_given_up, {}),
    "written-off": (_not_paying, written_off, {}),
    "short-pick": (_fewer_than_thought, short_pick, {}),
}
numbers = itertools.count(1)


async def record(env: WorkflowEnvironment, start: Any, name: str) -> None:
    prepare, live, order = LIVES[name]
    world = World()
    prepare(world)
    bought = an_order(f"{name}-{next(numbers)}", **order)
    world.addresses[bought.order_id, 2] = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})
    life = await start(bought, world=world)
    await live(life)
    await _keep(life.handle, name)
    for return_id in list(world.return_records):
        await _keep(env.client.get_workflow_handle(f"return:{return_id}"), f"{name}-return")
    await life.end()


async def _keep(handle: WorkflowHandle[Any, Any], name: str) -> None:
    history = json.loads((await handle.fetch_history()).to_json())
    text = json.dumps({"workflow_id": handle.id, "history": history}, indent=1)
    # stack traces name the paths of the machine that recorded them
    text = re.sub(r'("stackTrace": )"(?:[^"\\]|\\.)*"', r'\1""', text)
    (FOLDER / f"{name}.json").write_text(text + "\n")


async def main() -> None:
    missing = [name for name in LIVES if not (FOLDER / f"{name}.json").exists()]
    if not missing:
        return
    FOLDER.mkdir(exist_ok=True)
    env = await WorkflowEnvironment.start_time_skipping_v2(
        ts_config=TimeSkippingConfig(enabled=False),
        data_converter=pydantic_data_converter,
        search_attributes=search_attribute_keys(),
        dev_server_existing_path=temporal_binary(),
        dev_server_startup_timeout=STARTS_WITHIN,
        dev_server_extra_args=SKIPPING,
    )
    async with env, living(env) as worlds:
        start = start_life(env, worlds)
        await asyncio.gather(*(record(env, start, name) for name in missing))


if __name__ == "__main__":
    asyncio.run(main())
