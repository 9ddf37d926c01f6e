"""Purchase orders, transfers and counts through the API, and the dates that waiting orders get."""

from typing import Any

from sqlalchemy import text

from domain.ids import OrderId, order_id
from domain.orders import Destination, LineRef
from domain.sourcing.source import source
from domain.stock import ReserveRequest
from storage.engine import create_engine
from tests.starter.goods import fields, put, receive, with_goods
from tests.starter.world import World, canonical_order


def line(sku: str, quantity: Any, on: str = "2099-12-01") -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, "expected_on": on}


async def post(world: World, path: str, body: Any, **headers: str) -> Any:
    return await world.api("POST", f"/api/{path}", body, **headers)


async def opened(world: World, *lines: dict[str, Any], origin: str = "") -> str:
    """The path of a document to bring goods to Berlin."""
    kind, more = ("transfers", {"origin": origin}) if origin else ("purchase-orders", {})
    body = {"destination": "berlin", "lines": list(lines), **more}
    answer = await post(world, f"supply/{kind}", body)
    assert answer.status_code == 201, answer.text
    return f"supply/{kind}/{answer.json()['supply_id']}"


async def level(world: World, sku: str, location: str = "berlin") -> tuple[int, int]:
    """On hand and incoming."""
    found = await world.api("GET", f"/api/stock?sku={sku}&location={location}")
    (one,) = found.json()["levels"] or [{"on_hand": 0, "incoming": 0}]
    return one["on_hand"], one["incoming"]


async def waits(world: World, order: OrderId, sku: str, quantity: int) -> None:
    wanted = ReserveRequest(
        order_id=order,
        key=f"{order}/reserve/1",
        lines=(LineRef(line_id="1", sku=sku, quantity=quantity),),
        destination=Destination(country="DE", postal_code="10117"),
    )
    case = await world.wired.sourcing.case(wanted)
    await world.wired.sourcing.reserve(wanted, case, source(case))


async def test_a_purchase_order_comes_in_part_and_closes_short(world: World) -> None:
    await with_goods(world)
    path = await opened(world, line("CUP", 5), line("POT", 2, "2099-12-24"))
    assert await level(world, "CUP") == (0, 5)
    came = {"lines": [{"sku": "CUP", "quantity": 6, "damaged": 1}]}
    said = await post(world, f"{path}/receive", came, Idempotency_Key="k")
    again = await post(world, f"{path}/receive", came, Idempotency_Key="k")
    assert said.json() == again.json()
    assert [(one["received"], one["awaited"]) for one in said.json()["lines"]] == [(6, 0), (0, 2)]
    assert await level(world, "CUP") == (6, 0)
    other = await post(world, f"{path}/receive", {"lines": [line("CUP", 1)]}, Idempotency_Key="k")
    assert fields(other) == ["lines.0.expected_on"]
    more = {"lines": [{"sku": "CUP", "quantity": 1}]}
    assert fields(await post(world, f"{path}/receive", more, Idempotency_Key="k")) == [
        "Idempotency-Key"
    ]
    assert fields(await post(world, f"{path}/close", {})) == ["reason"]
    closed = await post(world, f"{path}/close", {"reason": "no more made"})
    assert (closed.status_code, closed.json()["state"]) == (200, "closed")
    assert await level(world, "POT") == (0, 0)
    late = await post(world, f"{path}/receive", more)
    assert (late.status_code, late.json()["code"]) == (409, "closed")
    page = (await world.api("GET", "/api/stock/discrepancies")).json()
    told = [(one["kind"], one["sku"], one["quantity"]) for one in page["discrepancies"]]
    assert told == [("short", "POT", -2), ("over", "CUP", 1), ("damaged", "CUP", 1)]
    assert (await world.api("GET", f"/api/{path}")).json() == closed.json()


