"""What a customer sees of an order that comes in more than one parcel."""

from typing import Any

import pytest

from domain.fulfilments import PackedParcel
from domain.lifecycles import FulfilmentStatus, OrderStatus
from domain.orders import LineRef
from domain.records import FulfilmentRecord, OrderRecord, ParcelRecord
from domain.tracking import Course
from tests.starter.world import World, canonical_order, money
from tests.storage.orderbook import a_label, a_scan

F = FulfilmentStatus
MUGS = LineRef(line_id="1", sku="MUG", quantity=1)
CAP = LineRef(line_id="2", sku="CAP", quantity=1)


async def placed(world: World) -> dict[str, Any]:
    """Two mugs and a cap."""
    body = canonical_order(world.own_id())
    cap = body["lines"][0] | {"line_id": "2", "sku": "CAP", "title": "Cap <&>", "quantity": 1}
    body["lines"].append(cap)
    body["totals"] |= {"lines": money(3000), "total": money(3500)}
    answer = await world.api("POST", "/api/orders", body, Idempotency_Key=world.own_id())
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def share(
    order_id: str, number: int, *lines: LineRef, parcels: int = 1, status: F = F.HANDED_OVER
) -> FulfilmentRecord:
    reference = f"{order_id}/f{number}"
    box = PackedParcel(weight_g=500, length_mm=300, width_mm=200, height_mm=100)
    return FulfilmentRecord(
        number=number, reference=reference, location="berlin", status=status, lines=lines,
        parcels=tuple(
            ParcelRecord(
                parcel_id=f"{reference}/p{n}", packed=box,
                label=a_label(f"shp-{reference}/{n}", f"{reference}/p{n}"),
            )
            for n in range(1, parcels + 1)
        ),
    )  # fmt: skip


def unlabelled(part: FulfilmentRecord) -> FulfilmentRecord:
    """It left without a label; where it has arrived, somebody said so."""
    course = Course.DELIVERED if part.status is F.DELIVERED else Course.EXPECTED
    bare = tuple(p.model_copy(update={"label": None, "course": course}) for p in part.parcels)
    return part.model_copy(update={"parcels": bare})


async def stands(
    world: World,
    made: dict[str, Any],
    status: OrderStatus,
    *shares: FulfilmentRecord,
    seq: int = 1_000,
    cancelled: tuple[LineRef, ...] = (),
) -> tuple[dict[str, Any], str]:
    """What the customer is told once the order stands so: the JSON and the page."""
    await world.wired.order_book.record(
        OrderRecord(order_id=made["order_id"], seq=seq, status=status, wait=None, holds=(),
                    address_version=1, fulfilments=shares, cancelled_lines=cancelled)
    )  # fmt: skip
    said = await world.http.get(f"/track/{made['track_token']}.json")
    page = await world.http.get(f"/track/{made['track_token']}")
    assert (said.status_code, page.status_code) == (200, 200)
    told: dict[str, Any] = said.json()
    return told, page.text


async def test_each_parcel_of_a_split_order_says_what_is_in_it(world: World) -> None:
    made = await placed(world)
    order = made["order_id"]
    first, second = share(order, 1, MUGS), share(order, 2, MUGS, CAP, parcels=2)
    told, page = await stands(world, made, OrderStatus.SHIPPED, first, second)
    assert told["sentence"] == "The carrier has the parcels."
    assert [(one["lines"], len(one["parcels"])) for one in told["shipments"]] == [
        (["1 x Mug"], 1),
        (["1 x Mug", "1 x Cap <&>"], 2),
    ]
    assert [one["tracking_number"] for one in told["parcels"]] == [
        f"{order}/f1/p1", f"{order}/f2/p1", f"{order}/f2/p2",
    ]  # fmt: skip
    assert (told["to_come"], told["cancelled"]) == ([], [])
    for said in ("Parcel 1 of 3", "Parcel 3 of 3", "In these 2 parcels:", "1 x Cap &lt;&amp;&gt;"):
        assert page.count(said) >= 1
    assert "Still to come" not in page


async def test_a_part_that_is_on_its_way_leaves_the_rest_to_come(world: World) -> None:
    made = await placed(world)
    order = made["order_id"]
    waiting = share(order, 2, MUGS, CAP).model_copy(update={"parcels": (), "status": F.ACCEPTED})
    parts = (share(order, 1, MUGS), waiting)
    told, page = await stands(world, made, OrderStatus.PARTLY_SHIPPED, *parts)
    assert told["sentence"] == "A part of the order is on its way; the rest follows."
    assert told["to_come"] == ["1 x Mug", "1 x Cap <&>"]
    assert "<h2>Still to come</h2>" in page
    parts = (share(order, 1, MUGS, status=F.DELIVERED), waiting)
    told, page = await stands(world, made, OrderStatus.PARTLY_SHIPPED, *parts, seq=1_001)
    assert told["sentence"] == "A part of the order has arrived; the rest follows."


