"""What a decision on sourcing says: the plan, its cost, why not elsewhere, and what is missing."""

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from pydantic import ValidationError

from domain.orders import Destination, LineRef
from domain.promises import Calendar, Promise
from domain.sourcing.case import Candidate, Case, Demand
from domain.sourcing.claims import claim
from domain.sourcing.decision import Bar, Cost, Decision
from domain.sourcing.given import given
from domain.sourcing.rules import RuleSet, Tier, Zone
from domain.sourcing.source import source
from domain.stock import Part, SkuQuantity

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
TIERS = (
    Tier(weight_max_g=1_000, price_minor=490),
    Tier(weight_max_g=5_000, price_minor=690),
    Tier(weight_max_g=20_000, price_minor=1_290),
)
EUROPE = Zone(name="Europe", tiers=TIERS, transit_days=1)
HOME = EUROPE.model_copy(update={"name": "home", "origins": ("DE",)})
FAR = Zone(name="far", tiers=(Tier(weight_max_g=5_000, price_minor=1_380),))
RULES = RuleSet(zones=(EUROPE,), balance_minor=0)
CITIES = {"berlin": ("Berlin", "DE", "12043"), "leeds": ("Leeds", "GB", "LS1 4DY"),
        "lyon": ("Lyon", "FR", "69001")}  # fmt: skip


def at(location: str, *, can: dict[str, Any] | None = None, **available: int) -> Candidate:
    name, country, postal_code = CITIES[location]
    stock = {sku.upper(): many for sku, many in available.items()}
    return Candidate(
        location=location, name=name, country=country, postal_code=postal_code,
        available=stock, **(can or {}),
    )  # fmt: skip


def wants(*lines: tuple[str, int], **more: Any) -> tuple[Demand, ...]:
    return tuple(
        Demand(line_id=str(number), sku=sku, quantity=many, weight_g=400, value_minor=900, **more)
        for number, (sku, many) in enumerate(lines, 1)
    )


def case(*candidates: Candidate, lines: tuple[Demand, ...], **more: Any) -> Case:
    return Case(
        destination=Destination(country="DE", postal_code="10115"),
        now=MONDAY,
        lines=lines,
        candidates=candidates,
        **{"rules": RULES, **more},
    )


def shipped(decision: Decision) -> dict[str, dict[str, int]]:
    """What each location ships: units by line."""
    assert decision.plan
    return {
        part.location: {line.line_id: line.quantity for line in part.lines}
        for part in decision.plan.parts
    }


MUGS = wants(("MUG", 2), ("POT", 1))


def test_the_nearest_location_that_has_all_ships_all_and_the_sentence_says_why() -> None:
    decision = source(
        case(at("lyon", mug=9, pot=9), at("leeds", mug=1, pot=9), at("berlin", mug=2, pot=1),
             lines=MUGS)
    )  # fmt: skip
    assert shipped(decision) == {"berlin": {"1": 2, "2": 1}}
    assert decision.sentence == (
        "Berlin ships all 2 lines: 7 km, 6.90 EUR, arrives Tue 24 Nov; "
        "Lyon would cost 4.84 EUR more (distance), Leeds lacks 1 of MUG."
    )
    assert decision.proven
    assert decision.missing == ()


@pytest.mark.parametrize(
    ("rules", "berlin", "told"),
    [
        ({"distance_minor_per_100km": 0}, {}, "the same"),
        ({"distance_minor_per_100km": 0}, {"cost_minor": 40}, "0.40 EUR less (location)"),
        ({"balance_minor": 300}, {}, "1.84 EUR more (mostly distance)"),
        ({"balance_minor": 1_000}, {}, "5.16 EUR less (mostly stock balance)"),
        ({"zones": (HOME, FAR)}, {}, "11.74 EUR more (mostly shipping)"),
    ],
)
def test_the_cost_that_differs_most_is_named(
    rules: dict[str, Any], berlin: dict[str, Any], told: str
) -> None:
    """Lyon's, beside what Berlin's is: whichever is the better, the queue gave it to Berlin."""
    asked = case(
        at("lyon", mug=4, pot=1), at("berlin", can=berlin, mug=2, pot=1), lines=MUGS,
        rules=RULES.model_copy(update=rules),
    )  # fmt: skip
    refs = tuple(
        LineRef(line_id=line.line_id, sku=line.sku, quantity=line.quantity) for line in MUGS
    )
    decision = given(asked, [Part(location="berlin", lines=refs)], "counted")
    assert decision.sentence.endswith(f"; Lyon would cost {told}.")


