"""What a shop, a carrier and a warehouse send: kept once, answered after the commit."""

import asyncio
import json
from typing import Any

import httpx
import psycopg
import pytest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from adapters.channels.shopify.order import to_order
from config.settings import Settings
from domain.ids import OrderId
from domain.orders import Order
from tests.starter.world import StandInBook, World, eventually, running, shop_order


async def rows(world: World, query: str) -> list[tuple[Any, ...]]:
    url = world.composition.settings.database.replace("+psycopg", "")
    async with await psycopg.AsyncConnection.connect(url) as connection:
        return await (await connection.execute(query)).fetchall()


async def test_an_order_that_a_shop_sends_is_kept_and_started(world: World) -> None:
    own_id = world.own_id()
    answer = await world.shop_says("orders/create", shop_order(own_id))
    assert answer.status_code == 200
    said = answer.json()
    assert said["duplicate"] is False
    order_id = f"demo-{own_id}"

    async def started() -> Any:
        found = await world.wired.progress.of_order(order_id)
        return found is not None and found.seq > 0

    await eventually(started)
    state = await world.wired.inbox.state(said["event"])
    assert state is not None
    assert state.order_id == order_id
    assert state.settled_at is not None


async def test_the_same_event_twice_is_one_row_and_one_order(world: World) -> None:
    own_id = world.own_id()
    first = await world.shop_says("orders/create", shop_order(own_id), "event-1")
    again = await world.shop_says("orders/create", shop_order(own_id), "event-1")
    assert again.json() == {"event": first.json()["event"], "duplicate": True}
    assert await rows(world, "SELECT count(*) FROM inbox") == [(1,)]


async def test_a_bad_signature_leaves_no_row(world: World) -> None:
    answer = await world.shop_says("orders/create", shop_order("1"), secret="wrong")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_signature"
    unsigned = await world.http.post("/webhooks/demo", content=b"{}")
    assert unsigned.status_code == 401
    strange = await world.http.post(
        "/webhooks/demo", content=b"{}", headers={"X-Shopify-Hmac-Sha256": b"\xff\xfe"}
    )
    assert strange.status_code == 401
    assert await rows(world, "SELECT count(*) FROM inbox") == [(0,)]


async def test_a_channel_that_nobody_knows_is_not_found(world: World) -> None:
    for path in ("/webhooks/nobody", "/webhooks/carriers/nobody", "/webhooks/warehouses/moon"):
        answer = await world.http.post(path, content=b"{}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_authentic_body_that_nobody_can_read_is_kept_and_becomes_a_task(
    world: World,
) -> None:
    answer = await world.shop_says("orders/create", b'{"id": 12, "broken')
    assert answer.status_code == 200
    again = await world.shop_says("orders/create", b"\xff\xfe\x00")
    assert again.status_code == 200
    tasks = (await world.api("GET", "/api/tasks")).json()["tasks"]
    assert [task["kind"] for task in tasks] == ["unreadable", "unreadable"]
    assert tasks[0]["event_id"] == answer.json()["event"]
    assert await rows(world, "SELECT convert_from(body, 'UTF8') FROM inbox LIMIT 1") == [
        ('{"id": 12, "broken',)
    ]


async def test_an_order_whose_fields_make_no_sense_becomes_a_task_and_blocks_nobody(
    world: World,
) -> None:
    bad, good = world.own_id(1), world.own_id(2)
    broken = shop_order(bad, line_items=[{"id": 1, "quantity": "many"}])
    assert (await world.shop_says("orders/create", broken)).status_code == 200
    await world.shop_says("orders/create", shop_order(good))

    async def judged() -> Any:
        found = await world.wired.progress.of_order(f"demo-{good}")
        return found and await world.wired.tasks.open()

    (task,) = await eventually(judged)
    assert task.kind == "undeliverable"
    assert task.order_id == f"demo-{bad}"
    assert await world.wired.progress.of_order(f"demo-{bad}") is None