async def test_a_transfer_is_on_the_way_between_dispatch_and_receipt(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 4, "lyon")
    path = await opened(world, line("CUP", 3), origin="lyon")
    too_much = await opened(world, line("CUP", 9), origin="lyon")
    early = await post(world, f"{path}/receive", {"lines": [{"sku": "CUP", "quantity": 3}]})
    assert (early.status_code, early.json()["code"]) == (409, "not_dispatched")
    refused = await post(world, f"{too_much}/dispatch", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "below_reserved")
    assert refused.json()["errors"][0]["field"] == "lines.0.quantity"
    assert (await post(world, f"{path}/dispatch", {})).json()["state"] == "dispatched"
    assert (await level(world, "CUP", "lyon"), await level(world, "CUP")) == ((1, 0), (0, 3))
    assert (await post(world, f"{path}/cancel", {})).json()["code"] == "dispatched"
    assert (await post(world, f"{too_much}/cancel", {})).json()["state"] == "cancelled"
    page = (await world.api("GET", "/api/supply/transfers?state=dispatched")).json()
    assert [one["lines"][0]["awaited"] for one in page["supplies"]] == [3]
    await post(world, f"{path}/receive", {"lines": [{"sku": "CUP", "quantity": 3}]})
    assert (await level(world, "CUP", "lyon"), await level(world, "CUP")) == ((1, 0), (3, 0))


async def test_an_order_shows_the_goods_that_it_waits_for(world: World) -> None:
    await with_goods(world)
    await put(world, "skus/MUG", {"title": "Mug"})
    own = world.own_id()
    await post(world, "orders", canonical_order(own), Idempotency_Key=f"k{own}")
    order = order_id("api", own)
    await waits(world, order, "MUG", 2)

    async def promise() -> Any:
        return (await world.api("GET", f"/api/orders/{order}")).json()["promise"]

    assert await promise() == {
        "ship_on": None, "deliver_on": None, "pegs": [], "lacks": [{"sku": "MUG", "quantity": 2}],
        "sentence": "No date yet: 2 x MUG more must be ordered.",
    }  # fmt: skip
    path = await opened(world, line("MUG", 5, "2099-12-01"))
    found = await promise()
    assert (found["ship_on"], found["deliver_on"]) == ("2099-12-01", "2099-12-03")
    assert found["pegs"] == [
        {
            "location": "berlin", "sku": "MUG", "quantity": 2,
            "supply_id": path.rpartition("/")[2], "expected_on": "2099-12-01", "overdue": False,
        }
    ]  # fmt: skip
    page = (await world.api("GET", "/api/stock/pegs")).json()
    assert [(one["order_id"], one["promise"]) for one in page["waiting"]] == [(order, found)]
    moved = await post(world, f"{path}/reschedule", {"expected_on": "2099-12-08"})
    assert moved.json()["lines"][0]["expected_on"] == "2099-12-08"
    assert (await promise())["ship_on"] == "2099-12-08"
    await post(world, f"{path}/receive", {"lines": [{"sku": "MUG", "quantity": 2}]})
    shelved = await promise()
    assert (shelved["pegs"], shelved["ship_on"] < "2099") == ([], True)
    assert (await world.api("GET", "/api/stock/pegs")).json() == {"waiting": [], "next": None}


async def test_a_mistyped_day_is_named_and_one_in_the_books_locks_nothing(world: World) -> None:
    await with_goods(world)
    for day in ("9999-12-31", "0001-01-01"):
        body = {"destination": "berlin", "lines": [line("CUP", 5, day)]}
        refused = await post(world, "supply/purchase-orders", body)
        assert fields(refused) == ["lines.0.expected_on"]
    path = await opened(world, line("CUP", 5))
    far = await post(world, f"{path}/reschedule", {"expected_on": "9999-12-31"})
    assert fields(far) == ["expected_on"]
    engine = create_engine(world.composition.settings.database, 1)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE supply_lines SET expected_on = '9999-12-31'"))
    await engine.dispose()
    own = world.own_id()
    await post(world, "orders", canonical_order(own), Idempotency_Key=f"k{own}")
    await waits(world, order_id("api", own), "CUP", 2)
    (one,) = (await world.api("GET", "/api/stock/pegs")).json()["waiting"]
    assert one["promise"]["ship_on"] == "2099-12-31"
    shown = await world.api("GET", f"/api/orders/{order_id('api', own)}")
    assert shown.json()["promise"] == one["promise"]
    put_right = await post(world, f"{path}/reschedule", {"expected_on": "2099-12-01"})
    assert put_right.status_code == 200, put_right.text
    assert (await post(world, f"{path}/cancel", {})).status_code == 200