async def test_what_was_cancelled_of_an_order_is_not_to_come(world: World) -> None:
    made = await placed(world)
    rest = (MUGS, CAP)
    sent = share(made["order_id"], 1, MUGS)
    told, page = await stands(world, made, OrderStatus.SHIPPED, sent, cancelled=rest)
    assert told["sentence"] == "The carrier has the parcel."
    assert (told["to_come"], told["cancelled"]) == ([], ["1 x Mug", "1 x Cap <&>"])
    assert "<h2>Cancelled</h2>" in page
    assert "<h2>Parcel</h2><p>In it:</p>" in page


async def test_a_closed_order_says_whether_every_parcel_came(world: World) -> None:
    made = await placed(world)
    order = made["order_id"]
    there, lost = share(order, 1, MUGS, MUGS, status=F.DELIVERED), share(order, 2, CAP)
    lost = lost.model_copy(update={"status": F.UNDELIVERED})
    told, _ = await stands(world, made, OrderStatus.CLOSED, there, lost)
    assert told["sentence"] == "The carrier could not deliver every parcel."
    found = lost.model_copy(update={"status": F.DELIVERED})
    told, _ = await stands(world, made, OrderStatus.CLOSED, there, found, seq=1_001)
    assert told["sentence"] == "All parcels have arrived."


@pytest.mark.parametrize("status", [OrderStatus.DELIVERED, OrderStatus.CLOSED])
@pytest.mark.parametrize("parcels", [1, 0], ids=["packed", "never seen"])
async def test_what_is_said_to_have_arrived_without_a_label_has_arrived(
    world: World, status: OrderStatus, parcels: int
) -> None:
    made = await placed(world)
    gone = share(made["order_id"], 1, MUGS, MUGS, CAP, parcels=parcels)
    there = gone.model_copy(update={"status": F.DELIVERED})
    await stands(world, made, OrderStatus.SHIPPED, unlabelled(gone))
    told, page = await stands(world, made, status, unlabelled(there), seq=1_001)
    assert told["sentence"] == "The parcel has arrived."
    assert (told["to_come"], told["parcels"]) == ([], [])
    assert told["shipments"] == [{"lines": ["2 x Mug", "1 x Cap <&>"], "parcels": []}]
    assert page.count("1 x Cap &lt;&amp;&gt;") == 1
    seen = (await world.api("GET", f"/api/orders/{made['order_id']}")).json()["fulfilments"]
    assert [p["course"] for p in seen[0]["parcels"]] == ["delivered"] * parcels


async def test_a_share_without_a_label_is_sent_and_not_to_come(world: World) -> None:
    made = await placed(world)
    order = made["order_id"]
    labelled = share(order, 1, MUGS, status=F.DELIVERED)
    gone = unlabelled(share(order, 2, MUGS, CAP))
    told, page = await stands(world, made, OrderStatus.SHIPPED, labelled, gone)
    assert told["sentence"] == "The carrier has the parcels."
    there = unlabelled(share(order, 2, MUGS, CAP, status=F.DELIVERED))
    closed, closed_page = await stands(world, made, OrderStatus.CLOSED, labelled, there, seq=1_001)
    assert closed["sentence"] == "All parcels have arrived."
    for said, shown in ((told, page), (closed, closed_page)):
        assert said["to_come"] == []
        assert [one["lines"] for one in said["shipments"]] == [
            ["1 x Mug"], ["1 x Mug", "1 x Cap <&>"],
        ]  # fmt: skip
        assert "Still to come" not in shown
        assert "<h2>Without a tracking number</h2><ul><li>1 x Mug</li><li>1 x Cap" in shown


async def test_of_an_order_that_left_in_part_without_a_label_the_rest_is_to_come(
    world: World,
) -> None:
    made = await placed(world)
    order = made["order_id"]
    waiting = share(order, 2, MUGS, CAP, parcels=0, status=F.ACCEPTED)
    gone = unlabelled(share(order, 1, MUGS))
    told, page = await stands(world, made, OrderStatus.PARTLY_SHIPPED, gone, waiting)
    assert told["sentence"] == "A part of the order is on its way; the rest follows."
    assert told["to_come"] == ["1 x Mug", "1 x Cap <&>"]
    assert "<h2>Still to come</h2>" in page


async def test_where_a_labelled_parcel_is_only_its_scans_say(world: World) -> None:
    """The workflow hears of them later, and must not set it back."""
    made = await placed(world)
    order = made["order_id"]
    part = share(order, 1, MUGS, MUGS, CAP)
    await stands(world, made, OrderStatus.SHIPPED, part)
    await world.wired.scans.add((a_scan("1", Course.MOVING, number=f"{order}/f1/p1"),))
    box = PackedParcel(weight_g=501, length_mm=300, width_mm=200, height_mm=100)
    (parcel,) = part.parcels
    part = part.model_copy(update={"parcels": (parcel.model_copy(update={"packed": box}),)})
    told, _ = await stands(world, made, OrderStatus.SHIPPED, part, seq=1_001)
    assert told["parcels"][0]["sentence"] == "The parcel is on its way."