async def test_a_body_that_is_too_large_is_refused_unread(world: World) -> None:
    announced = await world.shop_says("orders/create", b"x" * 200_001)
    assert (announced.status_code, announced.json()["code"]) == (413, "too_large")
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        for _ in range(1_000):
            sent += 1
            yield b"x" * 10_000

    streamed = await world.http.post("/webhooks/demo", content=endless())
    assert streamed.status_code == 413
    assert await rows(world, "SELECT count(*) FROM inbox") == [(0,)]


async def test_an_update_before_its_create_waits_for_it(world: World) -> None:
    own_id = world.own_id()
    later = shop_order(own_id, updated_at="2026-11-20T11:00:00Z", financial_status="paid")
    update = await world.shop_says("orders/updated", later)
    first = shop_order(own_id, financial_status="pending")
    await world.shop_says("orders/create", first)

    async def settled() -> Any:
        state = await world.wired.inbox.state(update.json()["event"])
        return state and state.settled_at

    await eventually(settled)
    told = await world.signals(f"demo-{own_id}")
    assert [(name, verb["payment"]) for name, verb in told] == [("payment_changed", "paid")]


async def test_what_the_shop_has_sent_is_not_sent_again(
    settings: Settings, temporal_client: Client, book: StandInBook
) -> None:
    """Sold over the counter, or long before the shop was ours: its next word starts nothing."""
    hasty = settings.model_copy(update={"unknown_order_wait_s": 0.001})
    async with running(hasty, temporal_client) as world, book.of(world):
        for n, topic in enumerate(("orders/create", "orders/updated")):
            sent = shop_order(world.own_id(n))
            sent["line_items"][0]["fulfillment_status"] = "fulfilled"
            event = (await world.shop_says(topic, sent)).json()["event"]

            async def settled(event: str = event) -> Any:
                state = await world.wired.inbox.state(event)
                return state if state and state.settled_at else None

            assert (await eventually(settled)).refused.startswith("all_sent: ")
        assert await rows(world, "SELECT count(*) FROM orders") == [(0,)]


@pytest.mark.parametrize("sent", [True, False])
@pytest.mark.parametrize("topic", ["orders/edited", "orders/updated"])
async def test_of_an_order_that_is_not_new_the_shop_is_asked_whether_it_was_sent(
    settings: Settings,
    temporal_client: Client,
    book: StandInBook,
    monkeypatch: pytest.MonkeyPatch,
    *,
    topic: str,
    sent: bool,
) -> None:
    hasty = settings.model_copy(update={"unknown_order_wait_s": 0.001})
    async with running(hasty, temporal_client) as world, book.of(world):
        own_id = world.own_id()
        order = shop_order(own_id)

        async def fetch(_own_id: str) -> Order | None:
            return to_order("demo", order)

        async def all_sent(asked: str) -> bool:
            return sent and asked == own_id

        monkeypatch.setattr(world.wired.channels["demo"], "fetch", fetch)
        monkeypatch.setattr(world.wired.channels["demo"], "all_sent", all_sent)
        said = {"order_edit": {"id": 1, "order_id": int(own_id)}}
        event = await world.shop_says(topic, said if topic == "orders/edited" else order)

        async def settled() -> Any:
            state = await world.wired.inbox.state(event.json()["event"])
            return state if state and state.settled_at else None

        refused = (await eventually(settled)).refused
        assert refused.partition(":")[0] == ("all_sent" if sent else "")
        assert await rows(world, "SELECT count(*) FROM orders") == [(0 if sent else 1,)]


async def test_an_edited_gift_card_starts_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_id = world.own_id()
    card = shop_order(own_id)
    card["line_items"][0]["requires_shipping"] = False

    async def fetch(_own_id: str) -> Order | None:
        return to_order("demo", card)

    async def all_sent(_own_id: str) -> bool:
        return False

    monkeypatch.setattr(world.wired.channels["demo"], "fetch", fetch)
    monkeypatch.setattr(world.wired.channels["demo"], "all_sent", all_sent)
    said = {"order_edit": {"id": 1, "order_id": int(own_id)}}
    event = await world.shop_says("orders/edited", said)

    async def settled() -> Any:
        state = await world.wired.inbox.state(event.json()["event"])
        return state if state and state.settled_at else None

    assert (await eventually(settled)).refused.startswith("nothing_to_send: ")


