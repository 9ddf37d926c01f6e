"""By which rules channels sell: every version is kept, and none names what is not there."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.selling import SellingRule, SellingRules
from storage.catalogue import Catalogue, CatalogueChannel
from storage.selling_rules import SellingRulesBook, SellingRulesRefused
from tests.storage.stockroom import rows

SHOP, MARKET = "shop", "market"


@pytest.fixture
async def book(stock_engine: AsyncEngine) -> SellingRulesBook:
    shops = [CatalogueChannel(channel=name, kind="shopify", name=name) for name in (SHOP, MARKET)]
    await Catalogue(stock_engine).put_channels(shops)
    return SellingRulesBook(stock_engine)


async def test_rules_have_versions_and_the_same_rules_make_none(book: SellingRulesBook) -> None:
    first, other = SellingRules(standard=SellingRule(cap=5)), SellingRules()
    assert (await book.current(SHOP)).version == 0
    for rules, version in ((first, 1), (first, 1), (other, 2), (first, 3)):
        assert (await book.put(SHOP, rules, "ann")).version == version
    assert [one.version for one in await book.versions(SHOP)] == [3, 2, 1]
    assert [one.version for one in await book.versions(SHOP, before=3, limit=1)] == [2]
    assert (await book.current(SHOP)).rules == first
    assert (await book.current(MARKET)).version == 0


async def test_rules_said_at_once_each_get_a_version(book: SellingRulesBook) -> None:
    caps = [SellingRules(standard=SellingRule(cap=n)) for n in range(10)]
    said = await asyncio.gather(*(book.put(SHOP, rules, "ann") for rules in caps))
    assert sorted(one.version for one in said) == list(range(1, 11))


async def test_rules_that_name_what_is_not_there_are_refused(
    book: SellingRulesBook, stock_engine: AsyncEngine
) -> None:
    lost = SellingRule(locations=("berlin", "atlantis"))
    with pytest.raises(SellingRulesRefused) as refused:
        await book.put(SHOP, SellingRules(standard=lost, skus={"hat": lost}), "ann")
    assert [problem.field for problem in refused.value.problems] == [
        "standard.locations.1",
        "skus.hat.locations.1",
        "skus.hat",
    ]
    assert await rows(stock_engine, "SELECT 1 FROM selling_rules") == []


async def test_a_kept_version_of_the_rules_cannot_be_changed(
    book: SellingRulesBook, stock_engine: AsyncEngine
) -> None:
    await book.put(SHOP, SellingRules(standard=SellingRule(cap=5)), "ann")
    with pytest.raises(Exception, match="append-only"):
        await rows(stock_engine, "UPDATE selling_rules SET by = 'bob' RETURNING 1")
