"""Whether what a location has packed may go to another country is read from its rules of now."""

from collections.abc import AsyncIterator

import pytest

from activities.inventory import InventoryActivities
from domain.orders import Destination
from domain.stock import WayRequest
from storage.catalogue import Catalogue
from storage.engine import create_engine
from tests.storage.sourcingroom import BERLIN, LYON, Room, wanted


@pytest.fixture
async def room(database_url: str) -> AsyncIterator[Room]:
    """All that Berlin had is reserved, and packed."""
    engine = create_engine(database_url, 5)
    made = Room(engine)
    await made.furnish(BERLIN, LYON)
    await made.receive("berlin", CUP=4, POT=1)
    await made.once(wanted("demo-1", ("SET", 1)))
    yield made
    await engine.dispose()


async def bar(room: Room, country: str) -> str:
    asked = WayRequest(
        order_id=wanted("demo-1").order_id,
        location="berlin",
        lines=wanted("demo-1", ("SET", 1)).lines,
        destination=Destination(country=country, postal_code="75001"),
    )
    return (await InventoryActivities(room.stock, room.sourcing).may_ship(asked)).bar


async def test_a_country_that_the_location_serves_is_open_though_it_has_no_more(room: Room) -> None:
    assert await bar(room, "FR") == ""
    assert len(await room.rows("SELECT FROM sourcing_decisions")) == 1


async def test_a_country_that_it_serves_no_more_is_barred(room: Room) -> None:
    catalogue = Catalogue(room.engine)
    await catalogue.put_locations([BERLIN.model_copy(update={"serves": ("DE",), "active": False})])
    assert [await bar(room, country) for country in ("FR", "DE")] == ["not_served", ""]