def test_a_part_names_the_zone_that_its_shipping_is_by() -> None:
    zones = (HOME, FAR)
    asked = case(at("lyon", pot=9), at("berlin", mug=9), lines=MUGS,
                 rules=RULES.model_copy(update={"zones": zones}))  # fmt: skip
    plan = source(asked).plan
    assert plan
    assert {part.location: part.zone for part in plan.parts} == {"berlin": "home", "lyon": "far"}
    nowhere = source(case(at("berlin", mug=9, pot=9), lines=MUGS, rules=RuleSet())).plan
    assert nowhere
    assert [part.zone for part in nowhere.parts] == [""]


def test_a_decision_keeps_every_candidate_with_its_cost_or_its_bar() -> None:
    decision = source(
        case(at("lyon", mug=9, pot=9), at("leeds", mug=1, pot=9), at("berlin", mug=2, pot=1),
             lines=MUGS)
    )  # fmt: skip
    berlin, leeds, lyon = decision.candidates
    assert decision.plan
    assert (
        berlin.cost
        == decision.plan.cost
        == Cost(distance_minor=3, shipping_minor=690, total_minor=693)
    )
    assert (leeds.bar, leeds.lacks) == (Bar.STOCK, (SkuQuantity(sku="MUG", quantity=1),))
    assert (leeds.cost, lyon.bar) == (None, None)
    assert [part.location for part in decision.runners_up[0].parts] == ["lyon"]
    assert Decision.model_validate_json(decision.model_dump_json()) == decision


def test_an_order_is_split_where_no_location_has_all_and_the_costs_add_up() -> None:
    decision = source(case(at("berlin", mug=2), at("lyon", pot=1), lines=MUGS))
    assert shipped(decision) == {"berlin": {"1": 2}, "lyon": {"2": 1}}
    assert decision.plan
    assert decision.plan.cost == Cost(
        distance_minor=3 + 487, shipping_minor=490 + 490, split_minor=500, total_minor=1_970
    )
    assert decision.sentence == (
        "Berlin ships 1 of 2 lines (7 km) and Lyon ships 1 of 2 lines (975 km): 9.80 EUR, "
        "2 parcels, arrives Tue 24 Nov; alone Berlin lacks 1 of POT, alone Lyon lacks 2 of MUG."
    )


def test_the_units_of_a_line_may_come_from_two_locations() -> None:
    decision = source(case(at("berlin", mug=3), at("lyon", mug=2), lines=wants(("MUG", 5))))
    assert shipped(decision) == {"berlin": {"1": 3}, "lyon": {"1": 2}}
    assert "Berlin ships 3 of 5 units" in decision.sentence


def test_a_unit_of_a_bundle_is_never_parted_but_two_units_may_be() -> None:
    parts = (SkuQuantity(sku="CUP", quantity=2), SkuQuantity(sku="TRAY", quantity=1))
    two_sets = wants(("SET", 2), components=parts)
    apart = case(at("berlin", cup=9), at("lyon", tray=9), lines=two_sets)
    assert source(apart).plan is None
    both = source(case(at("berlin", cup=3, tray=9), at("lyon", cup=2, tray=1), lines=two_sets))
    assert shipped(both) == {"berlin": {"1": 1}, "lyon": {"1": 1}}
    assert both.plan
    assert both.plan.parts[0].items == parts
    assert both.plan.parts[0].lines == (LineRef(line_id="1", sku="SET", quantity=1),)


def test_a_bundle_and_a_line_that_want_the_same_sku_share_its_stock() -> None:
    lines = (
        *wants(("CUP", 2)),
        Demand(line_id="2", sku="SET", quantity=1,
               components=(SkuQuantity(sku="CUP", quantity=2),)),
    )  # fmt: skip
    assert source(case(at("berlin", cup=4), lines=lines)).plan
    short = source(case(at("berlin", cup=3), lines=lines))
    assert short.plan is None
    assert short.missing == (SkuQuantity(sku="CUP", quantity=1),)


