"""Orders that wait are sourced anew when a location may serve them that could not before."""

import asyncio
from typing import Any

import pytest
from temporalio.client import Client

from config.settings import Settings
from domain.errors import Unavailable
from domain.ids import OrderId
from domain.locations import Location
from domain.orders import Destination, LineRef
from domain.sourcing.source import source
from domain.stock import ReserveRequest, Short, StockChange
from starter import resourcing
from starter.resourcing import source_again
from starter.sweeping import Sweep, until_none
from storage.catalogue import CatalogueSku
from tests.starter.test_sourcing import place
from tests.starter.world import StandInBook, World, canonical_order, eventually, running

LYON = place("lyon", "FR", "69001")


async def furnish(world: World, lyon: Location) -> None:
    """Berlin has nothing; Lyon has three mugs and, as it is, is of no use."""
    await world.wired.catalogue.put_skus([CatalogueSku(sku="MUG", title="Mug", weight_g=400)])
    await world.wired.catalogue.put_locations([place("berlin", "DE", "10115"), lyon])
    change = StockChange(key="k", sku="MUG", location="lyon", quantity=3, reason="", by="ann")
    await world.wired.inventory.receive(change)


async def short(world: World, quantity: int, number: int) -> str:
    own_id = world.own_id(number)
    made = await world.api(
        "POST", "/api/orders", canonical_order(own_id), Idempotency_Key=f"key-{own_id}"
    )
    order_id: str = made.json()["order_id"]
    request = ReserveRequest(
        order_id=OrderId(order_id),
        key=f"{order_id}/reserve/1",
        lines=(LineRef(line_id="1", sku="MUG", quantity=quantity),),
        destination=Destination(country="DE", postal_code="10117"),
    )
    case = await world.wired.sourcing.case(request)
    assert isinstance(await world.wired.sourcing.reserve(request, case, source(case)), Short)
    return order_id


@pytest.mark.parametrize(
    "before",
    [{"serves": ("FR",)}, {"parcel_weight_max_g": 1}, {"capacity_per_day": 0}, {"active": False}],
)
async def test_a_location_that_may_now_serves_those_who_wait_in_turn(
    world: World, before: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resourcing, "AT_ONCE", 2)
    await furnish(world, LYON.model_copy(update=before))
    orders = [await short(world, quantity, n) for n, quantity in enumerate((4, 2, 1, 1))]
    assert await source_again(world.wired) == 0
    await world.wired.catalogue.put_locations([LYON])
    await source_again(world.wired)
    assert await served(world, orders) == orders[1:3]
    (level,) = [one for one in await world.wired.inventory.levels(sku="MUG") if one.on_hand]
    assert (level.location, level.on_hand, level.reserved) == ("lyon", 3, 3)
    # the first is still in the queue, and now for Lyon as well
    change = StockChange(key="more", sku="MUG", location="lyon", quantity=4, reason="", by="ann")
    await world.wired.inventory.receive(change)
    assert await served(world, orders) == orders[:3]
    assert await source_again(world.wired) == 0


async def served(world: World, orders: list[str]) -> list[str]:
    held = [await world.api("GET", f"/api/orders/{one}/sourcing") for one in orders]
    return [
        one
        for one, said in zip(orders, held, strict=True)
        if said.json()["decisions"][0]["reservations"]
    ]


async def test_starters_source_again_by_themselves_and_wake_the_order_once(
    settings: Settings, temporal_client: Client, book: StandInBook
) -> None:
    eager = settings.model_copy(update={"sweep_s": 0.1})
    async with (
        running(eager, temporal_client) as world,
        running(eager, temporal_client) as other,
        book.of(world),
    ):
        await furnish(world, LYON.model_copy(update={"serves": ("FR",)}))
        order_id = await short(world, 3, 1)
        await other.wired.catalogue.put_locations([LYON])

        async def woken() -> Any:
            return [name for name, _ in await world.signals(order_id)]

        assert await eventually(woken) == ["stock_assigned"]
        (level,) = await world.wired.inventory.levels(sku="MUG", location="lyon")
        assert (level.on_hand, level.reserved) == (3, 3)


async def test_a_sweep_outlives_a_database_that_is_away_and_bugs_of_its_own() -> None:
    """Each job is done again and again, whatever becomes of the others."""
    done: list[str] = []
    enough, awake = asyncio.Event(), asyncio.Event()

    async def away() -> int:
        done.append("away")
        if len(done) < 4:
            raise Unavailable("stock", "connection_lost", "")
        enough.set()
        return 0

    async def broken() -> int:
        done.append("broken")
        raise ValueError("a bug")

    async def well() -> int:
        done.append("well")
        return 1

    sweep = Sweep({"away": away, "broken": broken, "well": well}, awake, every_s=0.01)
    sweeping = asyncio.create_task(sweep.run())
    async with asyncio.timeout(200):
        await enough.wait()
    assert done[:6] == ["away", "broken", "well", "away", "broken", "well"]
    assert awake.is_set()
    sweeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweeping


async def test_a_sweep_that_is_ended_finishes_what_it_does() -> None:
    begun, may_end = asyncio.Event(), asyncio.Event()
    ended = []

    async def slow() -> int:
        begun.set()
        await may_end.wait()
        ended.append("slow")
        return 0

    sweeping = asyncio.create_task(Sweep({"slow": slow}, asyncio.Event(), every_s=1).run())
    await begun.wait()
    sweeping.cancel()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await sweeping
    assert ended == ["slow"]


async def test_a_job_is_repeated_until_there_is_nothing_left() -> None:
    left = [100, 100, 7, 0]

    async def some() -> int:
        return left.pop(0)

    assert await until_none(some) == 207
    assert left == []
