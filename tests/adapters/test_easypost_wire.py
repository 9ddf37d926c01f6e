"""What a carrier and the customs are told of a parcel, and which rate is bought."""

import pytest

from adapters.carriers.customs import crosses_customs, customs_items
from adapters.carriers.easypost_wire import Rate, Shipment, explain, shipment_body
from domain.addresses import Address
from domain.errors import Refused
from domain.fulfilments import LabelRequest, PackedParcel
from domain.ids import OrderId
from domain.locations import Location
from domain.money import Money
from domain.orders import LineRef, Order

ZURICH = Address(
    name="R. Keller", lines=("Bahnhofstr. 1",), city="Zürich", postal_code="8001", country="CH"
)


def rate(price: str, currency: str = "USD", carrier: str = "UPS", id_: str = "rate_1") -> Rate:
    return Rate(id=id_, carrier=carrier, service="Ground", rate=price, currency=currency)


def request_for(order_id: OrderId, *lines: LineRef, weight_g: int = 1_000) -> LabelRequest:
    return LabelRequest(
        order_id=order_id,
        key=f"{order_id}/f1/p1/label/1",
        location="berlin",
        lines=lines,
        parcel=PackedParcel(weight_g=weight_g, length_mm=254, width_mm=254, height_mm=1),
        address_version=1,
    )


CUPS = LineRef(line_id="1", sku="CUP-BLUE", quantity=2)
TOWEL = LineRef(line_id="2", sku="TOWEL", quantity=1)


@pytest.mark.parametrize(
    ("rates", "cheapest"),
    [
        ((), None),
        ((rate("NaN"), rate("1E1"), rate("7.585"), rate("-1.00"), rate("5", "XXX")), None),
        ((rate("10.00", id_="a"), rate("9.90", id_="b")), "b"),
        ((rate("9.9", id_="b"), rate("9.90", id_="a")), "a"),
        ((rate("9.90", carrier="UPS", id_="a"), rate("9.90", carrier="DHL", id_="b")), "b"),
        ((rate("9.90", id_="a"), rate("9.90", id_="a")), "a"),
        ((rate("1.00", "USD", id_="a"), rate("9.00", "EUR", id_="b")), "b"),
        ((rate("1.00", "USD", id_="a"), rate("9.00", "GBP", id_="b")), "b"),
    ],
)
def test_the_cheapest_rate_is_the_same_each_time(
    rates: tuple[Rate, ...], cheapest: str | None
) -> None:
    for offered in (rates, rates[::-1]):
        chosen = Shipment(id="shp_1", rates=offered).cheapest("EUR")
        assert (chosen.id if chosen else None) == cheapest


def test_postage_without_a_tracking_code_is_no_label() -> None:
    bought = {"id": "shp_1", "postage_label": {"label_url": "https://example.org/1.pdf"}}
    with pytest.raises(ValueError, match="has postage, but no rate or tracking code"):
        Shipment.model_validate(bought).label()


def test_words_that_nothing_can_hold_do_not_cost_a_label() -> None:
    bought = {
        "id": "shp_1",
        "selected_rate": rate("7.58", carrier="Öst\0post\ud800").model_dump(),
        "postage_label": {"label_url": "https://example.org/1.pdf"},
        "tracking_code": "1Z1",
        "tracker": {"public_url": "https://example.org/\ud800"},
    }
    label = Shipment.model_validate(bought).label()
    assert label is not None
    assert (label.carrier, label.tracking_url) == ("Öst\ufffdpost\ufffd", "")


def test_sizes_are_never_declared_too_small(order: Order, sender: Location) -> None:
    body = shipment_body(request_for(order.order_id, CUPS, weight_g=1), sender, order)
    assert body["shipment"]["parcel"] == {
        "weight": 0.1,
        "length": 10.0,
        "width": 10.0,
        "height": 0.04,
    }


@pytest.mark.parametrize(
    ("origin", "destination", "expected"),
    [
        ("DE", "DE", False),
        ("DE", "FR", False),
        ("DE", "CH", True),
        ("CH", "DE", True),
        ("US", "CA", True),
        ("GB", "IE", True),
    ],
)
def test_customs_stand_between(origin: str, destination: str, expected: bool) -> None:
    assert crosses_customs(origin, destination) is expected