def test_what_cannot_ship_waits_for_what_lacks_least() -> None:
    decision = source(
        case(at("berlin", mug=1), at("lyon", mug=2), at("leeds"), lines=MUGS,
             rules=RULES.model_copy(update={"parts_max": 2}))
    )  # fmt: skip
    assert decision.plan is None
    assert decision.proven
    assert decision.missing == (SkuQuantity(sku="POT", quantity=1),)
    assert decision.sentence == (
        "No location can ship all in up to 2 parts: Lyon lacks 1 of POT, "
        "Berlin lacks 1 of MUG and 1 of POT, Leeds lacks 2 of MUG and 1 of POT; "
        "waits for 1 of POT."
    )


@pytest.mark.parametrize(
    ("lines", "berlin", "lyon"),
    [((250, 250, 250), 375, 375), ((300, 300), 301, 299), ((750,), 375, 375)],
)
def test_lines_too_long_to_try_every_share_ship_what_is_there(
    lines: tuple[int, ...], berlin: int, lyon: int
) -> None:
    long = wants(*[("CUP", many) for many in lines])
    decision = source(case(at("berlin", cup=berlin), at("lyon", cup=lyon), lines=long))
    assert {place: sum(units.values()) for place, units in shipped(decision).items()} == {
        "berlin": berlin, "lyon": lyon,
    }  # fmt: skip
    one_short = source(case(at("berlin", cup=berlin - 1), at("lyon", cup=lyon), lines=long))
    assert (one_short.plan, one_short.proven) == (None, True)
    assert one_short.missing == (SkuQuantity(sku="CUP", quantity=1),)


def test_a_long_line_is_shared_so_that_each_part_is_worth_enough() -> None:
    worth = RULES.model_copy(update={"part_value_min_minor": 150 * 900})
    stock = (at("berlin", cup=499), at("lyon", cup=400))
    decision = source(case(*stock, lines=wants(("CUP", 500)), rules=worth))
    assert shipped(decision) == {"berlin": {"1": 350}, "lyon": {"1": 150}}


def test_a_long_line_is_shared_so_that_parcels_are_cheap() -> None:
    """Neither place as full as it can be: five kilograms each are cheaper than eight and two."""
    (cups,) = wants(("CUP", 500))
    light = cups.model_copy(update={"weight_g": 20})
    decision = source(case(at("berlin", cup=400), at("lyon", cup=400), lines=(light,)))
    assert shipped(decision) == {"berlin": {"1": 250}, "lyon": {"1": 250}}
    assert decision.plan
    assert decision.plan.cost.shipping_minor == 2 * 690


def test_a_sentence_says_none_was_found_where_that_proves_nothing() -> None:
    """Four parts and more are built one by one: what is worth enough may need others."""
    rules = RULES.model_copy(update={"parts_max": 4, "part_value_min_minor": 3 * 900})
    stock = [at(city, cup=2) for city in CITIES]
    stock.append(at("leeds", cup=2).model_copy(update={"location": "york", "name": "York"}))
    decision = source(case(*stock, lines=wants(("CUP", 8)), rules=rules))
    assert (decision.plan, decision.proven) == (None, False)
    assert decision.sentence.startswith("No way was found to ship all in up to 4 parts: Berlin ")
    enough = rules.model_copy(update={"part_value_min_minor": 0})
    assert source(case(*stock, lines=wants(("CUP", 8)), rules=enough)).plan
    nothing = source(case(*stock, lines=wants(("CUP", 9)), rules=rules))
    assert (nothing.plan, nothing.proven) == (None, True)
    assert nothing.sentence.startswith("No location can ship all in up to 4 parts: Berlin ")


def test_an_order_that_ships_complete_waits_though_two_locations_have_it() -> None:
    complete = RULES.model_copy(update={"ship_complete": True})
    decision = source(case(at("berlin", mug=2), at("lyon", pot=1), lines=MUGS, rules=complete))
    assert decision.plan is None
    assert decision.missing == (SkuQuantity(sku="POT", quantity=1),)


