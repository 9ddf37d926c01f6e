"""Each wait of an order's life: how an order comes to it, what lets it go on, and its end."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from domain.orders import OrderOutcome, PaymentStatus
from domain.tracking import Course
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.soundness import STOCK
from tests.workflows.world import GOOD_ADDRESS, World, an_order

WAY = (
    "validate",
    "reserve",
    "request_packing",
    "capture",
    "buy_label",
    "hand_over",
    "ship_stock",
    "tell_shipped",
)
"""The deeds of an order that nothing gets in the way of."""
BAD_ADDRESS = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
OTHER_ADDRESS = GOOD_ADDRESS.model_copy(update={"postal_code": "10119"})

Telling = Callable[[Life], Awaitable[object]]


async def _of_itself(_: Life) -> None:
    """It needs nothing more."""


def _as_it_is(_: World) -> None:
    """It needs no other world."""


@dataclass(frozen=True)
class Waiting:
    """One wait; a hold that is set in it stops the order later, before `held_before`.

    Where the customer is waited for, an operator's hold is waited for first (`held_at_once`).
    """

    what: str
    deeds: int
    held_before: str = ""
    held_at_once: bool = False
    more: tuple[str, ...] = ()
    arrange: Callable[[World], None] = _as_it_is
    order: Mapping[str, Any] = field(default_factory=dict)
    start: Mapping[str, Any] = field(default_factory=dict)
    after_delivery_began: Telling = _of_itself
    go_on: Telling = _of_itself

    @property
    def done(self) -> tuple[str, ...]:
        """The deeds that have happened when it begins."""
        return WAY[: self.deeds]

    @property
    def left(self) -> tuple[str, ...]:
        """The deeds that happen once it is over."""
        return (*WAY[self.deeds :], *self.more)

    @property
    def left_until_held(self) -> tuple[str, ...]:
        return () if self.held_at_once else self.left[: self.left.index(self.held_before)]

    async def reach(self, begin: Start, world: World, own_id: str) -> Life:
        """Begin an order and bring it here; it has a second address to go to."""
        self.arrange(world)
        order = an_order(own_id, **self.order)
        world.addresses[order.order_id, 2] = OTHER_ADDRESS
        life = await begin(order, **self.start)
        if self.deeds == len(WAY):
            await life.until_waiting("delivery")
            await self.after_delivery_began(life)
        await life.until_waiting(self.what)
        return life


async def close(life: Life) -> OrderOutcome:
    """Bring an order that nothing stops any more to its end."""
    last = await life.until(
        lambda now: now.wait is None or now.wait.what in ("delivery", "return_window")
    )
    if last.wait and last.wait.what == "delivery":
        await life.parcel(Course.DELIVERED)
        last = await life.until_waiting("return_window")
    if last.wait:
        await life.pass_time(31 * DAY_S)
    return await life.result()


async def see_off(life: Life) -> OrderOutcome:
    """The end of an order that was cancelled; the goods that it waited for come for others."""
    outcome = await life.result()
    if life.world.stock == {("MUG", "berlin"): 0}:
        life.world.stock["MUG", "berlin"] = STOCK
    return outcome


# -- what makes it wait


def _without_stock(world: World) -> None:
    world.stock = {("MUG", "berlin"): 0}


def _packing_later(world: World) -> None:
    world.packing = "later"


def _declining(world: World) -> None:
    world.declined = 1


def _refusing_a_label(world: World) -> None:
    world.refuse("buy_label")


async def _delivered(life: Life) -> None:
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")


async def _open_return(life: Life) -> None:
    await _delivered(life)
    await life.ask_back(1)


# -- what lets it go on


async def _payment(life: Life, payment: PaymentStatus) -> None:
    await life.tell("payment_changed", payment=payment)


async def _hold_lifted(life: Life, hold_id: str) -> None:
    await life.ask("release", hold_id=hold_id)


async def _goods_back(life: Life, pieces: int) -> None:
    """They arrive broken: the money goes back, nothing goes to the shelf."""
    back = life.env.client.get_workflow_handle(f"return:{life.id}.r1")
    await back.signal("received", {})
    line = {"line_id": "L1", "sku": "MUG", "restock": 0, "discard": pieces, "refund": pieces}
    await back.signal("inspected", {"lines": [line]})


async def _sent_back(life: Life) -> None:
    await life.ask_back(2)
    await _goods_back(life, 2)


WAITS: Mapping[str, Waiting] = {
    "address": Waiting(
        "hold:address",
        deeds=1,
        held_before="request_packing",
        order={"address": BAD_ADDRESS},
        go_on=partial(_hold_lifted, hold_id="address"),
    ),
    "stock": Waiting(
        "stock",
        deeds=2,
        held_before="request_packing",
        arrange=_without_stock,
        go_on=Life.goods_come,
    ),
    "payment": Waiting(
        "hold:payment",
        deeds=2,
        held_at_once=True,
        order={"payment": PaymentStatus.PENDING},
        go_on=partial(_payment, payment=PaymentStatus.AUTHORISED),
    ),
    "held": Waiting(
        "hold:gift_note",
        deeds=2,
        held_before="request_packing",
        start={
            "start_signal": "hold",
            "start_signal_args": [{"command_id": "another's", "reason": "gift_note"}],
        },
        go_on=partial(_hold_lifted, hold_id="another's"),
    ),
    "packing": Waiting(
        "packing",
        deeds=3,
        held_before="capture",
        arrange=_packing_later,
        go_on=Life.packed,
    ),
    "declined": Waiting(
        "hold:payment",
        deeds=4,
        held_at_once=True,
        arrange=_declining,
        go_on=partial(_payment, payment=PaymentStatus.PAID),
    ),
    "refused": Waiting(
        "refused:outside:buy_label_no",
        deeds=4,
        held_before="buy_label",
        arrange=_refusing_a_label,
        go_on=Life.retry,
    ),
    "delivery": Waiting("delivery", deeds=8),
    "undelivered": Waiting(
        "undelivered",
        deeds=8,
        more=("refund",),
        after_delivery_began=partial(Life.parcel, course=Course.RETURNED),
        go_on=_sent_back,
    ),
    "return_window": Waiting("return_window", deeds=8, after_delivery_began=_delivered),
    "return": Waiting(
        "return",
        deeds=8,
        more=("refund",),
        after_delivery_began=_open_return,
        go_on=partial(_goods_back, pieces=1),
    ),
}
