"""The catalogue holds what was last said of a SKU, a location, a channel."""

from collections.abc import AsyncIterator
from datetime import date, time

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.addresses import Address
from domain.locations import Location
from storage.catalogue import Catalogue, CatalogueChannel, CatalogueSku, Put
from storage.engine import create_engine
from storage.orders import PostgresOrderBook

BERLIN = Location(location="berlin", name="Berlin", timezone="Europe/Berlin",
                  address=Address(city="Berlin", country="DE"))  # fmt: skip


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, 5)
    yield made
    await made.dispose()


async def test_the_last_word_on_a_sku_counts(engine: AsyncEngine) -> None:
    catalogue = Catalogue(engine)
    tee, mug = CatalogueSku(sku="TEE", title="Tee", weight_g=200), CatalogueSku(sku="MUG", title="")
    await catalogue.put_skus([tee, mug, tee.model_copy(update={"weight_g": 210})])
    await catalogue.put_skus([])
    await catalogue.put_skus([mug.model_copy(update={"title": "Mug", "hs_code": "6912"})])
    assert await catalogue.skus() == (
        CatalogueSku(sku="MUG", title="Mug", hs_code="6912"),
        CatalogueSku(sku="TEE", title="Tee", weight_g=210),
    )
    wanted = frozenset({"TEE", "tee", "HAT", "a\0b"})
    assert await PostgresOrderBook(engine).known_skus(wanted) == {"TEE"}
    assert await PostgresOrderBook(engine).known_skus(frozenset()) == frozenset()


async def test_a_location_is_what_it_was_said_to_be(engine: AsyncEngine) -> None:
    catalogue = Catalogue(engine)
    await catalogue.put_locations([BERLIN])
    await catalogue.put_locations([BERLIN.model_copy(update={"active": False})])
    closed = BERLIN.model_copy(update={"active": False})
    assert await catalogue.locations() == (closed,)
    assert await PostgresOrderBook(engine).location("berlin") == closed


async def test_channels_are_listed_by_id(engine: AsyncEngine) -> None:
    catalogue = Catalogue(engine)
    shops = [CatalogueChannel(channel=name, kind="shopify", name=name) for name in ("b", "a")]
    await catalogue.put_channels(shops)
    assert [shop.channel for shop in await catalogue.channels()] == ["a", "b"]


async def test_what_is_said_again_is_not_written_again(engine: AsyncEngine) -> None:
    catalogue = Catalogue(engine)
    tee, mug = CatalogueSku(sku="TEE", title="Tee"), CatalogueSku(sku="MUG", title="Mug")
    assert await catalogue.put_skus([tee]) == {"TEE": Put.ADDED}
    heavier = tee.model_copy(update={"weight_g": 210})
    assert await catalogue.put_skus([heavier, mug]) == {"MUG": Put.ADDED, "TEE": Put.CHANGED}
    assert await catalogue.put_skus([heavier, mug]) == dict.fromkeys(("MUG", "TEE"), Put.UNCHANGED)
    assert await catalogue.put_locations([BERLIN]) == {"berlin": Put.ADDED}
    later = BERLIN.model_copy(update={"cut_off": time(16, 30), "holidays": (date(2026, 12, 25),)})
    assert await catalogue.put_locations([later]) == {"berlin": Put.CHANGED}
    assert await catalogue.put_locations([later]) == {"berlin": Put.UNCHANGED}
    assert await catalogue.location("berlin") == later
    assert await catalogue.location("none") is None


async def test_skus_are_found_by_name_and_title_page_by_page(engine: AsyncEngine) -> None:
    catalogue = Catalogue(engine)
    names = [f"S{n:04}" for n in range(2_500)]  # more than one statement takes
    made = await catalogue.put_skus([CatalogueSku(sku=name, title=f"No. {name}") for name in names])
    assert set(made.values()) == {Put.ADDED}
    page = await catalogue.skus(after="S0010", limit=2)
    assert [sku.sku for sku in page] == ["S0011", "S0012"]
    await catalogue.put_skus([CatalogueSku(sku="S0007", title="50% off_cup")])
    for find, found in (
        ("cUp", ["S0007"]),
        ("50%", ["S0007"]),
        ("f_c", ["S0007"]),
        ("s2499", ["S2499"]),
    ):
        assert [sku.sku for sku in await catalogue.skus(find=find)] == found
    assert await catalogue.sku("S0007") == CatalogueSku(sku="S0007", title="50% off_cup")
    assert await catalogue.sku("s0007") is None
