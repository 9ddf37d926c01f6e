"""The day's programme is big and various enough, always the same, and an order of each is valid."""

import json
from collections import Counter
from dataclasses import replace

from adapters.channels.shopify.order import to_order
from demo import repertoire
from demo.day import ELSEWHERE, programme
from demo.repertoire import SALE, Scenario
from demo.shop import (
    FIRST_ID,
    HERE,
    ID_STEP,
    bundles,
    goods,
    offers,
    payload,
    rarities,
    total_shown,
)
from domain.sourcing.rules import RuleSet
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
        verdict = validate(_order(sale), frozenset(goods()))
        assert verdict.data_problems == (), sale
        wrong = bool(sale.wrong) and sale.wrong != ELSEWHERE
        assert bool(verdict.address_problems) == wrong, (sale, verdict)


def test_what_the_customer_sees_is_what_is_captured():
    for sale in SALES:
        amount, currency = total_shown(sale)
        told = payload(sale)["total_price_set"]["presentment_money"]
        assert told == {"amount": str(amount), "currency_code": currency}
        shown = _order(sale).presentment_total
        goods_alone = replace(sale, gift_card="")
        assert shown.currency == currency
        slack = len(sale.lines) if sale.gift_card and currency != "EUR" else 0
        assert abs(shown.amount_minor - int(total_shown(goods_alone)[0] * 100)) <= slack


def test_what_a_gift_card_costs_is_none_of_our_lines_and_paid_all_the_same():
    mixed = [sale for sale in SALES if sale.gift_card]
    assert len(mixed) >= 2
    for sale in mixed:
        order = _order(sale)
        assert [line.sku for line in order.lines] == [sku for sku, _ in sale.lines]
        card = order.paid_total - order.totals.total
        assert card.decimal() == sale.gift_card


def test_only_what_must_run_short_does():
    """Every location has enough for the whole day of all that is not rare."""
    wanted = Counter()
    for sale in SALES:
        wanted.update(sale.pieces())
    rare = set(rarities()) | {"SAMOVAR", "TAGINE"}
    for sku in wanted.keys() - rare:
        stock = offers()[sku]["stock"]
        assert all(stock[location] >= wanted[sku] for location in ("berlin", "leeds", "newark"))
    assert offers()["SAMOVAR"]["stock"] == {}
    for act in ACTS:
        if act.scenario is SALE:
            assert not rare & {sku for sku, _ in act.sale.lines}


def test_what_is_split_is_nowhere_whole():
    stock = {sku: offer["stock"] for sku, offer in {**offers(), **rarities()}.items()}
    for act in ACTS:
        if act.scenario in (repertoire.SPLIT, repertoire.REST_CANCELLED):
            lines = act.sale.lines
            assert not any(
                all(stock[sku].get(place, 0) >= many for sku, many in lines)
                for place in ("berlin", "leeds", "newark")
            )
            assert all(sum(stock[sku].values()) >= many for sku, many in lines)


def test_the_rules_of_the_day_allow_two_parts_and_reach_everybody():
    rules = RuleSet.model_validate_json((HERE / "rules.json").read_text())
    assert rules.parts_allowed == 2
    for country in {sale.customer.country for sale in SALES}:
        assert all(rules.zone(origin, country) for origin in ("DE", "GB", "US"))


def test_a_bundle_has_goods_of_the_catalogue_and_none_of_its_own():
    assert bundles()
    for sku, components in bundles().items():
        assert rarities()[sku]["stock"] == {}
        assert set(components) <= set(offers())
        weights = sum(goods()[part]["weight_g"] * many for part, many in components.items())
        assert goods()[sku]["weight_g"] == weights
