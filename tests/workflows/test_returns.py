"""Goods on their way back: what may be asked for, what becomes of it, and when the order closes."""

import asyncio

import pytest

from domain.lifecycles import OrderStatus, ReturnStatus
from domain.policies import OrderPolicy
from domain.tracking import Course
from domain.waits import Owner
from tests.workflows.at_once import at_once
from tests.workflows.lives import DAY_S, Life, Start
from tests.workflows.world import PATIENCE_S, World, an_order


async def delivered(begin: Start, own_id: str, policy: OrderPolicy | None = None) -> Life:
    life = await (begin(an_order(own_id), policy) if policy else begin(an_order(own_id)))
    await life.until_waiting("delivery")
    await life.parcel(Course.DELIVERED)
    await life.until_waiting("return_window")
    return life


def asked(life: Life, pieces: int, number: int = 1, **other: object) -> dict[str, object]:
    line = {"line_id": "L1", "sku": "MUG", "quantity": pieces, "reason": "unwanted"} | other
    return {"return_id": f"{life.id}.r{number}", "lines": [line]}


def found(restock: int, discard: int, refund: int) -> dict[str, object]:
    line = {"line_id": "L1", "sku": "MUG"}
    return {"lines": [line | {"restock": restock, "discard": discard, "refund": refund}]}


@at_once
async def test_a_return_is_received_inspected_restocked_in_part_and_refunded(
    begin: Start, world: World
) -> None:
    life = await delivered(begin, "return-1")
    back = await life.ask_back(2)
    waiting = await life.until_return_waits("goods")
    assert waiting.wait is not None
    assert waiting.wait.owner is Owner.CUSTOMER
    await back.execute_update("received", {"by": "bob"})
    waiting = await life.until_return_waits("inspection")
    assert waiting.wait is not None
    assert waiting.wait.owner is Owner.WAREHOUSE
    await back.execute_update("inspected", found(1, 1, 2))
    closed = await life.until_return(ReturnStatus.CLOSED)
    assert [(entry.kind, entry.amount.amount_minor) for entry in closed.money] == [
        ("refunded", 3_000)
    ]
    assert world.stock["MUG", "berlin"] == 999
    codes = [e.code for r in world.return_records[f"{life.id}.r1"] for e in r.journal]
    assert codes == [
        "returnreceived",
        "return_received",
        "returninspected",
        "return_inspected",
        "return_refunded",
        "return_closed",
    ]
    assert closed.wait is None
    await life.pass_time(31 * DAY_S)
    assert (await life.result()).status == "closed"


@at_once
async def test_a_return_called_off_frees_its_pieces(begin: Start, world: World) -> None:
    life = await delivered(begin, "return-2")
    back = await life.ask_back(2)
    assert await life.refused("request_return", **asked(life, 1, 2)) == (
        "lines: more than was bought and not yet returned"
    )
    await back.signal("cancel", {})
    await life.until_return(ReturnStatus.CANCELLED)
    await life.until_waiting("return_window")
    await life.ask_back(2, number=2)
    assert world.done("restock") == []


@at_once
async def test_cancelling_the_returns_workflow_calls_it_off(begin: Start) -> None:
    life = await delivered(begin, "return-3")
    back = await life.ask_back(1)
    await back.cancel()
    await life.until_return(ReturnStatus.CANCELLED)
    assert (await back.result())["status"] == "cancelled"


@at_once
async def test_goods_that_were_received_cannot_be_called_off(begin: Start) -> None:
    life = await delivered(begin, "return-4")
    back = await life.ask_back(1)
    await back.signal("received", {"command_id": "a"})
    await back.signal("received", {"command_id": "a"})
    await life.until_return(ReturnStatus.RECEIVED)
    await back.cancel()
    await back.signal("cancel", {"command_id": "b"})
    await life.until(lambda _: _settled(life).get("b") == "too_late: the goods have been received")
    assert _settled(life)["a"] == ""
    await back.signal("inspected", found(0, 1, 0))
    closed = await life.until_return(ReturnStatus.CLOSED)
    assert closed.money == ()


def _settled(life: Life) -> dict[str, str]:
    records = life.world.return_records[f"{life.id}.r1"]
    return {done.command_id: done.refused for record in records for done in record.settled}


@at_once
async def test_an_inspection_finds_no_more_than_was_announced(begin: Start) -> None:
    life = await delivered(begin, "return-5")
    back = await life.ask_back(1)
    before = "not_now: receive the goods first, and inspect them once"
    assert await life.refused_by(back, "inspected", **found(1, 0, 1)) == before
    await back.signal("received", {})
    await life.until_return(ReturnStatus.RECEIVED)
    wrongs = (found(1, 1, 1), found(1, 0, 2), found(-1, 0, 0))
    for wrong in wrongs:
        assert (await life.refused_by(back, "inspected", **wrong)).startswith("lines")
    await back.execute_update("inspected", found(1, 0, 1))
    await life.until_return(ReturnStatus.CLOSED)