async def test_a_count_is_a_document_of_its_own(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 4)
    lines = [{"sku": "CUP", "quantity": 3}, {"sku": "POT", "quantity": 0}]
    body = {"location": "berlin", "lines": lines, "reason": "year's end"}
    made = await post(world, "stock/counts", body, Idempotency_Key="k")
    assert made.status_code == 201
    assert [(one["sku"], one["counted"], one["recorded"]) for one in made.json()["lines"]] == [
        ("CUP", 3, 4), ("POT", 0, 0),
    ]  # fmt: skip
    assert (await post(world, "stock/counts", body, Idempotency_Key="k")).json() == made.json()
    page = (await world.api("GET", "/api/stock/counts?limit=1")).json()
    assert (page["counts"], page["next"]) == ([made.json()], made.json()["number"])
    again = await world.api("GET", f"/api/stock/counts?cursor={page['next']}")
    assert again.json()["counts"] == []
    one = await world.api("GET", f"/api/stock/counts/{made.json()['count_id']}")
    assert one.json() == made.json()
    bad = {"location": "berlin", "lines": [{"sku": "CUP", "quantity": -1}]}
    assert fields(await post(world, "stock/counts", bad)) == ["lines.0.quantity"]
    twice = {"location": "berlin", "lines": [lines[0], lines[0]]}
    assert fields(await post(world, "stock/counts", twice)) == ["lines.1.sku"]
    assert await level(world, "CUP") == (3, 0)


async def test_bad_input_is_named_and_nothing_is_opened(world: World) -> None:
    await with_goods(world)
    good = {"destination": "berlin", "lines": [line("CUP", 1)]}
    for change, named in (
        ({"lines": []}, ["lines"]),
        ({"lines": [line("CUP", 0)]}, ["lines.0.quantity"]),
        ({"lines": [line("CUP", "1")]}, ["lines.0.quantity"]),
        ({"lines": [line("CUP", 1), line("NONE", 1)]}, ["lines.1.sku"]),
        ({"lines": [line("SET", 1)]}, ["lines.0.sku"]),
        ({"lines": [line("CUP", 1, "soon")]}, ["lines.0.expected_on"]),
        ({"destination": "rome"}, ["destination"]),
        ({"destination": "a\0b"}, ["destination"]),
        ({"origin": "lyon"}, ["origin"]),
    ):
        assert fields(await post(world, "supply/purchase-orders", {**good, **change})) == named
    here = {**good, "origin": "berlin"}
    assert fields(await post(world, "supply/transfers", here)) == ["destination"]
    assert (await world.api("GET", "/api/supply/transfers")).json()["supplies"] == []
    path = await opened(world, line("CUP", 5))
    for body, named in (
        ({"lines": [{"sku": "POT", "quantity": 1}]}, ["lines.0.sku"]),
        ({"lines": [{"sku": "CUP", "quantity": 1, "damaged": 2}]}, ["lines.0"]),
    ):
        assert fields(await post(world, f"{path}/receive", body)) == named
    number = path.rpartition("-")[2]
    for where in ("supply/gifts", "supply/purchase-orders/po-99", f"supply/transfers/po-{number}",
                  "supply/purchase-orders/%00", "stock/counts/co-99"):  # fmt: skip
        answer = await world.api("GET", f"/api/{where}")
        assert (where, answer.status_code) == (where, 404)
    for unknown in ("po-99", "po-%00", f"tr-{number}"):
        answer = await post(world, f"supply/purchase-orders/{unknown}/close", {})
        assert (unknown, answer.status_code) == (unknown, 404)
    assert await level(world, "CUP") == (0, 5)
