"""The port `Carrier`, proven against each carrier we speak to: a label is bought once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from adapters.carriers.easypost import EasyPostCarrier, easypost_http
from adapters.carriers.easypost_wire import explain
from adapters.http import Answer, OutsideHttp
from domain.addresses import Address
from domain.errors import Refused, Unavailable
from domain.fulfilments import Label, LabelRef, LabelRequest, PackedParcel, Voided
from domain.ids import OrderId, effect_key
from domain.locations import Location
from domain.money import Money
from domain.orders import Order
from domain.ports import Carrier
from domain.tracking import Course
from storage.effects import Effects
from tests.adapters.conftest import (
    CALL_S,
    CARRIER_KEY,
    Held,
    Meanwhile,
    World,
    eventually,
    line_refs,
)
from tests.passing_time import Clock

PARCEL = PackedParcel(weight_g=1_000, length_mm=300, width_mm=200, height_mm=110)
Buy = Callable[[], "asyncio.Future[Label]"]


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[OutsideHttp]:
    http = easypost_http(f"{simulators_url}/easypost", CARRIER_KEY, call_s=CALL_S)
    yield http
    await http.aclose()


@pytest.fixture(params=["easypost"])
def carrier(request: pytest.FixtureRequest, http: OutsideHttp, effects: Effects) -> Carrier:
    return {"easypost": EasyPostCarrier(http, effects)}[request.param]


@pytest.fixture
def request_(order: Order, order_id: OrderId) -> LabelRequest:
    return LabelRequest(
        order_id=order_id,
        key=effect_key(order_id, "f1", "p1", "label", 1),
        location="berlin",
        lines=line_refs(order),
        parcel=PARCEL,
        address_version=1,
    )


@pytest.fixture
def ref(request_: LabelRequest) -> LabelRef:
    key = f"{request_.key}/void"
    return LabelRef(order_id=request_.order_id, key=key, bought_key=request_.key)


@pytest.fixture
def buy(
    carrier: Carrier, request_: LabelRequest, sender: Location, order: Order
) -> Callable[[], "asyncio.Task[Label]"]:
    return lambda: asyncio.ensure_future(_buy(carrier, request_, sender, order))


async def _buy(carrier: Carrier, request: LabelRequest, sender: Location, order: Order) -> Label:
    return await carrier.buy(request, sender, order)


async def _void(carrier: Carrier, ref: LabelRef) -> Voided:
    return await carrier.void(ref)


class TestBuying:
    async def test_the_cheapest_label_is_bought_and_the_same_one_comes_back(
        self, world: World, buy: Buy, order_id: OrderId
    ) -> None:
        label = await buy()
        assert await buy() == label
        (bought,) = await world.labels(order_id)
        assert label == Label(
            shipment_ref=bought["shipment_id"],
            carrier="DHLPaket",
            tracking_number=bought["tracking_code"],
            label_url=bought["postage_label"]["label_url"],
            tracking_url=bought["tracker"]["public_url"],
            cost=Money(amount_minor=591, currency="USD"),
        )

    async def test_the_shipment_says_what_goes_where(
        self, world: World, buy: Buy, request_: LabelRequest
    ) -> None:
        await buy()
        (made,) = await world.journal(request_.order_id, "shipment_created")
        shipment = made["data"]["shipment"]
        assert shipment["reference"] == request_.key
        to_address = shipment["to_address"]
        assert to_address["name"] == "Erika Mustermann"
        assert (to_address["street1"], to_address["street2"]) == (
            "Sendlinger Str. 8",
            "2. Stock, links",
        )
        assert (to_address["zip"], to_address["country"]) == ("80331", "DE")
        assert shipment["from_address"]["company"] == "Holdfast Berlin"
        parcel = shipment["parcel"]
        assert (parcel["weight"], parcel["length"], parcel["width"], parcel["height"]) == (
            35.3,
            11.82,
            7.88,
            4.34,
        )
        assert shipment["customs_info"] is None

    async def test_customs_hear_of_goods_that_leave_the_union(
        self,
        world: World,
        carrier: Carrier,
        request_: LabelRequest,
        sender: Location,
        order: Order,
    ) -> None:
        swiss = Address(
            name="R. Keller",
            lines=("Bahnhofstr. 1",),
            city="Zürich",
            postal_code="8001",
            country="CH",
        )
        await carrier.buy(request_, sender, order.model_copy(update={"address": swiss}))
        (made,) = await world.journal(request_.order_id, "shipment_created")
        info = made["data"]["shipment"]["customs_info"]
        assert (info["contents_type"], info["customs_certify"]) == ("merchandise", True)
        assert info["eel_pfc"] is None
        cups, towel = info["customs_items"]
        assert (cups["description"], cups["quantity"], cups["value"], cups["currency"]) == (
            "Blue cup",
            3,
            "28.70",
            "EUR",
        )
        assert (cups["hs_tariff_number"], cups["origin_country"]) == ("6912.00", "PT")
        assert (towel["description"], towel["value"], towel["origin_country"]) == (
            "TOWEL",
            "0.01",
            "DE",
        )
        assert cups["weight"] + towel["weight"] <= 1_000 / 28.349523125

    async def test_a_part_of_an_order_has_a_label_and_papers_of_its_own(
        self,
        world: World,
        carrier: Carrier,
        request_: LabelRequest,
        sender: Location,
        order: Order,
    ) -> None:
        swiss = order.address.model_copy(update={"country": "CH", "postal_code": "8001"})
        abroad = order.model_copy(update={"address": swiss})
        cups, towel = request_.lines
        one_cup = cups.model_copy(update={"quantity": 1})
        parts = [(one_cup,), (cups.model_copy(update={"quantity": 2}), towel)]
        labels = [
            await carrier.buy(
                request_.model_copy(
                    update={"key": f"{request_.order_id}/f{n}/p1/label/1", "lines": lines}
                ),
                sender,
                abroad,
            )
            for n, lines in enumerate(parts, start=1)
        ]
        assert labels[0].tracking_number != labels[1].tracking_number
        papers = [
            [(item["description"], item["quantity"]) for item in info["customs_items"]]
            for entry in await world.journal(request_.order_id, "shipment_created")
            if (info := entry["data"]["shipment"]["customs_info"])
        ]
        assert papers == [[("Blue cup", 1)], [("Blue cup", 2), ("TOWEL", 1)]]

    @pytest.mark.parametrize("status", [None, 500, 503])
    async def test_an_answer_lost_after_buying_leaves_one_label(
        self, world: World, buy: Buy, order_id: OrderId, status: int | None
    ) -> None:
        await world.fault("easypost", "buy", "lost", match=order_id, status=status)
        with pytest.raises(Unavailable) as caught:
            await buy()
        assert caught.value.fate_unknown
        (bought,) = await world.labels(order_id)
        await world.calls_are_over()
        label = await buy()
        assert label.tracking_number == bought["tracking_code"]
        assert len(await world.labels(order_id)) == 1

    async def test_an_answer_lost_after_creating_leaves_one_label(
        self, world: World, buy: Buy, order_id: OrderId
    ) -> None:
        await world.fault("easypost", "create", "lost", match=order_id)
        with pytest.raises(Unavailable) as caught:
            await buy()
        assert not caught.value.fate_unknown
        await buy()
        assert len(await world.journal(order_id, "shipment_created")) == 2
        assert len(await world.labels(order_id)) == 1

    async def test_a_call_that_hangs_past_its_deadline_leaves_one_label(
        self, world: World, buy: Buy, clock: Clock, order_id: OrderId
    ) -> None:
        caught = await timed_out(world, buy, clock)
        assert (caught.code, caught.fate_unknown) == ("timeout", True)
        assert await world.labels(order_id) == []
        await world.calls_are_over()
        await buy()
        assert len(await world.labels(order_id)) == 1
        assert len(await world.journal(order_id, "shipment_created")) == 1

    async def test_an_answer_that_is_late_but_came_true_leaves_one_label(
        self,
        world: World,
        buy: Buy,
        clock: Clock,
        order_id: OrderId,
        comes_true: Callable[[], Awaitable[None]],
    ) -> None:
        await timed_out(world, buy, clock)
        await comes_true()
        (bought,) = await world.labels(order_id)
        await world.calls_are_over()
        assert (await buy()).tracking_number == bought["tracking_code"]
        assert len(await world.labels(order_id)) == 1

    @pytest.mark.parametrize("call", ["POST v2/shipments {", "/buy"])
    async def test_four_workers_at_once_buy_one_label(
        self,
        *,
        world: World,
        buy: Buy,
        clock: Clock,
        request_: LabelRequest,
        meanwhile: Meanwhile,
        call: str,
    ) -> None:
        """The first is overtaken before it buys, or while it does."""
        order_id = request_.order_id
        meanwhile(call, held := Held())
        first = buy()
        await held.begun.wait()
        others = [buy() for _ in range(3)]
        await eventually(world.taken_up, request_.key, 4)
        held.go.set()
        with pytest.raises(Unavailable, match="superseded"):
            await first
        clock.forward(2 * CALL_S)
        answers = await asyncio.gather(*others, return_exceptions=True)
        label = await buy()
        assert label in answers
        assert len(await world.labels(order_id)) == 1
        for answer in answers:
            assert answer == label or (
                isinstance(answer, Unavailable) and answer.code == "superseded"
            )

    async def test_a_carrier_that_asks_to_wait_says_how_long_and_is_asked_again_at_once(
        self, world: World, buy: Buy, order_id: OrderId
    ) -> None:
        await world.fault("easypost", "buy", "throttle", match=order_id, seconds=7)
        with pytest.raises(Unavailable) as caught:
            await buy()
        assert (caught.value.retry_after_s, caught.value.fate_unknown) == (7, False)
        assert await world.labels(order_id) == []
        await buy()
        assert len(await world.labels(order_id)) == 1
        assert len(await world.journal(order_id, "shipment_created")) == 1

    async def test_a_carrier_that_is_down_is_unavailable_and_nothing_happened(
        self, world: World, buy: Buy, order_id: OrderId
    ) -> None:
        await world.fault("easypost", "create", "down", match=order_id)
        with pytest.raises(Unavailable, match="http_503"):
            await buy()
        assert await world.journal(order_id, "shipment_created") == []

    async def test_a_refusal_has_the_carriers_code_and_keeps_its_words_out_of_the_message(
        self, world: World, buy: Buy, order_id: OrderId
    ) -> None:
        await world.fault(
            "easypost", "buy", "refuse", match=order_id, message="No such street: Sendlinger"
        )
        with pytest.raises(Refused) as caught:
            await buy()
        assert str(caught.value) == "easypost: shipment.postage.failure"
        assert caught.value.detail == "No such street: Sendlinger"
        assert await world.labels(order_id) == []

    async def test_what_was_refused_starts_afresh_when_it_is_tried_again(
        self, world: World, buy: Buy, order_id: OrderId
    ) -> None:
        await world.fault("easypost", "buy", "refuse", match=order_id)
        with pytest.raises(Refused):
            await buy()
        label = await buy()
        _, second = await world.journal(order_id, "shipment_created")
        assert label.shipment_ref == second["ref"]

    async def test_a_parcel_that_nobody_takes_is_refused(
        self,
        world: World,
        carrier: Carrier,
        request_: LabelRequest,
        sender: Location,
        order: Order,
    ) -> None:
        heavy = request_.model_copy(
            update={"parcel": PARCEL.model_copy(update={"weight_g": 90_000})}
        )
        with pytest.raises(Refused) as caught:
            await carrier.buy(heavy, sender, order)
        assert caught.value.code == "no_rates"
        assert "weighs more" in caught.value.detail
        assert await world.labels(request_.order_id) == []

    async def test_a_label_that_was_bought_by_someone_else_meanwhile_is_taken(
        self, world: World, buy: Buy, order_id: OrderId, meanwhile: Meanwhile
    ) -> None:
        """A worker thought dead buys after the newer one has looked."""
        codes: list[str] = []

        async def worker_thought_dead() -> None:
            (made,) = await world.journal(order_id, "shipment_created")
            shipment = made["data"]["shipment"]
            answer = await world.control.post(
                f"/easypost/v2/shipments/{shipment['id']}/buy",
                json={"rate": {"id": shipment["rates"][2]["id"]}},
                auth=(CARRIER_KEY, ""),
            )
            codes.append(answer.json()["tracking_code"])

        meanwhile("/buy", worker_thought_dead)
        assert [(await buy()).tracking_number] == codes
        assert len(await world.labels(order_id)) == 1


async def timed_out(world: World, buy: Buy, clock: Clock) -> Unavailable:
    """Why nothing is known of a label whose purchase hangs past its deadline."""
    await world.fault("easypost", "buy", "hang")
    buying = buy()
    await eventually(world.fired)
    clock.forward(CALL_S)
    with pytest.raises(Unavailable) as caught:
        await buying
    return caught.value


class TestVoiding:
    async def test_a_label_is_given_back_once(
        self, world: World, carrier: Carrier, buy: Buy, ref: LabelRef
    ) -> None:
        await buy()
        for _ in range(2):
            assert await carrier.void(ref) == Voided()
        assert len(await world.journal(ref.order_id, "label_refunded")) == 1

    async def test_a_label_whose_answer_was_lost_is_found_and_given_back(
        self, world: World, carrier: Carrier, buy: Buy, ref: LabelRef
    ) -> None:
        await world.fault("easypost", "buy", "lost", match=ref.order_id)
        with pytest.raises(Unavailable):
            await buy()
        await world.calls_are_over()
        assert await carrier.void(ref) == Voided()
        (bought,) = await world.labels(ref.order_id)
        (refunded,) = await world.journal(ref.order_id, "label_refunded")
        assert refunded["data"]["tracking_code"] == bought["tracking_code"]

    async def test_a_label_that_was_never_bought_is_void_and_never_will_be_bought(
        self, world: World, carrier: Carrier, buy: Buy, ref: LabelRef
    ) -> None:
        assert await carrier.void(ref) == Voided()
        with pytest.raises(Refused) as caught:
            await buy()
        assert caught.value.code == "withdrawn"
        assert await world.journal(ref.order_id, "shipment_created") == []

    async def test_a_shipment_that_was_not_bought_needs_no_refund(
        self, world: World, carrier: Carrier, buy: Buy, ref: LabelRef, clock: Clock
    ) -> None:
        await timed_out(world, buy, clock)
        await world.calls_are_over()
        assert await carrier.void(ref) == Voided()
        assert await world.labels(ref.order_id) == []
        assert await world.journal(ref.order_id, "label_refunded") == []

    async def test_a_purchase_in_flight_is_waited_out_and_given_back(
        self,
        *,
        world: World,
        carrier: Carrier,
        buy: Buy,
        ref: LabelRef,
        clock: Clock,
        meanwhile: Meanwhile,
    ) -> None:
        meanwhile("/buy", held := Held())
        buying = buy()
        await held.begun.wait()
        voiding = asyncio.ensure_future(_void(carrier, ref))
        await eventually(world.taken_up, ref.bought_key, 2)
        held.go.set()
        with pytest.raises(Unavailable, match="superseded"):
            await buying
        assert len(await world.labels(ref.order_id)) == 1
        assert not voiding.done()
        clock.forward(2 * CALL_S)
        assert await voiding == Voided()
        assert len(await world.journal(ref.order_id, "label_refunded")) == 1

    async def test_a_refund_whose_answer_was_lost_is_not_asked_for_twice(
        self, world: World, carrier: Carrier, buy: Buy, ref: LabelRef
    ) -> None:
        await buy()
        await world.fault("easypost", "refund", "lost", match=ref.order_id)
        with pytest.raises(Unavailable) as caught:
            await carrier.void(ref)
        assert caught.value.fate_unknown
        await world.calls_are_over()
        assert await carrier.void(ref) == Voided()
        assert len(await world.journal(ref.order_id, "label_refunded")) == 1

    async def test_a_parcel_that_has_left_keeps_its_label(
        self, world: World, carrier: Carrier, buy: Buy, ref: LabelRef
    ) -> None:
        label = await buy()
        await world.tell(
            "easypost/scans",
            {"tracking_code": label.tracking_number, "status": "in_transit"},
        )
        with pytest.raises(Refused) as caught:
            await carrier.void(ref)
        assert caught.value.code == "shipment.refund.unavailable"
        assert await world.journal(ref.order_id, "label_refunded") == []


class TestTracking:
    async def test_all_scans_of_a_parcel_are_told(
        self, world: World, carrier: Carrier, buy: Buy
    ) -> None:
        number = (await buy()).tracking_number
        assert await carrier.track(number) == ()
        for status, message in (
            ("pre_transit", "Shipping Label Created"),
            ("in_transit", "Presented to customs"),
            ("delivered", "Delivered"),
        ):
            asked = {"tracking_code": number, "status": status, "message": message}
            await world.tell("easypost/scans", asked)
        scans = await carrier.track(number)
        assert {scan.course for scan in scans} == {
            Course.EXPECTED,
            Course.CUSTOMS,
            Course.DELIVERED,
        }
        assert {(scan.carrier, scan.tracking_number) for scan in scans} == {("DHLPaket", number)}
        assert len({scan.scan_key for scan in scans}) == 3
        assert await carrier.track(number) == scans

    async def test_a_number_that_the_carrier_does_not_know_has_no_scans(
        self, carrier: Carrier
    ) -> None:
        assert await carrier.track("nobody's") == ()

    async def test_a_carrier_that_is_down_is_unavailable_and_its_fate_is_no_question(
        self, world: World, carrier: Carrier
    ) -> None:
        await world.fault("easypost", "trackers", "down")
        with pytest.raises(Unavailable) as caught:
            await carrier.track("any")
        assert not caught.value.fate_unknown


async def test_a_wrong_key_is_a_refusal(
    simulators_url: str,
    engine: AsyncEngine,
    request_: LabelRequest,
    sender: Location,
    order: Order,
) -> None:
    http = easypost_http(f"{simulators_url}/easypost", "another", call_s=CALL_S)
    with pytest.raises(Refused, match=r"easypost: apikey\.inactive"):
        await EasyPostCarrier(http, Effects(engine)).buy(request_, sender, order)
    await http.aclose()


class AnswersForAnother(OutsideHttp):
    """Its carrier once says again what it said before."""

    before: Answer
    repeats = "nothing"

    async def send(self, method: str, path: str, **more: Any) -> Answer:
        if path.endswith(self.repeats):
            return self.before
        answer = await super().send(method, path, **more)
        if path.endswith("/buy"):
            self.before = answer
        return answer


@pytest.fixture
async def forgetful(simulators_url: str) -> AsyncIterator[AnswersForAnother]:
    url, auth = f"{simulators_url}/easypost", (CARRIER_KEY, "")
    http = AnswersForAnother("easypost", url, call_s=CALL_S, explain=explain, auth=auth)
    yield http
    await http.aclose()


@pytest.mark.parametrize("repeats", ["/shipments", "/buy"])
async def test_the_label_of_another_parcel_is_no_answer(
    forgetful: AnswersForAnother,
    effects: Effects,
    request_: LabelRequest,
    sender: Location,
    order: Order,
    *,
    repeats: str,
) -> None:
    carrier = EasyPostCarrier(forgetful, effects)
    await carrier.buy(request_, sender, order)
    forgetful.repeats = repeats
    key = effect_key(request_.order_id, "f1", "p2", "label", 1)
    with pytest.raises(Unavailable, match="another_shipment"):
        await carrier.buy(request_.model_copy(update={"key": key}), sender, order)
