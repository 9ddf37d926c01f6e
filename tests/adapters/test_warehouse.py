"""The port `Warehouse`, proven against each warehouse we speak to: everything is asked once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.http import Answer, OutsideHttp
from adapters.warehouses.http import HttpWarehouse, warehouse_http
from adapters.warehouses.protocol import Fulfilment
from domain.addresses import Address
from domain.errors import Refused, Unavailable
from domain.fulfilments import (
    FulfilmentRef,
    HandedOver,
    HandOverRequest,
    Label,
    NotThere,
    PackAccepted,
    Packed,
    PackedParcel,
    PackRejected,
    PackRequest,
    Recalled,
)
from domain.ids import OrderId
from domain.money import Money
from domain.orders import Order
from domain.ports import Warehouse
from domain.stock import ShortPick, ShortReason, SkuQuantity, summed
from storage.effects import Effects
from tests.adapters.conftest import (
    CALL_S,
    PATIENCE_S,
    WAREHOUSE_KEY,
    Held,
    Meanwhile,
    World,
    eventually,
    line_refs,
)
from tests.passing_time import Clock

PARCEL = PackedParcel(weight_g=1_520, length_mm=300, width_mm=200, height_mm=110)
"""How the simulator packs four pieces."""
ANOTHER_ADDRESS = Address(
    company="Post AG", lines=("Hauptstr. 2",), city="Bonn", postal_code="53113", country="DE"
)


@pytest.fixture
async def http(simulators_url: str) -> AsyncIterator[OutsideHttp]:
    http = warehouse_http(simulators_url, WAREHOUSE_KEY, call_s=CALL_S)
    yield http
    await http.aclose()


@pytest.fixture(params=["http"])
def warehouse(request: pytest.FixtureRequest, http: OutsideHttp, effects: Effects) -> Warehouse:
    return {"http": HttpWarehouse(http, effects)}[request.param]


@pytest.fixture
async def slow_packers(world: World) -> AsyncIterator[None]:
    await world.tell("settings", {"pack_s": 600})
    yield
    await world.tell("settings", {"pack_s": 0.05})


@pytest.fixture
def pack(order: Order, order_id: OrderId) -> PackRequest:
    return PackRequest(
        order_id=order_id,
        reference=f"{order_id}/f1",
        location="berlin",
        lines=line_refs(order),
        items=summed(line_refs(order)),
        address_version=1,
    )


def ref(pack: PackRequest, verb: str) -> FulfilmentRef:
    return FulfilmentRef(
        order_id=pack.order_id,
        key=f"{pack.reference}/{verb}",
        reference=pack.reference,
        location=pack.location,
    )


def hand_over(pack: PackRequest, *tracking_numbers: str, key: str = "hand-over") -> HandOverRequest:
    labels = tuple(
        Label(
            shipment_ref="shp_1",
            carrier="UPS",
            tracking_number=tracking_number,
            label_url="https://example.org/label.pdf",
            cost=Money(amount_minor=700, currency="EUR"),
        )
        for tracking_number in tracking_numbers or ("1Z1",)
    )
    return HandOverRequest(
        order_id=pack.order_id,
        key=f"{pack.reference}/{key}",
        reference=pack.reference,
        location=pack.location,
        labels=labels,
        reservation_key=f"{pack.order_id}/reserve/1",
    )


async def until_packed(warehouse: Warehouse, pack: PackRequest) -> Packed:
    async with asyncio.timeout(PATIENCE_S):
        while True:
            standing = await warehouse.look(ref(pack, "look"))
            if isinstance(standing, Packed):
                return standing


@pytest.mark.usefixtures("slow_packers")
class TestRequesting:
    async def test_a_request_is_accepted_once(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        for _ in range(2):
            assert await warehouse.request(pack, order) == PackAccepted()
        (accepted,) = await world.journal(pack.order_id, "accepted")
        assert accepted["key"] == pack.reference
        assert accepted["data"]["request"] == {
            "reference": pack.reference,
            "order_id": pack.order_id,
            "lines": [{"sku": "CUP-BLUE", "quantity": 3}, {"sku": "TOWEL", "quantity": 1}],
            "ship_to": {
                "name": "Erika Mustermann",
                "company": None,
                "lines": ["Sendlinger Str. 8", "2. Stock", "links"],
                "city": "München",
                "region": None,
                "postal_code": "80331",
                "country": "DE",
                "phone": "+4989123456",
            },
        }

    async def test_a_rejection_is_an_answer_with_a_reason(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.tell("warehouse/reject", {"match": pack.reference, "reason": "damaged"})
        for _ in range(2):
            assert await warehouse.request(pack, order) == PackRejected(reason="damaged")
        assert await warehouse.look(ref(pack, "look")) == PackRejected(reason="damaged")

    async def test_what_a_picker_did_not_find_is_told_with_its_reason(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        short = [
            {"sku": "CUP-BLUE", "found": 1, "reason": "damaged"},
            {"sku": "TOWEL", "found": 1, "reason": "mismatch"},
            {"sku": "SPOON", "found": 0, "reason": "not_in_stock"},
        ]
        told = {"match": pack.reference, "reason": "short", "short": short}
        await world.tell("warehouse/reject", told)
        found = (ShortPick(sku="CUP-BLUE", found=1, reason=ShortReason.DAMAGED),)
        for _ in range(2):
            answer = await warehouse.request(pack, order)
            assert answer == PackRejected(reason="short", short=found)
        assert await warehouse.look(ref(pack, "look")) == PackRejected(reason="short", short=found)

    async def test_what_is_picked_is_asked_for_and_not_what_was_sold(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        """A bundle is sold under its own SKU, which no shelf has."""
        items = (SkuQuantity(sku="CUP-BLUE", quantity=6), SkuQuantity(sku="SPOON", quantity=3))
        await warehouse.request(pack.model_copy(update={"items": items}), order)
        (accepted,) = await world.journal(pack.order_id, "accepted")
        assert accepted["data"]["request"]["lines"] == [
            {"sku": "CUP-BLUE", "quantity": 6},
            {"sku": "SPOON", "quantity": 3},
        ]

    @pytest.mark.parametrize("fault", [{"mode": "lost"}, {"mode": "lost", "status": 502}])
    async def test_an_answer_that_never_came_leaves_one_request(
        self,
        world: World,
        warehouse: Warehouse,
        pack: PackRequest,
        order: Order,
        fault: dict[str, Any],
    ) -> None:
        await world.fault("warehouse", "request", match=pack.order_id, **fault)
        with pytest.raises(Unavailable) as caught:
            await warehouse.request(pack, order)
        assert caught.value.fate_unknown
        await world.calls_are_over()
        assert await warehouse.request(pack, order) == PackAccepted()
        assert len(await world.journal(pack.order_id, "accepted")) == 1

    @pytest.mark.parametrize("late", [False, True])
    async def test_a_call_that_hangs_past_its_deadline_leaves_one_request(
        self,
        *,
        world: World,
        warehouse: Warehouse,
        pack: PackRequest,
        order: Order,
        clock: Clock,
        comes_true: Callable[[], Awaitable[None]],
        late: bool,
    ) -> None:
        """Also where it comes true after it was given up."""
        caught = await timed_out(world, warehouse, pack, order, clock)
        assert (caught.code, caught.fate_unknown) == ("timeout", True)
        if late:
            await comes_true()
        assert len(await world.journal(pack.order_id, "accepted")) == late
        await world.calls_are_over()
        assert await warehouse.request(pack, order) == PackAccepted()
        assert len(await world.journal(pack.order_id, "accepted")) == 1

    async def test_a_warehouse_that_asks_to_wait_says_how_long(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.fault("warehouse", "request", "throttle", match=pack.order_id, seconds=3)
        with pytest.raises(Unavailable) as caught:
            await warehouse.request(pack, order)
        assert (caught.value.code, caught.value.retry_after_s) == ("rate_limited", 3)
        assert not caught.value.fate_unknown
        assert await warehouse.request(pack, order) == PackAccepted()

    async def test_a_warehouse_that_is_down_has_done_nothing(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.fault("warehouse", "request", "down", match=pack.order_id)
        with pytest.raises(Unavailable, match="http_503"):
            await warehouse.request(pack, order)
        assert await world.journal(pack.order_id, "accepted") == []

    async def test_a_refusal_has_the_warehouses_code(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.fault(
            "warehouse",
            "request",
            "refuse",
            match=pack.order_id,
            code="unknown_sku",
            message="TOWEL",
        )
        with pytest.raises(Refused) as caught:
            await warehouse.request(pack, order)
        assert str(caught.value) == "warehouse: unknown_sku"
        assert caught.value.detail == "TOWEL"
        assert await warehouse.request(pack, order) == PackAccepted()

    async def test_four_workers_at_once_ask_once(
        self,
        *,
        world: World,
        warehouse: Warehouse,
        pack: PackRequest,
        order: Order,
        clock: Clock,
        meanwhile: Meanwhile,
    ) -> None:
        meanwhile("POST ", held := Held())
        first = asyncio.ensure_future(_request(warehouse, pack, order))
        await held.begun.wait()
        others = [asyncio.ensure_future(_request(warehouse, pack, order)) for _ in range(3)]
        await eventually(world.taken_up, pack.reference, 4)
        held.go.set()
        with pytest.raises(Unavailable, match="superseded"):
            await first
        clock.forward(2 * CALL_S)
        assert PackAccepted() in await asyncio.gather(*others, return_exceptions=True)
        assert await warehouse.request(pack, order) == PackAccepted()
        assert len(await world.journal(pack.order_id, "accepted")) == 1

    async def test_looking_changes_nothing(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        assert await warehouse.look(ref(pack, "look")) == NotThere()
        await warehouse.request(pack, order)
        assert await warehouse.look(ref(pack, "look")) == PackAccepted()
        assert len(await world.journal(pack.order_id, "accepted")) == 1


async def _request(
    warehouse: Warehouse, pack: PackRequest, order: Order
) -> PackAccepted | PackRejected:
    return await warehouse.request(pack, order)


async def _recall(warehouse: Warehouse, pack: PackRequest) -> Recalled | HandedOver:
    return await warehouse.recall(ref(pack, "recall"))


async def timed_out(
    world: World, warehouse: Warehouse, pack: PackRequest, order: Order, clock: Clock
) -> Unavailable:
    """Why nothing is known of a request that hangs past its deadline."""
    await world.fault("warehouse", "request", "hang", match=pack.order_id)
    asking = asyncio.ensure_future(_request(warehouse, pack, order))
    await eventually(world.fired)
    clock.forward(CALL_S)
    with pytest.raises(Unavailable) as caught:
        await asking
    return caught.value


class TestRecalling:
    async def test_a_request_is_taken_back_once(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        for _ in range(2):
            assert await warehouse.recall(ref(pack, "recall")) == Recalled()
        assert len(await world.journal(pack.order_id, "recalled")) == 1
        assert await warehouse.look(ref(pack, "look")) == Recalled()

    async def test_a_request_that_was_never_made_never_will_be(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        assert await warehouse.recall(ref(pack, "recall")) == Recalled()
        with pytest.raises(Refused) as caught:
            await warehouse.request(pack, order)
        assert caught.value.code == "withdrawn"
        assert await world.journal(pack.order_id, "accepted") == []

    async def test_a_request_whose_answer_was_lost_is_found_and_taken_back(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.fault("warehouse", "request", "lost", match=pack.order_id)
        with pytest.raises(Unavailable):
            await warehouse.request(pack, order)
        await world.calls_are_over()
        assert await warehouse.recall(ref(pack, "recall")) == Recalled()
        assert len(await world.journal(pack.order_id, "recalled")) == 1

    async def test_a_request_that_got_lost_on_its_way_needs_no_recall(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order, clock: Clock
    ) -> None:
        await timed_out(world, warehouse, pack, order, clock)
        await world.calls_are_over()
        assert await warehouse.recall(ref(pack, "recall")) == Recalled()
        assert await world.journal(pack.order_id, "accepted") == []

    async def test_a_request_in_flight_is_waited_out_and_taken_back(
        self,
        *,
        world: World,
        warehouse: Warehouse,
        pack: PackRequest,
        order: Order,
        clock: Clock,
        meanwhile: Meanwhile,
    ) -> None:
        meanwhile("POST ", held := Held())
        asking = asyncio.ensure_future(_request(warehouse, pack, order))
        await held.begun.wait()
        recalling = asyncio.ensure_future(_recall(warehouse, pack))
        await eventually(world.taken_up, pack.reference, 2)
        held.go.set()
        with pytest.raises(Unavailable, match="superseded"):
            await asking
        assert len(await world.journal(pack.order_id, "accepted")) == 1
        assert not recalling.done()
        clock.forward(2 * CALL_S)
        assert await recalling == Recalled()
        assert len(await world.journal(pack.order_id, "recalled")) == 1

    async def test_a_recall_whose_answer_was_lost_is_made_once(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await world.fault("warehouse", "recall", "lost", match=pack.order_id)
        with pytest.raises(Unavailable) as caught:
            await warehouse.recall(ref(pack, "recall"))
        assert caught.value.fate_unknown
        await world.calls_are_over()
        assert await warehouse.recall(ref(pack, "recall")) == Recalled()
        assert len(await world.journal(pack.order_id, "recalled")) == 1

    async def test_a_recall_after_hand_over_comes_too_late(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await until_packed(warehouse, pack)
        await warehouse.hand_over(hand_over(pack))
        for _ in range(2):
            assert await warehouse.recall(ref(pack, "recall")) == HandedOver()
        assert await world.journal(pack.order_id, "recalled") == []

    async def test_recalling_what_was_rejected_is_no_trouble(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.tell("warehouse/reject", {"match": pack.reference})
        await warehouse.request(pack, order)
        assert await warehouse.recall(ref(pack, "recall")) == Recalled()


class TestReaddressing:
    async def test_the_papers_bear_the_new_address(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await until_packed(warehouse, pack)
        for _ in range(2):
            answer = await warehouse.readdress(ref(pack, "readdress"), ANOTHER_ADDRESS)
            assert answer == Packed(parcels=(PARCEL,))
        (readdressed,) = await world.journal(pack.order_id, "readdressed")
        assert readdressed["data"]["ship_to"]["name"] == "Post AG"
        assert readdressed["data"]["ship_to"]["city"] == "Bonn"

    async def test_it_is_too_late_after_hand_over(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await until_packed(warehouse, pack)
        await warehouse.hand_over(hand_over(pack))
        answer = await warehouse.readdress(ref(pack, "readdress"), ANOTHER_ADDRESS)
        assert answer == HandedOver()
        assert await world.journal(pack.order_id, "readdressed") == []

    async def test_a_fulfilment_that_is_not_there_is_a_refusal(
        self, warehouse: Warehouse, pack: PackRequest
    ) -> None:
        with pytest.raises(Refused, match="not_there"):
            await warehouse.readdress(ref(pack, "readdress"), ANOTHER_ADDRESS)


class TestHandingOver:
    async def test_a_parcel_is_handed_over_once(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        assert await until_packed(warehouse, pack) == Packed(parcels=(PARCEL,))
        for _ in range(2):
            assert await warehouse.hand_over(hand_over(pack)) == HandedOver()
        (handed,) = await world.journal(pack.order_id, "handed_over")
        assert [one["tracking_number"] for one in handed["data"]["parcels"]] == ["1Z1"]
        assert await warehouse.look(ref(pack, "look")) == HandedOver()

    async def test_a_lost_answer_leaves_one_hand_over(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await until_packed(warehouse, pack)
        await world.fault("warehouse", "hand_over", "lost", match=pack.order_id)
        with pytest.raises(Unavailable) as caught:
            await warehouse.hand_over(hand_over(pack))
        assert caught.value.fate_unknown
        await world.calls_are_over()
        assert await warehouse.hand_over(hand_over(pack)) == HandedOver()
        assert len(await world.journal(pack.order_id, "handed_over")) == 1

    async def test_two_parcels_are_handed_over_in_one_call(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await world.tell("warehouse/boxes", {"match": pack.reference, "units": 2})
        await warehouse.request(pack, order)
        assert len((await until_packed(warehouse, pack)).parcels) == 2
        with pytest.raises(Refused, match="parcels_differ"):
            await warehouse.hand_over(hand_over(pack, "1Z1", key="one"))
        for _ in range(2):
            assert await warehouse.hand_over(hand_over(pack, "1Z1", "1Z2")) == HandedOver()
        (handed,) = await world.journal(pack.order_id, "handed_over")
        assert [one["tracking_number"] for one in handed["data"]["parcels"]] == ["1Z1", "1Z2"]

    async def test_what_was_recalled_stays(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await until_packed(warehouse, pack)
        await warehouse.recall(ref(pack, "recall"))
        assert await warehouse.hand_over(hand_over(pack)) == Recalled()
        assert await world.journal(pack.order_id, "handed_over") == []

    async def test_another_label_for_what_has_left_is_a_refusal(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        await until_packed(warehouse, pack)
        await warehouse.hand_over(hand_over(pack))
        with pytest.raises(Refused, match="handed_over"):
            await warehouse.hand_over(hand_over(pack, "1Z2", key="again"))
        assert len(await world.journal(pack.order_id, "handed_over")) == 1

    @pytest.mark.usefixtures("slow_packers")
    async def test_what_is_not_packed_cannot_be_handed_over(
        self, world: World, warehouse: Warehouse, pack: PackRequest, order: Order
    ) -> None:
        await warehouse.request(pack, order)
        with pytest.raises(Refused, match="not_packed"):
            await warehouse.hand_over(hand_over(pack))
        assert await world.journal(pack.order_id, "handed_over") == []


class ForgetsWhatWasAsked(OutsideHttp):
    """Its warehouse shows a fulfilment, whichever was asked for."""

    shows = ""

    async def send(self, method: str, path: str, **more: Any) -> Answer:
        if self.shows and more.get("params"):
            more["params"] = {"reference": self.shows}
        return await super().send(method, path, **more)


async def test_what_is_said_of_another_fulfilment_is_no_answer(
    world: World, simulators_url: str, effects: Effects, pack: PackRequest, order: Order
) -> None:
    headers = {"Authorization": f"Bearer {WAREHOUSE_KEY}"}
    http = ForgetsWhatWasAsked(
        "warehouse", simulators_url, call_s=CALL_S, explain=lambda _: ("", ""), headers=headers
    )
    warehouse = HttpWarehouse(http, effects)
    other = pack.model_copy(update={"reference": f"{pack.order_id}/f2"})
    for request in (pack, other):
        await warehouse.request(request, order)
    http.shows = other.reference
    with pytest.raises(Unavailable, match="another_fulfilment"):
        await warehouse.look(ref(pack, "look"))
    with pytest.raises(Unavailable, match="another_fulfilment"):
        await warehouse.recall(ref(pack, "recall"))
    await http.aclose()
    assert await world.journal(pack.order_id, "recalled") == []


class SaysYes(OutsideHttp):
    """Its warehouse answers 200, shows what it likes, and does nothing."""

    shows: object = None

    async def send(self, method: str, path: str, **more: Any) -> Answer:
        if path.endswith(("/recall", "/hand-over")):
            return Answer(status=200, content=self.shows, headers=httpx.Headers())
        return await super().send(method, path, **more)


@pytest.fixture
async def yes(simulators_url: str) -> AsyncIterator[SaysYes]:
    headers = {"Authorization": f"Bearer {WAREHOUSE_KEY}"}
    http = SaysYes(
        "warehouse", simulators_url, call_s=CALL_S, explain=lambda _: ("", ""), headers=headers
    )
    yield http
    await http.aclose()


@pytest.mark.parametrize(
    "shows", [None, {}, {"status": "packed"}, {"reference": "demo-0/f1", "status": "recalled"}]
)
async def test_a_yes_without_a_deed_is_asked_for_again(
    yes: SaysYes, effects: Effects, pack: PackRequest, order: Order, shows: dict[str, str] | None
) -> None:
    warehouse = HttpWarehouse(yes, effects)
    await warehouse.request(pack, order)
    shown = {"id": "f", "location": "berlin", "reference": pack.reference}
    yes.shows = shown | shows if shows else shows
    for deed in (warehouse.hand_over(hand_over(pack)), warehouse.recall(ref(pack, "recall"))):
        with pytest.raises(Unavailable) as caught:
            await deed
        assert caught.value.fate_unknown


@pytest.mark.parametrize("said", [HandedOver(), Recalled()])
async def test_where_the_goods_are_is_what_the_warehouse_shows(
    yes: SaysYes, effects: Effects, pack: PackRequest, order: Order, said: HandedOver | Recalled
) -> None:
    warehouse = HttpWarehouse(yes, effects)
    await warehouse.request(pack, order)
    where = {"location": "berlin", "reference": pack.reference, "status": said.kind}
    yes.shows = where | {"id": "f"}
    assert await warehouse.hand_over(hand_over(pack)) == said
    assert await warehouse.recall(ref(pack, "recall")) == said


def test_a_thousand_parcels_are_not_believed() -> None:
    box = PARCEL.model_dump()
    said = {"id": "f", "reference": "demo-1/f1", "location": "berlin", "status": "packed"}
    packed = Fulfilment.model_validate(said | {"parcels": [box] * 100}).standing()
    assert packed == Packed(parcels=(PARCEL,) * 100)
    with pytest.raises(ValidationError, match="parcels"):
        Fulfilment.model_validate(said | {"parcels": [box] * 101})


def test_what_is_packed_in_no_parcel_is_not_packed_yet() -> None:
    said = {"id": "f", "reference": "demo-1/f1", "location": "berlin", "status": "packed"}
    assert Fulfilment.model_validate(said).standing() == PackAccepted()