async def test_an_order_of_ours_that_we_sent_is_still_heard_of(world: World) -> None:
    own_id = world.own_id()
    await world.shop_says("orders/create", shop_order(own_id, financial_status="pending"))
    later = shop_order(own_id, updated_at="2026-11-20T11:00:00Z", financial_status="paid")
    later["line_items"][0]["fulfillment_status"] = "fulfilled"
    update = await world.shop_says("orders/updated", later)

    async def settled() -> Any:
        state = await world.wired.inbox.state(update.json()["event"])
        return state and state.settled_at

    await eventually(settled)
    assert [name for name, _ in await world.signals(f"demo-{own_id}")] == ["payment_changed"]


async def test_a_cancellation_at_the_shop_reaches_the_order(world: World) -> None:
    own_id = world.own_id()
    await world.shop_says("orders/create", shop_order(own_id))
    cancelled = shop_order(
        own_id,
        updated_at="2026-11-20T12:00:00Z",
        cancelled_at="2026-11-20T12:00:00Z",
        cancel_reason="customer",
    )
    await world.shop_says("orders/cancelled", cancelled)

    async def over() -> Any:
        found = await world.wired.progress.of_order(f"demo-{own_id}")
        return found is not None and found.status == "cancelled"

    await eventually(over)
    ((name, verb),) = await world.signals(f"demo-{own_id}")
    assert (name, verb["reason"], verb["by"]) == ("cancel", "customer", "channel")


async def test_what_is_said_of_a_closed_order_is_journalled_and_settled(world: World) -> None:
    own_id = world.own_id()
    order_id = f"demo-{own_id}"
    await world.shop_says("orders/create", shop_order(own_id))
    cancelled = shop_order(own_id, cancelled_at="2026-11-20T12:00:00Z", cancel_reason="other")
    await world.shop_says("orders/cancelled", cancelled)

    async def started() -> Any:
        found = await world.wired.progress.of_order(OrderId(order_id))
        return found is not None and found.seq > 0

    async def over() -> Any:
        description = await world.client.get_workflow_handle(f"order:{order_id}").describe()
        return description.status is not None and description.status.name == "COMPLETED"

    await eventually(started)
    await eventually(over)
    answer = await world.api("POST", f"/api/orders/{order_id}/hold", {"reason": "late"})
    assert (answer.status_code, answer.json()["code"]) == (409, "too_late")
    assert answer.json()["detail"] == "too_late: the order is cancelled"
    events = (await world.api("GET", f"/api/orders/{order_id}/events")).json()
    assert [e["code"] for e in events if e["code"].endswith("_refused")] == ["hold_refused"]


async def test_intake_goes_on_while_temporal_is_down_and_catches_up(
    settings: Settings, temporal_client: Client, book: StandInBook, free_port
) -> None:
    nowhere = await Client.connect(
        f"127.0.0.1:{free_port()}", lazy=True, data_converter=pydantic_data_converter
    )
    async with running(settings, nowhere) as world:
        ids = [world.own_id(n) for n in range(8)]
        for own_id in ids:
            answer = await world.shop_says("orders/create", shop_order(own_id))
            assert answer.status_code == 200
        ready = await world.http.get("/readyz")
        assert (ready.status_code, ready.json()["temporal"]) == (200, "unreachable")
    async with running(settings, temporal_client) as world, book.of(world):

        async def all_started() -> Any:
            found = [await world.wired.progress.of_order(f"demo-{own_id}") for own_id in ids]
            return all(one is not None and one.seq > 0 for one in found)

        await eventually(all_started)
        assert await rows(world, "SELECT max(attempts), count(parked_at) FROM inbox") == [(0, 0)]


