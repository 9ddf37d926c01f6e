"""The day's programme is big and various enough, always the same, and an order of each is valid."""

import json
from collections import Counter

from adapters.channels.shopify.order import to_order
from demo import repertoire
from demo.day import ELSEWHERE, programme
from demo.repertoire import SALE, Scenario
from demo.shop import FIRST_ID, ID_STEP, offers, payload, total_shown
from domain.validation import validate

ACTS = programme()
SALES = [act.sale for act in ACTS if act.scenario.sells]
DECIMALS_ARE_TEXT = {"parse_float": str}


def _order(sale):
    return to_order("demo", json.loads(json.dumps(payload(sale)), **DECIMALS_ARE_TEXT))


def test_the_day_is_the_same_every_day():
    assert programme() == ACTS
    assert programme(seed=1) != ACTS


def test_each_scenario_is_on_the_programme():
    known = {one.title for one in vars(repertoire).values() if isinstance(one, Scenario)}
    assert {act.scenario.title for act in ACTS} == known


def test_the_trade_is_various():
    assert len(SALES) >= 60
    pieces = Counter(len(sale.lines) for sale in SALES)
    assert set(pieces) == {1, 2, 3, 4, 5, 6}
    assert any(len({sku for sku, _ in sale.lines}) < len(sale.lines) for sale in SALES)
    assert {total_shown(sale)[1] for sale in SALES} == {"EUR", "GBP", "USD"}
    countries = {sale.customer.country for sale in SALES}
    assert {"DE", "GB", "US", "FR", "NO", "CA", "AU"} <= countries
    assert any(sale.discount_percent for sale in SALES)
    assert {sale.payment for sale in SALES} == {"authorized", "paid", "pending"}


def test_no_two_orders_or_lines_share_an_id():
    ids = [sale.shop_id for sale in SALES]
    lines = [sale.line_id(place) for sale in SALES for place in range(len(sale.lines))]
    assert len(set(ids)) == len(ids)
    assert len({*map(str, ids), *lines}) == len(ids) + len(lines)
    assert all(len(sale.lines) < ID_STEP - 1 for sale in SALES)
    assert min(ids) > FIRST_ID


def test_each_order_adds_up_and_only_the_wrong_addresses_are_wrong():
    for sale in SALES:
        verdict = validate(_order(sale), frozenset(offers()))
        assert verdict.data_problems == (), sale
        wrong = bool(sale.wrong) and sale.wrong != ELSEWHERE
        assert bool(verdict.address_problems) == wrong, (sale, verdict)


def test_what_the_customer_sees_is_what_is_captured():
    for sale in SALES:
        shown = _order(sale).presentment_total
        amount, currency = total_shown(sale)
        assert (shown.amount_minor, shown.currency) == (int(amount * 100), currency)


def test_only_what_must_run_short_does():
    """Every warehouse has enough for the whole day."""
    wanted = Counter()
    for sale in SALES:
        wanted.update(sale.pieces())
    for sku, quantity in wanted.items():
        stock = offers()[sku]["stock"]
        if sku == "SAMOVAR":
            assert stock == {}
        else:
            assert all(stock[location] >= quantity for location in ("berlin", "leeds", "newark"))
    assert all(act.scenario is not SALE for act in ACTS if "SAMOVAR" in act.sale.pieces())