@pytest.mark.parametrize(
    ("can", "bar", "reason"),
    [
        ({"active": False}, Bar.INACTIVE, "is not active"),
        ({"serves": ("FR", "GB")}, Bar.NOT_SERVED, "does not serve DE"),
        ({"capacity_left": 0}, Bar.NO_CAPACITY, "has no capacity left for Mon 23 Nov"),
        ({"hazmat": False}, Bar.HAZMAT, "may not ship the dangerous goods MUG and POT"),
        ({"parcel_weight_max_g": 399}, Bar.TOO_HEAVY, "ships no parcel as heavy as MUG and POT"),
    ],
)
def test_a_rule_keeps_the_nearest_location_out(can: dict[str, Any], bar: Bar, reason: str) -> None:
    lines = wants(("MUG", 2), ("POT", 1), hazmat=True)
    decision = source(
        case(at("berlin", can=can, mug=9, pot=9), at("lyon", mug=9, pot=9), lines=lines)
    )
    assert shipped(decision) == {"lyon": {"1": 2, "2": 1}}
    assert (decision.candidates[0].bar, decision.candidates[0].reason) == (bar, reason)
    assert decision.sentence.endswith(f"; Berlin {reason}.")


def test_an_excluded_location_and_one_without_a_zone_ship_nothing() -> None:
    home = RULES.model_copy(update={"zones": (EUROPE.model_copy(update={"origins": ("DE",)}),)})
    decision = source(
        case(at("berlin", mug=9, pot=9), at("lyon", mug=9, pot=9), lines=MUGS, rules=home,
             excluded=("berlin",))
    )  # fmt: skip
    assert decision.plan is None
    assert [one.bar for one in decision.candidates] == [Bar.EXCLUDED, Bar.NO_ZONE]
    assert decision.sentence == (
        "No location can ship all in up to 2 parts: Berlin rejected this order, "
        "Lyon has no shipping zone to DE."
    )


def test_without_any_location_all_of_it_is_missing() -> None:
    decision = source(case(lines=MUGS))
    assert decision.missing == (
        SkuQuantity(sku="MUG", quantity=2),
        SkuQuantity(sku="POT", quantity=1),
    )
    assert decision.sentence == "No location can ship: there is none."


def test_a_part_that_is_worth_too_little_is_filled_up_or_not_made() -> None:
    def with_least(least_minor: int) -> Decision:
        rules = RULES.model_copy(update={"part_value_min_minor": least_minor})
        stocks = (at("berlin", mug=2, pot=2), at("lyon", pot=3))
        return source(case(*stocks, lines=wants(("MUG", 2), ("POT", 3)), rules=rules))

    assert shipped(with_least(900)) == {"berlin": {"1": 2, "2": 2}, "lyon": {"2": 1}}
    assert shipped(with_least(1_800)) == {"berlin": {"1": 2, "2": 1}, "lyon": {"2": 2}}
    assert with_least(2_700).plan is None


@pytest.mark.parametrize(
    ("currency", "split"), [("", False), ("EUR", False), ("GBP", True), ("JPY", False)]
)
def test_the_least_worth_of_a_part_is_the_one_for_the_orders_currency(
    currency: str, *, split: bool
) -> None:
    """Two pots are worth 1,800 of whatever it is; nobody said a least worth in pounds."""
    rules = RuleSet(zones=(EUROPE,), part_value_min_minor=1_900, part_value_min_in={"JPY": 1_801})
    stocks = (at("berlin", mug=2), at("lyon", pot=2))
    asked = case(*stocks, lines=wants(("MUG", 2), ("POT", 2)), rules=rules, currency=currency)
    assert (source(asked).plan is not None) is split
    waits = asked.model_copy(update={"candidates": stocks[:1]})
    assert claim("shop", waits, source(waits)).parts_max == (2 if split else 1)


def test_a_share_too_heavy_for_one_parcel_takes_more() -> None:
    heavy = (Demand(line_id="1", sku="ANVIL", quantity=5, weight_g=9_000),)
    decision = source(case(at("berlin", anvil=9), lines=heavy))
    assert decision.plan
    parcels = decision.plan.parts[0].parcels
    assert [parcel.weight_g for parcel in parcels] == [18_000, 18_000, 9_000]
    assert decision.plan.cost.shipping_minor == 3 * 1_290


def test_stock_is_taken_where_it_is_plentiful_if_nothing_else_speaks() -> None:
    level = RULES.model_copy(update={"balance_minor": 600})
    scarce, plenty = at("berlin", mug=2, pot=1), at("lyon", mug=90, pot=60)
    assert shipped(source(case(scarce, plenty, lines=MUGS, rules=level))).keys() == {"lyon"}
    assert shipped(source(case(scarce, plenty, lines=MUGS))).keys() == {"berlin"}