async def test_a_database_that_is_down_answers_503_and_nothing_else(
    settings: Settings, temporal_client: Client, free_port, world: World
) -> None:
    gone = settings.model_copy(
        update={"database_url": f"postgresql+psycopg://x@127.0.0.1:{free_port()}/x"}
    )
    from config.inbound import senders_of
    from config.wiring import wire
    from starter.app import create_app
    from starter.composition import Composition
    from starter.signalling import Workflows

    wired = wire(gone, 2)
    app = create_app(Composition(gone, wired, Workflows(temporal_client), senders_of(gone)))
    lost = World(
        app,
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
            base_url="http://starter",
        ),
        world.composition,
        temporal_client,
        "",
    )
    answer = await lost.shop_says("orders/create", shop_order("1"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.json()["code"] == "unavailable"
    await lost.http.aclose()
    await wired.aclose()


async def test_bursts_of_one_order_and_of_many_are_all_kept(world: World) -> None:
    ids = [world.own_id(n) for n in range(20)]
    answers = await asyncio.gather(
        *(world.shop_says("orders/create", shop_order(own_id)) for own_id in ids for _ in "12")
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["event"] for answer in answers}) == 40

    async def all_settled() -> Any:
        return await rows(world, "SELECT 1 FROM inbox HAVING count(*) = count(settled_at)")

    await eventually(all_settled)
    assert await rows(world, "SELECT count(*) FROM orders") == [(20,)]


async def test_health_pages_speak_without_a_key(world: World) -> None:
    assert (await world.http.get("/healthz")).text == "ok"
    assert "holdfast_inbox_undelivered 0.0" in (await world.http.get("/metrics")).text
    paths = json.loads((await world.http.get("/openapi.json")).text)["paths"]
    assert "/api/orders/{order_id}/hold" in paths


async def test_an_order_that_the_shop_refunds_without_a_cancel_is_held(world: World) -> None:
    own_id = world.own_id()
    await world.shop_says("orders/create", shop_order(own_id))
    for status, hour in (("partially_refunded", 12), ("partially_refunded", 13)):
        refunded = shop_order(
            own_id, updated_at=f"2026-11-20T{hour}:00:00Z", financial_status=status
        )
        answer = await world.shop_says("orders/updated", refunded)

        async def settled(event: str = answer.json()["event"]) -> Any:
            state = await world.wired.inbox.state(event)
            return state and state.settled_at

        await eventually(settled)
    ((name, verb),) = await world.signals(f"demo-{own_id}")
    assert (name, verb["reason"], verb["by"]) == ("hold", "refunded_at_channel", "channel")


@pytest.mark.parametrize("stands", ["Bonn", "Berlin", "not there"])
async def test_of_two_addresses_in_one_second_the_shop_is_asked_which_is_the_later(
    world: World, monkeypatch: pytest.MonkeyPatch, stands: str
) -> None:
    own_id = world.own_id()
    first = shop_order(own_id)
    moved = first | {"shipping_address": {**first["shipping_address"], "city": "Bonn"}}
    asked = []

    async def fetch(channel_order_id: str) -> Order | None:
        asked.append(channel_order_id)
        shows = {"Bonn": moved, "Berlin": first}.get(stands)
        return to_order("demo", shows) if shows else None

    monkeypatch.setattr(world.wired.channels["demo"], "fetch", fetch)
    await world.shop_says("orders/create", first)
    update = await world.shop_says("orders/updated", moved)

    async def settled() -> Any:
        state = await world.wired.inbox.state(update.json()["event"])
        return state and state.settled_at

    await eventually(settled)
    assert asked == [own_id]
    told = [name for name, _ in await world.signals(f"demo-{own_id}")]
    assert told == ([] if stands == "Berlin" else ["fix_address"])


async def test_an_address_that_changes_at_the_shop_after_all_is_over_makes_a_task(
    world: World,
) -> None:
    own_id = world.own_id()
    order_id = f"demo-{own_id}"
    await world.shop_says("orders/create", shop_order(own_id))

    async def started() -> Any:
        found = await world.wired.progress.of_order(OrderId(order_id))
        return found is not None and found.seq > 0

    await eventually(started)
    await world.client.get_workflow_handle(f"order:{order_id}").terminate()
    await rows(world, "UPDATE orders SET status = 'closed' RETURNING 1")
    moved = {**shop_order("1")["shipping_address"], "city": "Bonn"}
    later = shop_order(own_id, updated_at="2026-11-20T12:00:00Z", shipping_address=moved)
    await world.shop_says("orders/updated", later)
    (task,) = await eventually(world.wired.tasks.open)
    assert (task.kind, task.order_id) == ("channel_address_too_late", order_id)
