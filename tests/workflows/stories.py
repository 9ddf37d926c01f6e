"""Random stories of an order: what fails, what is said, and what the world does, all by a seed."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Refused, Unavailable
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import Order, PaymentStatus
from domain.records import LEFT_WITHOUT_LABEL, UNPAID, FulfilmentRecord, OrderRecord
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.lives import Life, say_packed
from tests.workflows.soundness import LEFT, assert_sound, until_told
from tests.workflows.world import BOX, GOOD_ADDRESS, Fault, World, an_order, part_at

F = FulfilmentStatus
PLACES = ("berlin", "leeds", "newark")
SKUS = ("MUG", "BOWL", "PLATE")
BAD = GOOD_ADDRESS.model_copy(update={"postal_code": "1"})
BERLIN = {"country": "DE", "postal_code": "10117"}
STEPS = (
    *("reserve", "request_packing", "capture", "buy_label", "hand_over", "ship_stock"),
    *("tell_shipped", "recall", "void_label", "release_stock", "readdress", "short_pick"),
    *("cancel_at_channel", "refund"),
)
LATE = ("buy_label", "hand_over", "hand_over", "recall", "void_label")
"""Where verbs and the world meet most often."""
MOVES_MAX = 14
QUIET_S = 0.1
PATIENCE_S = 200.0


def a_world(chance: Random) -> World:
    """Three locations with more or less stock, in which some calls will go wrong."""
    world = World(packing=chance.choice(("at once", "later")))
    world.declined = chance.choice((0, 0, 1))
    world.stock = {(sku, at): chance.choice((0, 0, 2, 9)) for sku in SKUS for at in PLACES}
    for sku in SKUS:
        world.stock[sku, chance.choice(PLACES)] += chance.choice((0, 3, 3, 3))
    world.parts_max = chance.choice((1, 2, 3, 3))
    world.rejecting = {at for at in PLACES if chance.random() < 0.1}
    for _ in range(chance.randint(0, 3)):
        world.faults[chance.choice(LATE)].append(_a_fault(chance, world))
    for _ in range(chance.randint(0, 4)):
        world.faults[chance.choice(STEPS)].append(_a_fault(chance, world))
    return world


def _a_fault(chance: Random, world: World) -> Fault:
    match chance.choice(("down", "lost", "refused", "hangs", "hangs after")):
        case "down":
            return Fault(Unavailable("outside", "down"), times=chance.randint(1, 3))
        case "lost":
            lost = Unavailable("outside", "lost", fate_unknown=True)
            return Fault(lost, times=chance.randint(1, 2), after=True)
        case "refused":
            return Fault(Refused("outside", "no"), times=chance.randint(1, 2))
        case when:
            world.gates.append(asyncio.Event())
            return Fault(gate=world.gates[-1], after=when == "hangs after")


def a_bought_order(chance: Random, own_id: str) -> Order:
    return an_order(
        own_id,
        payment=chance.choices(tuple(PaymentStatus), (1, 10, 5))[0],
        quantity=chance.randint(1, 3),
        also=SKUS[1 : chance.randint(1, 3)],
        address=BAD if chance.random() < 0.05 else GOOD_ADDRESS,
    )


class Story:
    """One life as chance has it; what was told is in `told`, for whoever must make sense of it."""

    def __init__(self, chance: Random, life: Life) -> None:
        self._chance = chance
        self._life = life
        self._world = life.world
        self._commands: list[str] = []
        self._stock = sum(self._world.stock.values())
        self._world.addresses[life.id, 2] = GOOD_ADDRESS
        self._world.addresses[life.id, 3] = BAD
        self.told: list[str] = []

    async def live(self) -> None:
        """So many moves at random, then everybody does what is asked for until the end."""
        moves: list[Callable[[int], Coroutine[Any, Any, None]]] = [
            *(self._hold, self._release, self._fix_address, self._fix_address),
            *(self._retry, self._retry, self._cancel, self._cancel_in_temporal, self._pay),
            *(self._pack, self._pack, self._pack, self._pack, self._let_go, self._goods_come),
            *(self._reject, self._reject, self._goods_leave, self._goods_leave, self._scan),
        ]
        pauses = (0, 1, 3, 6, 12, 99, 99, 99)
        script = [
            (self._chance.choice(pauses), self._chance.choice(moves), self._chance.randint(0, 99))
            for _ in range(self._chance.randint(1, MOVES_MAX))
        ]
        await self._life.until(lambda _: True)
        for pause, move, number in script:
            await self._pause(pause)
            await move(number)
        await self._to_the_end()
        if self._now.status is OrderStatus.CANCELLED:
            await self._life.result()
        await until_told(self._life)
        for command in self._commands:
            await self._life.settled(command)
        await assert_sound(self._life, stock=self._stock)

    async def _pause(self, events: int) -> None:
        """Let so much happen, or as much as does before somebody else must act."""
        with contextlib.suppress(TimeoutError):
            for _ in range(events):
                ours = self._now.wait is not None and self._now.wait.owner is Owner.US
                async with asyncio.timeout(QUIET_S if self._world.hanging or not ours else 2):
                    await self._world.news()

    # -- what operators, customers and channels say

    async def _tell(self, name: str, **fields: object) -> None:
        self.told.append(f"{name} {fields}")
        try:
            await self._life.tell(name, **fields)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            assert self._over, "it closed before its end"
            return
        if "command_id" in fields:
            self._commands.append(str(fields["command_id"]))

    def _command(self) -> str:
        return f"{self._life.id}.c{len(self.told)}"

    async def _hold(self, _: int) -> None:
        await self._tell("hold", reason="fraud", command_id=self._command())

    async def _release(self, number: int) -> None:
        holds = [hold.hold_id for hold in self._now.holds] or ["h0"]
        await self._tell("release", hold_id=holds[number % len(holds)], command_id=self._command())

    async def _fix_address(self, number: int) -> None:
        version = 3 if number < 10 else 2
        await self._tell(
            "fix_address",
            address_version=version,
            destination=BERLIN,
            command_id=self._command(),
        )

    async def _cancel(self, number: int) -> None:
        by = "channel" if number < 30 else "ann"
        await self._tell("cancel", by=by, command_id=self._command())

    async def _cancel_in_temporal(self, number: int) -> None:
        if number < 50:
            self.told.append("cancelled in Temporal")
            with contextlib.suppress(RPCError):
                await self._life.handle.cancel()

    async def _retry(self, _: int) -> None:
        await self._tell("retry", command_id=self._command())

    async def _pay(self, _: int) -> None:
        await self._tell("payment_changed", payment=PaymentStatus.AUTHORISED)

    # -- what the world does

    async def _let_go(self, number: int) -> None:
        """A call that hangs goes on."""
        if self._world.gates:
            self._world.gates[number % len(self._world.gates)].set()

    async def _goods_come(self, number: int) -> None:
        """Each reservation in the queue gets its goods, at one place."""
        place = PLACES[number % len(PLACES)]
        for key in list(self._world.waiting):
            part = part_at(place, self._world.waiting.pop(key).lines)
            for item in part.items:
                self._world.stock[item.sku, place] += item.quantity
                self._stock += item.quantity
            self._world.hold(key, (part,))
            await self._tell("stock_assigned", key=key, parts=[part.model_dump()])

    async def _pack(self, number: int) -> None:
        if part := self._one(number, F.REQUESTED, F.ACCEPTED):
            boxes = (BOX,) * (1 + number % 2)
            self.told.append(f"packed {part.reference}")
            with contextlib.suppress(RPCError):
                await say_packed(self._life.env.client, self._life.id, part.reference, boxes)

    async def _reject(self, number: int) -> None:
        """A warehouse finds that it cannot, or that there is less than we thought."""
        part = self._one(number, F.REQUESTED, F.ACCEPTED, F.PACKED, F.LABELLED)
        if part is None or part.reference not in self._world.papers:
            return
        line = part.lines[number % len(part.lines)]
        short = {"sku": line.sku, "found": number % line.quantity, "reason": "mismatch"}
        await self._tell(
            "warehouse_said",
            reference=part.reference,
            status="rejected",
            reason="short" if number % 2 else "damaged",
            short=[short] if number % 2 else [],
        )

    async def _goods_leave(self, number: int) -> None:
        """They are fetched, and the dock says so."""
        part = self._one(number, F.LABELLED)
        if part and self._world.goods_leave(part.reference, len(part.parcels)):
            await self._tell("warehouse_said", reference=part.reference, status="handed_over")
            await self._believed(part)

    async def _scan(self, number: int) -> None:
        """They are fetched, and the carrier says so first."""
        part = self._one(number, F.LABELLED)
        if part and self._world.goods_leave(part.reference, len(part.parcels)):
            await self._moved(part, Course.MOVING)
            await self._believed(part)

    async def _believed(self, part: FulfilmentRecord) -> None:
        """Whoever says that goods have left is believed, whatever call hangs or is refused."""
        await self._life.until(
            lambda now: now.fulfilments[part.number - 1].status is not F.LABELLED
        )

    async def _moved(self, part: FulfilmentRecord, course: Course) -> None:
        for parcel in part.parcels:
            if parcel.label and parcel.course is not course:
                number = parcel.label.tracking_number
                await self._tell("parcel_moved", tracking_number=number, course=course)

    # -- how it ends

    async def _to_the_end(self) -> None:
        """Everybody does what is asked for, until nothing more is to be done."""
        self.told.append("to the end")
        self._world.faults.clear()
        self._world.rejecting.clear()
        self._world.open_gates()
        async with asyncio.timeout(PATIENCE_S):
            while not self._over:
                await self._help(self._now)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(5 * QUIET_S):
                        await self._world.news()

    async def _help(self, now: OrderRecord) -> None:
        for hold in now.holds:
            match hold.reason:
                case "payment":
                    await self._tell("payment_changed", payment=PaymentStatus.AUTHORISED)
                    await self._retry(0)
                case "address" | "data":
                    await self._fix_address(99)
                case _:
                    await self._tell("release", hold_id=hold.hold_id)
        await self._goods_come(0)
        if now.attention or (now.wait and now.wait.what == UNPAID):
            await self._retry(0)
        for part in now.fulfilments:
            if part.wait and part.wait.what == LEFT_WITHOUT_LABEL:
                await self._tell("retry", arrived=part.reference)
            if part.status is F.ACCEPTED:
                await say_packed(self._life.env.client, self._life.id, part.reference, (BOX,))
            if part.status in LEFT:
                await self._moved(part, Course.DELIVERED)

    @property
    def _over(self) -> bool:
        wait = self._now.wait
        return self._now.status is OrderStatus.CANCELLED or bool(
            wait and wait.what == "return_window"
        )

    @property
    def _now(self) -> OrderRecord:
        return self._world.last(self._life.id)

    def _one(self, number: int, *statuses: FulfilmentStatus) -> FulfilmentRecord | None:
        parts = [part for part in self._now.fulfilments if part.status in statuses]
        return parts[number % len(parts)] if parts else None