@at_once
async def test_goods_that_do_not_come_are_an_operators_matter(begin: Start) -> None:
    life = await delivered(begin, "return-6", OrderPolicy(return_parcel_s=10))
    back = await life.ask_back(1)
    overdue = await life.until_return_waits("goods_overdue", after=back)
    assert overdue.wait is not None
    assert overdue.wait.owner is Owner.OPERATOR
    await back.signal("received", {})
    await life.until_return(ReturnStatus.RECEIVED)


@at_once
async def test_more_than_was_bought_is_refused(begin: Start, world: World) -> None:
    life = await delivered(begin, "return-7")
    more = "lines: more than was bought and not yet returned"
    assert await life.refused("request_return", **asked(life, 3)) == more
    assert await life.refused("request_return", **asked(life, 0)) == more
    unknown = "lines: the order has no such line"
    assert await life.refused("request_return", **asked(life, 1, line_id="L9")) == unknown
    assert await life.refused("request_return", **asked(life, 1, sku="CUP")) == unknown
    assert (await life.refused("request_return", return_id="x", lines=[])).startswith("lines")
    assert world.return_records == {}


@at_once
async def test_nothing_can_be_returned_before_it_arrives(begin: Start) -> None:
    life = await begin(an_order("return-8"))
    await life.until_waiting("delivery")
    early = "too_early: the order has not arrived yet"
    assert await life.refused("request_return", **asked(life, 1)) == early


@at_once
async def test_the_window_stops_requests_but_not_the_return_that_is_open(begin: Start) -> None:
    life = await delivered(begin, "return-9", OrderPolicy(return_window_s=40))
    back = await life.ask_back(1)
    async with asyncio.timeout(PATIENCE_S):
        while not (await _refusal(life, asked(life, 2, 2))).startswith(  # noqa: ASYNC110 - a clock
            "too_late"
        ):
            await asyncio.sleep(0.5)
    assert (await life.state()).status is OrderStatus.DELIVERED
    await back.signal("received", {})
    await back.signal("inspected", found(1, 0, 1))
    assert (await life.result()).status == "closed"


async def _refusal(life: Life, wanted: dict[str, object]) -> str:
    return await life.refused("request_return", **wanted)


@at_once
async def test_a_return_that_was_asked_for_twice_is_one(begin: Start) -> None:
    life = await delivered(begin, "return-10")
    await life.tell("request_return", command_id="a", **asked(life, 1))
    await life.tell("request_return", command_id="a", **asked(life, 1))
    await life.tell("request_return", command_id="b", **asked(life, 1))
    assert await life.settled("a") == ""
    assert await life.settled("b") == "return_id: this return has been asked for"
    await life.until_waiting("return")


@at_once
async def test_a_return_id_that_another_order_has_fails_nothing(begin: Start) -> None:
    life = await delivered(begin, "return-11")
    other = await delivered(begin, "return-12")
    await other.ask_back(1)
    await life.tell("request_return", command_id="a", **asked(other, 1))
    assert await life.settled("a") == "return_id: another order's return has it"
    await life.ask_back(2)


@at_once
async def test_a_terminated_return_lets_its_order_close(begin: Start) -> None:
    life = await delivered(begin, "return-13")
    back = await life.ask_back(1)
    await back.terminate("somebody did it in Temporal's UI")
    await life.until_waiting("return_window")
    await life.pass_time(31 * DAY_S)
    assert (await life.result()).status == "closed"


@at_once
async def test_two_returns_at_once(begin: Start, world: World) -> None:
    life = await delivered(begin, "return-14")
    for number in (1, 2):
        back = await life.ask_back(1, number=number)
        await back.signal("received", {})
        await back.signal("inspected", found(1, 0, 1))
    await life.until_return(ReturnStatus.CLOSED, number=1)
    await life.until_return(ReturnStatus.CLOSED, number=2)
    assert world.stock["MUG", "berlin"] == 1_000
    assert len(world.done("refund")) == 2


@pytest.mark.parametrize("said", [None, "soon", [1], {"lines": "all"}])
@at_once
async def test_what_makes_no_sense_is_journalled(begin: Start, said: object) -> None:
    life = await delivered(begin, f"return-odd-{str(said)[:4].strip('[{')}".replace("'", ""))
    back = await life.ask_back(1)
    await back.signal("inspected", said)
    await back.signal("refund_everything", said)
    records = life.world.return_records[f"{life.id}.r1"]
    await life.until(
        lambda _: [e.code for r in records for e in r.journal] == ["signal_refused"] * 2
    )
