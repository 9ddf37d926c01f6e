"""Whatever we send to EasyPost is of its published shape, and whatever it answers we read."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from adapters.carriers.easypost import GIVEN_BACK, EasyPostCarrier, easypost_http
from adapters.carriers.easypost_scans import tracker_scans
from adapters.carriers.easypost_wire import Shipment, explain, shipment_body
from adapters.http import Answer, OutsideHttp
from domain.addresses import Address
from domain.fulfilments import LabelRef, LabelRequest, PackedParcel, Voided
from domain.locations import Location
from domain.orders import Order
from storage.effects import Effects
from tests.adapters.conftest import CALL_S, CARRIER_KEY, line_refs
from tests.simulators.published import published

Sent = tuple[str, str, Any, Any]
"""Method, path, body and parameters."""
OPTIONS = frozenset({"label_format", "invoice_number"})
"""Of https://docs.easypost.com/docs/shipments/options."""
ZURICH = Address(
    name="R. Keller", lines=("Bahnhofstr. 1",), city="Zürich", postal_code="8001", country="CH"
)


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[OutsideHttp]:
    one = easypost_http(f"{simulators_url}/easypost", CARRIER_KEY, call_s=CALL_S)
    yield one
    await one.aclose()


@pytest.fixture
def request_(order: Order) -> LabelRequest:
    return LabelRequest(
        order_id=order.order_id,
        key=f"{order.order_id}/f1/p1/label/1",
        location="berlin",
        lines=line_refs(order),
        parcel=PackedParcel(weight_g=1_000, length_mm=300, width_mm=200, height_mm=110),
        address_version=1,
    )


def test_a_shipment_has_only_fields_that_easypost_has(
    request_: LabelRequest, sender: Location, order: Order
) -> None:
    """What EasyPost takes of a customs declaration is what it shows of one."""
    abroad = order.model_copy(update={"address": ZURICH})
    ours = shipment_body(request_, sender, abroad)["shipment"]
    asked = published("easypost_shipment_created")
    bought = published("easypost_shipment_bought")["payload"]
    theirs = asked["request"]["shipment"]
    assert ours.keys() <= theirs.keys() | {"reference", "options", "customs_info"}
    assert ours.keys() <= bought.keys() | {"line_items"}
    for end in ("to_address", "from_address"):
        assert ours[end].keys() <= theirs[end].keys() | {"company", "street2", "email"}
        assert ours[end].keys() <= bought[end].keys()
    assert ours["parcel"].keys() == theirs["parcel"].keys()
    assert ours["options"].keys() <= OPTIONS
    assert ours["customs_info"].keys() <= bought["customs_info"].keys()
    (item, *_) = ours["customs_info"]["customs_items"]
    assert item.keys() <= bought["customs_info"]["customs_items"][0].keys()


@pytest.fixture
def sent(http: OutsideHttp, monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    heard: list[Sent] = []
    send: Callable[..., Any] = http.send

    async def listen(method: str, path: str, **more: Any) -> Answer:
        heard.append((method, path, more.get("json"), more.get("params")))
        answer: Answer = await send(method, path, **more)
        return answer

    monkeypatch.setattr(http, "send", listen)
    return heard


@pytest.fixture
def carrier(http: OutsideHttp, effects: Effects) -> EasyPostCarrier:
    return EasyPostCarrier(http, effects)


async def test_buying_refunding_and_tracking_are_asked_as_published(
    carrier: EasyPostCarrier,
    sent: list[Sent],
    request_: LabelRequest,
    sender: Location,
    order: Order,
) -> None:
    label = await carrier.buy(request_, sender, order)
    await carrier.track(label.tracking_number)
    key = f"{request_.key}/void"
    ref = LabelRef(order_id=order.order_id, key=key, bought_key=request_.key)
    assert await carrier.void(ref) == Voided()
    by_deed = {path.rpartition("/")[2]: (method, body) for method, path, body, _ in sent}
    method, body = by_deed["buy"]
    wanted = published("easypost_shipment_bought")["request"]
    assert (method, body.keys()) == ("POST", wanted.keys() - {"insurance"})
    assert body["rate"].keys() == wanted["rate"].keys()
    assert by_deed["refund"] == ("POST", published("easypost_shipment_refunded")["request"])
    assert ("GET", "v2/trackers", None, {"tracking_code": label.tracking_number}) in sent


def test_a_published_shipment_and_its_label_are_read() -> None:
    made = Shipment.model_validate(published("easypost_shipment_created")["payload"])
    (rate,) = published("easypost_shipment_created")["payload"]["rates"]
    cheapest = made.cheapest("USD")
    assert cheapest is not None
    assert (made.label(), cheapest.id) == (None, rate["id"])
    label = Shipment.model_validate(published("easypost_shipment_bought")["payload"]).label()
    assert label is not None
    assert label.tracking_number == "9405500105440232839154"


def test_a_published_refund_gives_the_label_back() -> None:
    example = published("easypost_shipment_refunded")
    read = Shipment.model_validate(example["payload"])
    assert read.refund_status in GIVEN_BACK
    assert read.label() is not None
    assert set(example["statuses"]) - GIVEN_BACK == {"rejected"}


def test_the_published_trackers_are_read() -> None:
    listed = published("easypost_trackers")["payload"]
    scans = tracker_scans(listed, listed["trackers"][0]["tracking_code"])
    details = listed["trackers"][0]["tracking_details"]
    assert [one.message for one in scans] == [one["message"] for one in details]
    assert scans[1].place == "HOUSTON, TX"


@pytest.mark.parametrize("case", ["empty", "no_addresses", "texts"])
def test_a_recorded_refusal_is_explained(case: str) -> None:
    error = published("easypost_shipment_refused")[case]["payload"]
    code, words = explain(error)
    assert code == error["error"]["code"]
    assert words.startswith(error["error"]["message"])
    for part in error["error"]["errors"]:
        assert all(said in words for said in ([part] if isinstance(part, str) else part.values()))