def test_a_late_location_loses_to_one_that_keeps_the_promise() -> None:
    slow = Calendar(timezone="Europe/Berlin", cut_off=time(14), handling_days=3)
    stocks = (at("berlin", can={"calendar": slow}, mug=2, pot=1), at("lyon", mug=2, pot=1))
    decision = source(case(*stocks, lines=MUGS, deliver_by=date(2026, 11, 24)))
    assert shipped(decision).keys() == {"lyon"}
    assert decision.candidates[0].cost
    assert decision.candidates[0].cost.lateness_minor == 3 * RULES.lateness_minor_per_day
    assert decision.plan
    assert decision.plan.promise == Promise(
        ship_on=date(2026, 11, 23), deliver_on=date(2026, 11, 24)
    )
    assert shipped(source(case(*stocks, lines=MUGS))).keys() == {"berlin"}


def test_the_promise_of_a_split_is_that_of_its_last_part() -> None:
    slow = Calendar(handling_days=4)
    decision = source(
        case(at("berlin", mug=2), at("lyon", can={"calendar": slow}, pot=1), lines=MUGS)
    )
    assert decision.plan
    assert [part.promise.deliver_on.day for part in decision.plan.parts] == [24, 30]
    assert decision.plan.promise.deliver_on == date(2026, 11, 30)


def test_equal_plans_are_ordered_by_parts_then_names() -> None:
    free = RuleSet(distance_minor_per_100km=0, split_minor=0, balance_minor=0)
    stocks = (at("lyon", mug=2, pot=1), at("leeds", mug=2, pot=1), at("berlin", mug=2))
    assert shipped(source(case(*stocks, lines=MUGS, rules=free))) == {"leeds": {"1": 2, "2": 1}}
    apart = (at("lyon", mug=2, pot=1), at("berlin", mug=1))
    once = source(case(*apart, lines=wants(("MUG", 3)), rules=free))
    assert shipped(once) == {"berlin": {"1": 1}, "lyon": {"1": 2}}


def test_four_parts_are_made_where_three_do_not_do_and_not_called_proven() -> None:
    lines = wants(("A", 1), ("B", 1), ("C", 1), ("D", 1))
    stocks = tuple(
        Candidate(location=sku.lower(), country="DE", available={sku: 1}) for sku in "ABCD"
    )
    wide = RuleSet(parts_max=4)
    decision = source(case(*stocks, lines=lines, rules=wide))
    assert shipped(decision) == {"a": {"1": 1}, "b": {"2": 1}, "c": {"3": 1}, "d": {"4": 1}}
    assert not decision.proven
    assert source(case(*stocks, lines=lines, rules=RuleSet(parts_max=3))).plan is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"currency": "EURO"},
        {"parts_max": 0},
        {"split_minor": -1},
        {"zones": [{"tiers": []}]},
        {"zones": [{"tiers": [{"weight_max_g": 2, "price_minor": 1}] * 2}]},
        {"zones": [{"tiers": [{"weight_max_g": 1, "price_minor": 9},
                              {"weight_max_g": 2, "price_minor": 8}]}]},
        {"ship_complete": True, "part_value_min_minor": 1},
        {"ship_complete": True, "part_value_min_in": {"GBP": 1}},
        {"part_value_min_in": {"EUR": 1}},
        {"part_value_min_in": {"POUND": 1}},
        {"part_value_min_in": {"GBP": -1}},
        {"unknown": 1},
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RuleSet.model_validate(wrong)


def test_a_bundle_of_none_of_something_is_refused() -> None:
    with pytest.raises(ValidationError):
        wants(("SET", 1), components=(SkuQuantity(sku="CUP", quantity=0),))


def test_the_first_zone_that_covers_a_way_is_its_tariff() -> None:
    near = EUROPE.model_copy(update={"name": "near", "origins": ("DE",), "destinations": ("DE",)})
    rules = RuleSet(zones=(near, EUROPE))
    assert rules.zone("DE", "DE") == near
    assert rules.zone("DE", "FR") == EUROPE
    assert RuleSet(zones=(near,)).zone("FR", "DE") is None


def test_channels_have_priorities_and_unnamed_ones_none() -> None:
    rules = RuleSet(priorities={"shop1": 5})
    assert (rules.priority("shop1"), rules.priority("shop2")) == (5, 0)
