"""What channels may sell is a fold of the ledger by hand, and no change of it is ever missed."""

import asyncio
import random
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.selling import SellingRule, SellingRules
from domain.stock import SkuQuantity
from storage.bundles import Bundle, Bundles, Component
from storage.catalogue import Catalogue, CatalogueChannel, CatalogueSku
from storage.channel_stock import ChannelStocks
from storage.stock import PostgresInventory
from tests.storage.stockroom import (
    PLACES,
    correction,
    receive,
    ref,
    request,
    reserve,
    rows,
    until,
)

SHOP, MARKET = "shop", "market"
SET = Bundle(sku="set", components=(Component(sku="cup", quantity=2), Component(sku="pot")))


@pytest.fixture
async def channels(stock_engine: AsyncEngine) -> ChannelStocks:
    catalogue = Catalogue(stock_engine)
    shops = [CatalogueChannel(channel=name, kind="shopify", name=name) for name in (SHOP, MARKET)]
    await catalogue.put_channels(shops)
    await catalogue.put_skus([CatalogueSku(sku="set", title="Tea set")])
    await Bundles(stock_engine).put(SET)
    return ChannelStocks(stock_engine, [SHOP])


async def numbers(channels: ChannelStocks, channel: str = SHOP) -> dict[str, int]:
    return {one.sku: one.sellable.quantity for one in await channels.page(channel)}


async def news(channels: ChannelStocks, since: int = 0, channel: str = SHOP) -> dict[str, int]:
    return {one.sku: one.quantity for one in await channels.changed(channel, since)}


async def test_each_channel_sells_by_its_own_rules(
    stock: PostgresInventory, channels: ChannelStocks
) -> None:
    await receive(stock, "cup", 9)
    await receive(stock, "cup", 4, "lyon")
    await receive(stock, "pot", 3)
    rule = SellingRule(buffer=2, locations=("berlin",))
    said = await channels.rules.put(
        MARKET, SellingRules(standard=rule, skus={"pot": SellingRule(cap=1)}), "key-1"
    )
    assert (said.version, said.by) == (1, "key-1")
    assert await numbers(channels, SHOP) == {"cup": 13, "pot": 3, "set": 3, "tea": 0}
    assert await numbers(channels, MARKET) == {"cup": 7, "pot": 1, "set": 1, "tea": 0}
    (cup,) = await channels.now(["cup"], [MARKET])
    assert (cup.rules_version, cup.sellable.sentence) == (1, "7 to sell: 9 free, 2 kept back.")


