"""A bundle is made up of SKUs that can be picked, and never of bundles."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.bundles import Bundle, BundleRefused, Bundles, Component
from storage.catalogue import Catalogue, CatalogueSku, Put
from storage.stock import PostgresInventory
from tests.storage.stockroom import receive, request, reserve, rows


@pytest.fixture
async def bundles(stock_engine: AsyncEngine) -> Bundles:
    names = ("set", "big", "other")
    await Catalogue(stock_engine).put_skus([CatalogueSku(sku=name, title=name) for name in names])
    return Bundles(stock_engine)


def bundle(sku: str, **components: int) -> Bundle:
    made_of = (Component(sku=name, quantity=quantity) for name, quantity in components.items())
    return Bundle(sku=sku, components=tuple(made_of))


async def refusal(bundles: Bundles, wanted: Bundle) -> list[tuple[str, str]]:
    with pytest.raises(BundleRefused) as refused:
        await bundles.put(wanted)
    assert await bundles.find(wanted.sku) is None
    return [(problem.field, problem.reason) for problem in refused.value.problems]


async def test_the_last_word_on_a_bundle_counts(bundles: Bundles) -> None:
    first, last = bundle("set", pot=1, cup=2), bundle("set", cup=3, tea=1)
    assert await bundles.put(first) is Put.ADDED
    assert await bundles.put(bundle("set", cup=2, pot=1)) is Put.UNCHANGED
    assert await bundles.put(last) is Put.CHANGED
    await bundles.put(bundle("big", tea=5))
    assert await bundles.find("set") == last
    assert await bundles.list() == (bundle("big", tea=5), last)
    assert await bundles.list(after="big", limit=1) == (last,)
    assert [await bundles.remove("set") for _ in range(2)] == [True, False]
    assert await bundles.list() == (bundle("big", tea=5),)


async def test_what_cannot_be_picked_is_refused_by_its_field(
    bundles: Bundles, stock: PostgresInventory
) -> None:
    await bundles.put(bundle("set", cup=2))
    await receive(stock, "tea", 1)
    assert await refusal(bundles, bundle("none", cup=1)) == [("sku", "unknown_sku")]
    assert await refusal(bundles, bundle("big", cup=1, none=1)) == [
        ("components.1.sku", "unknown_sku")
    ]
    assert await refusal(bundles, bundle("big", set=1)) == [("components.0.sku", "is_bundle")]
    assert await refusal(bundles, bundle("big", big=1)) == [("components.0.sku", "is_bundle")]
    assert await refusal(bundles, bundle("cup", pot=1)) == [("sku", "is_component")]
    assert await refusal(bundles, bundle("tea", pot=1)) == [("sku", "has_stock")]
    twice = bundle("big", cup=1)
    twice = twice.model_copy(update={"components": twice.components * 2})
    assert await refusal(bundles, twice) == [("components.1.sku", "repeated")]


async def test_a_sku_that_orders_wait_for_becomes_no_bundle(
    bundles: Bundles, stock: PostgresInventory
) -> None:
    await reserve(stock, request("a-1", ("other", 1)))
    assert await refusal(bundles, bundle("other", cup=1)) == [("sku", "has_stock")]


async def test_many_are_put_as_far_as_they_can_be_or_not_at_all(bundles: Bundles) -> None:
    wanted = [bundle("set", cup=2), bundle("big", set=1), bundle("other", pot=1)]
    strict = await bundles.put_all(wanted, strict=True)
    assert list(strict) == ["big"]
    assert await bundles.list() == ()
    answers = await bundles.put_all(wanted, strict=False)
    assert isinstance(answers.pop("big"), BundleRefused)
    assert answers == {"set": Put.ADDED, "other": Put.ADDED}
    assert [one.sku for one in await bundles.list()] == ["other", "set"]


async def test_two_that_would_make_a_circle_are_not_both_taken(
    bundles: Bundles, stock_engine: AsyncEngine
) -> None:
    for _ in range(5):
        answers = await asyncio.gather(
            bundles.put(bundle("set", big=1)),
            bundles.put(bundle("big", set=1)),
            return_exceptions=True,
        )
        assert {type(answer) for answer in answers} == {BundleRefused, Put}
        assert len(await rows(stock_engine, "SELECT 1 FROM bundle_components")) == 1
        await bundles.remove("set")
        await bundles.remove("big")


async def test_what_no_order_could_be_sourced_with_is_not_put_together(
    bundles: Bundles, stock_engine: AsyncEngine
) -> None:
    """A unit of 100 t is the most; what the bundle says of its own weight counts first."""
    catalogue = Catalogue(stock_engine)
    await catalogue.put_skus([CatalogueSku(sku="cup", title="cup", weight_g=1_000_000)])
    assert await refusal(bundles, bundle("set", pot=1, cup=101)) == [("components", "too_heavy")]
    assert await bundles.put(bundle("set", pot=1, cup=100)) is Put.ADDED
    await catalogue.put_skus([CatalogueSku(sku="big", title="big", weight_g=1)])
    assert await bundles.put(bundle("big", cup=101)) is Put.ADDED
