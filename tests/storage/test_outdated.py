"""Who waits is sourced anew only after something that may change the answer."""

from collections.abc import AsyncIterator

import pytest

from domain.stock import Short
from storage.catalogue import Catalogue
from storage.engine import create_engine
from storage.sourcing_batch import SourcingBatch
from tests.storage.sourcingroom import BERLIN, LYON, Room, long_ago, wanted


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """An order waits, and nothing has changed for a while."""
    engine = create_engine(database_url, 5)
    made = Room(engine)
    await made.furnish(BERLIN, LYON)
    _, answer = await made.once(wanted("demo-1", ("CUP", 1)))
    assert isinstance(answer, Short)
    await long_ago(made)
    yield made
    await engine.dispose()


async def outdated(room: Room) -> list[str]:
    found = await SourcingBatch(room.engine).outdated(None, 10)
    return [one.request.order_id for one in found]


async def test_what_is_as_it_was_is_not_sourced_anew(room: Room) -> None:
    assert await outdated(room) == []
    await Catalogue(room.engine).put_locations([BERLIN, LYON])
    assert await outdated(room) == []


async def test_a_location_that_is_another_or_new_counts(room: Room) -> None:
    catalogue = Catalogue(room.engine)
    await catalogue.put_locations([LYON.model_copy(update={"serves": ("FR",)})])
    assert await outdated(room) == ["demo-1"]
    await long_ago(room)
    await catalogue.put_locations([LYON.model_copy(update={"location": "nice"})])
    assert await outdated(room) == ["demo-1"]


async def test_a_sku_that_became_dangerous_or_heavy_counts_and_a_new_title_does_not(
    room: Room,
) -> None:
    catalogue = Catalogue(room.engine)
    cup = (await catalogue.skus_named(["CUP"]))["CUP"]
    await catalogue.put_skus([cup.model_copy(update={"title": "Another"})])
    assert await outdated(room) == []
    for change in ({"hazmat": True}, {"weight_g": 900}):
        await catalogue.put_skus([cup.model_copy(update=change)])
        assert await outdated(room) == ["demo-1"]
        await long_ago(room)
        assert await outdated(room) == []


async def test_a_bundle_that_became_dangerous_counts(room: Room) -> None:
    await room.once(wanted("demo-2", ("SET", 1)))
    await long_ago(room)
    await room.run("UPDATE skus SET hazmat = true WHERE sku = 'SET'")
    assert await outdated(room) == ["demo-2"]


async def test_rules_that_are_activated_count_and_drafts_do_not(room: Room) -> None:
    await room.run("UPDATE stock_waiting SET sourced_at = now() - interval '30 minutes'")
    assert await outdated(room) == []
    await room.activate(parts_max=2)
    assert await outdated(room) == ["demo-1"]


async def test_a_new_day_counts_where_a_location_has_a_capacity(room: Room) -> None:
    await room.run("UPDATE stock_waiting SET sourced_at = now() - interval '2 days'")
    old = "UPDATE sourcing_rules SET activated_at = now() - interval '3 days'"
    await room.run(old)
    await room.run("ALTER TABLE locations DISABLE TRIGGER locations_changed")
    await room.run("UPDATE locations SET changed_at = now() - interval '3 days'")
    assert await outdated(room) == []
    await room.run("UPDATE locations SET capacity_per_day = 5, weekdays = '{1,2,3,4,5,6,7}'")
    assert await outdated(room) == ["demo-1"]


async def test_new_priorities_reach_who_waits_already_and_places_stay(room: Room) -> None:
    await known(room, "vip-1", "vip")
    for order, channel in (("demo-2", "demo"), ("vip-1", "vip")):
        await room.once(wanted(order, ("CUP", 1), channel=channel))
    await room.run("UPDATE stock_waiting SET sourced_at = now() - interval '30 minutes'")
    await room.activate(priorities={"vip": 5})
    for one in await SourcingBatch(room.engine).outdated(None, 10):
        await room.once(one.request)
    queue = "SELECT order_id, priority FROM stock_waiting ORDER BY priority DESC, position"
    assert await room.rows(queue) == [("vip-1", 5), ("demo-1", 0), ("demo-2", 0)]


async def test_each_new_reason_why_an_order_waits_is_kept_once(room: Room) -> None:
    request = wanted("demo-1", ("CUP", 1))

    async def versions() -> list[int]:
        await room.once(request)
        kept = await room.sourcing.decisions(request.order_id)
        return [one.decision.rules_version for one in kept]

    assert await versions() == [1]
    second = await room.activate(parts_max=3)
    assert await versions() == await versions() == [second, 1]
    await room.run("UPDATE locations SET holidays = ARRAY[current_date, current_date + 1]")
    assert await versions() == [second, 1]
    await Catalogue(room.engine).put_locations([LYON.model_copy(update={"active": False})])
    assert await versions() == await versions() == [second, second, 1]
    (waiting,) = await SourcingBatch(room.engine).waiting(10)
    assert waiting.request.order_id == "demo-1"


async def known(room: Room, order: str, channel: str) -> None:
    await room.run(
        "INSERT INTO orders (order_id, channel, channel_order_id, number, placed_at, currency, "
        "totals, payment, document, track_token) VALUES (:order, :channel, '1', '#1', now(), "
        "'EUR', '{}', 'paid', '{}', 't')",
        order=order,
        channel=channel,
    )
