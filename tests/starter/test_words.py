"""What people read: each thing said once, and what it means to them."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from click import unstyle
from typer.testing import CliRunner

from domain.lifecycles import SENTENCES, OrderStatus
from domain.lifecycles import FulfilmentStatus as F
from domain.money import Money
from domain.tracking import Course
from domain.views import FulfilmentView, LabelView, OrderView, ParcelView
from starter.cli import app
from starter.commands.calls import refusal
from starter.tracking import _tracked
from tests.starter.world import World, canonical_order
from tests.storage.orderbook import an_order


@pytest.mark.parametrize(
    ("status", "problem", "said"),
    [
        (
            409,
            {"code": "too_late", "detail": "too_late: the order is cancelled"},
            "409 too_late: the order is cancelled",
        ),
        (
            422,
            {
                "code": "invalid",
                "detail": "quantity: must not be 0",
                "errors": [{"field": "quantity", "reason": "zero", "message": "must not be 0"}],
            },
            "422 invalid\n  quantity: must not be 0",
        ),
        (404, {"code": "not_found", "detail": "There is none."}, "404 not_found: There is none."),
    ],
)
def test_the_command_line_says_a_refusal_once(
    status: int, problem: dict[str, Any], said: str
) -> None:
    assert refusal(httpx.Response(status, json=problem)) == said


async def test_one_bad_line_is_one_problem(world: World) -> None:
    body = canonical_order(world.own_id())
    order_id = (await world.api("POST", "/api/orders", body, Idempotency_Key="k")).json()[
        "order_id"
    ]
    bad = {"lines": [{"line_id": "1", "quantity": 0, "reason": "damaged"}]}
    answer = await world.api("POST", f"/api/orders/{order_id}/returns", bad)
    assert [e["field"] for e in answer.json()["errors"]] == ["lines.0.quantity"]
    none = await world.api("POST", f"/api/orders/{order_id}/returns", {"lines": []})
    assert [e["field"] for e in none.json()["errors"]] == ["lines"]


@pytest.mark.parametrize(
    ("status", "part", "sentence"),
    [
        (OrderStatus.CLOSED, F.DELIVERED, "The parcel has arrived."),
        (OrderStatus.CLOSED, F.UNDELIVERED, "The carrier could not deliver the parcel."),
        (OrderStatus.SHIPPED, F.HANDED_OVER, "The carrier has the parcel."),
    ],
)
def test_the_customer_reads_how_a_closed_order_went(
    status: OrderStatus, part: F, sentence: str
) -> None:
    assert _tracked(_view(status, part)).sentence == sentence


def test_returns_have_their_verbs_on_the_command_line() -> None:
    shown = unstyle(CliRunner().invoke(app, ["return", "--help"], env={"COLUMNS": "200"}).stdout)
    for verb in ("request", "receive", "inspect", "cancel", "retry", "unannounced"):
        assert f" {verb} " in shown


def _view(status: OrderStatus, part_status: F) -> OrderView:
    order, now, zero = an_order(), datetime(2026, 11, 20, tzinfo=UTC), Money.zero("EUR")
    label = LabelView(
        shipment_ref="s", carrier="DHL", tracking_number="T1", tracking_url="", label_url="",
        voided=False, cost=zero,
    )  # fmt: skip
    parcel = ParcelView(
        parcel_id="p", weight_g=1, length_mm=1, width_mm=1, height_mm=1, course=Course.MOVING,
        label=label, labels=(label,), scans=(),
    )  # fmt: skip
    part = FulfilmentView(
        number=1, reference="f", location="berlin", status=part_status, reason="", lines=(),
        parcels=(parcel,),
    )  # fmt: skip
    shown: dict[str, Any] = {
        "number": order.number, "status": status, "sentence": SENTENCES[status], "lines": (),
        "fulfilments": (part,), "updated_at": now,
    }  # fmt: skip
    return OrderView.model_construct(**shown)