def test_a_part_of_a_line_bears_its_part_of_the_discount(order: Order) -> None:
    (cups,) = customs_items(request_for(order.order_id, CUPS), order, "DE")
    assert cups.value == Money.parse("19.13", "EUR")  # 2 of 3 at 9.90, less 0.67 of 1.00
    assert (cups.quantity, cups.weight_g, cups.origin_country) == (2, 600, "PT")


def test_the_parts_of_a_split_order_declare_it_once(order: Order) -> None:
    one_cup = CUPS.model_copy(update={"quantity": 1})
    first = customs_items(request_for(order.order_id, CUPS), order, "DE")
    second = customs_items(request_for(order.order_id, one_cup, TOWEL), order, "PL")
    assert [(item.sku, item.quantity) for item in first] == [("CUP-BLUE", 2)]
    assert [(item.sku, item.quantity) for item in second] == [("CUP-BLUE", 1), ("TOWEL", 1)]
    cups = first[0].value + second[0].value
    assert cups == Money.parse("28.70", "EUR")  # three at 9.90, less 1.00
    assert second[1].origin_country == "PL"


def test_goods_of_unknown_weight_share_the_parcels(order: Order) -> None:
    items = customs_items(request_for(order.order_id, CUPS, TOWEL, weight_g=1_000), order, "DE")
    assert [item.weight_g for item in items] == [666, 333]


def test_goods_never_weigh_more_than_their_parcel(order: Order) -> None:
    (cups,) = customs_items(request_for(order.order_id, CUPS, weight_g=500), order, "DE")
    assert cups.weight_g == 500


def test_a_gift_is_declared_with_its_price_before_the_discount(order: Order) -> None:
    cups, towel = order.lines
    gift = cups.model_copy(update={"discount": cups.unit_price * 3})
    free = order.model_copy(update={"lines": (gift, towel)})
    items = customs_items(request_for(order.order_id, CUPS, TOWEL), free, "DE")
    assert [item.value.decimal() for item in items] == ["19.80", "0.01"]


@pytest.mark.parametrize("price", [Money.parse("9.90", "USD"), Money.parse("9" * 16, "EUR")])
def test_goods_whose_worth_nobody_can_tell_are_refused(order: Order, price: Money) -> None:
    """As of an order whose check was overruled: an operator decides, it is no bug of ours."""
    cups, towel = order.lines
    odd = order.model_copy(update={"lines": (cups.model_copy(update={"unit_price": price}), towel)})
    with pytest.raises(Refused, match="customs: no_value"):
        customs_items(request_for(order.order_id, CUPS), odd, "DE")


@pytest.mark.parametrize(
    ("price", "destination", "exemption"),
    [
        ("9.90", "CH", "NOEEI 30.37(a)"),
        ("2000.00", "CH", None),
        ("2000.00", "CA", "NOEEI 30.36"),
    ],
)
def test_exports_from_the_us_say_why_they_need_no_filing(
    order: Order, sender: Location, price: str, destination: str, exemption: str | None
) -> None:
    nothing = Money.zero("USD")
    line = order.lines[0].model_copy(
        update={"unit_price": Money.parse(price, "USD"), "discount": nothing, "tax": nothing}
    )
    order = order.model_copy(
        update={
            "lines": (line,),
            "address": ZURICH.model_copy(update={"country": destination}),
        }
    )
    boston = sender.address.model_copy(update={"country": "US"})
    sender = sender.model_copy(update={"address": boston})
    body = shipment_body(request_for(order.order_id, CUPS), sender, order)
    assert body["shipment"]["customs_info"]["eel_pfc"] == exemption


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (
            {"error": {"code": "A.B", "message": "No.", "errors": [{"field": "zip"}]}},
            "A.B",
            'No. [{"field": "zip"}]',
        ),
        (
            {"error": {"code": "A.B", "message": "No.", "errors": {"zip": ["bad"]}}},
            "A.B",
            'No. {"zip": ["bad"]}',
        ),
        ({"error": "Nothing here."}, "", "Nothing here."),
        ({"error": {"message": ["No."], "code": None}}, "", "['No.']"),
        ([], "", ""),
        (None, "", ""),
    ],
)
def test_errors_are_read_in_every_form(content: object, code: str, words: str) -> None:
    assert explain(content) == (code, words)