async def test_safety_stock_damage_closed_places_and_the_queue_are_not_for_sale(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    for place in (*PLACES, "shut"):
        await receive(stock, "cup", 10, place)
    await stock.set_safety(correction(3, "s1"))
    await stock.move_to_damaged(correction(2, "d1"))
    assert await numbers(channels) == {"cup": 15, "pot": 0, "set": 0, "tea": 0}
    await reserve(stock, request("a-1", ("cup", 4), ("pot", 1)))
    assert (await numbers(channels))["cup"] == 11
    await reserve(stock, request("a-2", ("cup", 11)), ("berlin",))
    assert (await numbers(channels))["cup"] == 0
    await Catalogue(stock_engine).put_skus([CatalogueSku(sku="cup", title="", backorder_max=4)])
    assert (await numbers(channels))["cup"] == 4
    await stock.release(ref("a-2"))
    assert (await numbers(channels))["cup"] == 15


async def test_only_numbers_that_became_others_get_a_new_version(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    assert await news(channels) == {"cup": 0, "pot": 0, "set": 0, "tea": 0}
    before = await channels.refresh()
    assert await channels.refresh() == before
    await receive(stock, "cup", 4)
    await receive(stock, "pot", 2)
    assert await news(channels, before) == {"cup": 4, "pot": 2, "set": 2}
    before = await channels.refresh()
    await stock.set_safety(correction(1, "s1", "tea"))
    assert await news(channels, before) == {}
    await reserve(stock, request("a-1", ("pot", 3)))
    assert await news(channels, before) == {"pot": 0, "set": 0}
    before = await channels.refresh()
    await stock.release(ref("a-1"))
    assert await news(channels, before) == {"pot": 2, "set": 2}
    before = await channels.refresh()
    await channels.rules.put(SHOP, SellingRules(standard=SellingRule(cap=3)), "ann")
    assert await news(channels, before) == {"cup": 3}
    assert await news(channels, before, MARKET) == {}


async def test_what_changes_seldom_is_worked_out_again_as_well(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    await receive(stock, "cup", 4)
    await receive(stock, "pot", 4, "lyon")
    before = await channels.refresh()
    await Bundles(stock_engine).put(SET.model_copy(update={"components": SET.components[:1]}))
    assert await news(channels, before) == {"set": 2}
    before = await channels.refresh()
    catalogue = Catalogue(stock_engine)
    await catalogue.put_skus([CatalogueSku(sku="cup", title="", backorder_max=4)])
    assert await news(channels, before) == {"cup": 8, "set": 4}
    before = await channels.refresh()
    await rows(stock_engine, "UPDATE locations SET active = location <> 'lyon' RETURNING 1")
    assert await news(channels, before) == {"pot": 0}
    before = await channels.refresh()
    await catalogue.put_channels([CatalogueChannel(channel="fair", kind="shopify", name="Fair")])
    await catalogue.put_skus([CatalogueSku(sku="hat", title="")])
    assert await news(channels, before) == {"hat": 0}
    assert await news(channels, 0, "fair") == {"cup": 8, "hat": 0, "pot": 0, "set": 4, "tea": 0}


async def test_a_channel_that_is_wired_later_gets_every_number(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    await receive(stock, "cup", 4)
    before = await channels.refresh()
    wider = ChannelStocks(stock_engine, [SHOP, "fair"])
    assert await news(wider, 0, "fair") == {"cup": 4, "pot": 0, "set": 0, "tea": 0}
    assert await news(wider, before, SHOP) == {}
    after = await wider.refresh()
    assert await wider.refresh() == after


async def test_what_moved_while_a_channel_was_not_wired_is_not_missed(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    """So too while starters with the old settings and the new ones run at the same time."""
    wider = ChannelStocks(stock_engine, ["fair"])
    before = await wider.refresh()
    for held in (1, 2):
        await receive(stock, "cup", 1, key=f"r{held}")
        assert await news(channels, before) == {"cup": held}
        assert await news(wider, before, "fair") == {"cup": held}


async def test_counters_that_were_put_right_are_worked_out_again(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    await receive(stock, "cup", 5)
    before = await channels.refresh()
    async with stock_engine.begin() as connection:  # as a damaged disk might
        await connection.execute(text("SET LOCAL session_replication_role = replica"))
        await connection.execute(text("UPDATE stock SET on_hand = 1"))
    await channels.mark_all()
    assert await news(channels, before) == {"cup": 1}
    before = await channels.refresh()
    assert len(await stock.rebuild()) == 1
    assert await news(channels, before) == {}
    await channels.mark_all()
    assert await news(channels, before) == {"cup": 5}


async def test_a_movement_that_commits_after_later_ones_is_not_missed(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    before = await channels.refresh()
    change = text("SELECT stock_change('received', 'slow', NULL, 'berlin', :items, '', 'ann')")
    async with stock_engine.connect() as slow:
        await slow.execute(change, {"items": '[{"sku": "cup", "quantity": 5}]'})
        await receive(stock, "pot", 3)
        for _ in range(3):
            assert await news(channels, before) == {"pot": 3}
        await slow.commit()
    assert await news(channels, before) == {"pot": 3, "cup": 5, "set": 2}


async def test_what_was_read_of_the_ledger_is_not_read_again_for_ever(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    for n in range(3):
        await receive(stock, "cup", 1, key=f"r{n}")
        await channels.refresh()

    async def all_read() -> bool:
        await channels.refresh()
        ((last, seen_to),) = await rows(
            stock_engine,
            "SELECT (SELECT max(id) FROM stock_movements), seen_to FROM channel_stock_progress",
        )
        return bool(seen_to == last)

    await until(all_read)  # PostgreSQL itself may be writing at the moment


async def test_a_reader_that_asks_on_and_on_ends_with_every_number(
    stock: PostgresInventory, channels: ChannelStocks
) -> None:
    """Changes, refreshes and reads at the same time, page by page."""
    read: dict[str, int] = {}
    since = 0
    trading = asyncio.create_task(_trade(stock))

    async def read_on() -> int:
        nonlocal since
        page = await channels.changed(SHOP, since, 2)
        read.update({one.sku: one.quantity for one in page})
        since = page[-1].version if page else since
        return len(page)

    while not trading.done():
        await asyncio.gather(read_on(), channels.refresh())
    await trading
    while await read_on():
        pass
    assert read == await numbers(channels)


async def test_the_numbers_are_a_fold_of_the_ledger_by_hand(
    stock: PostgresInventory, stock_engine: AsyncEngine, channels: ChannelStocks
) -> None:
    rule = SellingRule(buffer=1, buffer_percent=10, cap=30, hidden_below=2, locations=("berlin",))
    await channels.rules.put(MARKET, SellingRules(standard=rule), "ann")
    for seed in range(8):
        await _trade(stock, seed)
        for channel, by in ((SHOP, SellingRule()), (MARKET, rule)):
            wanted = await _by_hand(stock_engine, by)
            assert await numbers(channels, channel) == wanted
            assert await news(channels, 0, channel) == wanted


async def _trade(stock: PostgresInventory, seed: int = 0) -> None:
    dice = random.Random(seed)
    for n in range(25):
        key, sku = f"{seed}-{n}", dice.choice(("cup", "pot", "tea"))
        match dice.randrange(6):
            case 0 | 1:
                await receive(stock, sku, dice.randint(1, 9), dice.choice(PLACES), key)
            case 2 | 3:
                sold = (dice.choice((sku, "set")), dice.randint(1, 3))
                await reserve(stock, request(f"a-{key}", sold, (sku, 1)))
            case 4:
                await stock.release(ref(f"a-{seed}-{dice.randrange(n + 1)}"))
            case 5:
                place = dice.choice(PLACES)
                await stock.set_safety(correction(dice.randint(0, 3), key, sku, location=place))


async def _by_hand(engine: AsyncEngine, rule: SellingRule) -> dict[str, int]:
    """Nothing but the ledger and the queue, one unit after another."""
    free: Counter[tuple[str, str]] = Counter()
    ledger = await rows(
        engine,
        "SELECT sku, location, on_hand_delta - reserved_delta - damaged_delta - safety_delta "
        "FROM stock_movements",
    )
    for sku, place, delta in ledger:
        free[sku, place] += delta
    waits: Counter[str] = Counter()
    for (items,) in await rows(engine, "SELECT items FROM stock_waiting"):
        for item in map(SkuQuantity.model_validate, items):
            waits[item.sku] += item.quantity
    found = {sku: _alone(free, waits, sku, 1, rule) for sku in ("cup", "pot", "tea")}
    whole = 0
    for place in (place for place in PLACES if rule.serves(place)):
        left: dict[str, Any] = {sku: free[sku, place] for sku in ("cup", "pot")}
        while left["cup"] >= 2 and left["pot"] >= 1:
            left = {"cup": left["cup"] - 2, "pot": left["pot"] - 1}
            whole += 1
    sets = (
        _kept(whole, rule),
        _alone(free, waits, "cup", 2, rule),
        _alone(free, waits, "pot", 1, rule),
    )
    found["set"] = min(sets)
    return {sku: _shown(quantity, rule) for sku, quantity in found.items()}


def _alone(
    free: Counter[tuple[str, str]], waits: Counter[str], sku: str, each: int, rule: SellingRule
) -> int:
    here = sum(max(0, free[sku, place]) for place in PLACES if rule.serves(place))
    return max(0, _kept(here // each, rule) - -(-waits[sku] // each))


def _kept(units: int, rule: SellingRule) -> int:
    percent = -(-units * rule.buffer_percent // 100)
    return max(0, units - max(rule.buffer, percent))


def _shown(quantity: int, rule: SellingRule) -> int:
    if quantity < rule.hidden_below:
        return 0
    return quantity if rule.cap is None else min(quantity, rule.cap)
