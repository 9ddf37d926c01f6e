"""A cart held, shown and given back on the command line."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from starter.cli import app

PLACE = {"name": "Berlin", "timezone": "Europe/Berlin",
         "address": {"city": "Berlin", "country": "DE"}, "location": "berlin"}  # fmt: skip


@pytest.fixture
def oms(served: str, environment: dict[str, str]) -> Callable[..., Any]:
    runner = CliRunner(env=environment)
    return lambda *arguments: runner.invoke(app, arguments)


def test_a_cart_is_held_shown_and_given_back(oms: Callable[..., Any], tmp_path: Any) -> None:
    skus = [{"sku": sku, "title": sku} for sku in ("CUP", "POT")]
    (tmp_path / "goods.json").write_text(json.dumps({"skus": skus, "locations": [PLACE]}))
    assert oms("catalogue", "load", str(tmp_path / "goods.json")).exit_code == 0
    assert oms("stock", "receive", "CUP", "berlin", "5").exit_code == 0
    cart = ("stock", "reserve", "cart-1", "CUP=3")
    done = oms(*cart, "--country", "de", "--postal-code", "10115", "--json")
    assert done.exit_code == 0, done.stderr
    held = json.loads(done.stdout)
    assert [(one["location"], one["items"]) for one in held["parts"]] == [
        ("berlin", [{"sku": "CUP", "quantity": 3}])
    ]
    assert "3 x CUP" in oms("stock", "reservation", "cart-1").stdout
    short = oms("stock", "reserve", "cart-2", "CUP=3", "POT", "--country", "DE")
    assert short.exit_code == 1
    assert short.stderr.splitlines() == [
        "409 short",
        "  lines.0.quantity: CUP: 1 more than there are",
        "  lines.1.quantity: POT: 1 more than there are",
    ]
    assert oms("stock", "reserve", "cart-2", "CUP=x", "--country", "DE").exit_code == 2
    assert oms("stock", "unreserve", "cart-1").stdout == "cart-1: released\n"
    assert "cart-1: released" in oms("stock", "reservation", "cart-1").stdout
    assert oms(*cart, "--country", "DE").stderr == (
        "409 reservation_over: reservation_id: was released or has expired.\n"
    )


def test_a_cart_on_the_command_line_says_what_its_lines_cost(
    oms: Callable[..., Any], tmp_path: Any
) -> None:
    """A split of it is measured by that, as one of the order would be."""
    places = [{**PLACE, "location": name, "name": name.capitalize()} for name in ("berlin", "lyon")]
    skus = [{"sku": sku, "title": sku} for sku in ("CUP", "POT")]
    (tmp_path / "goods.json").write_text(json.dumps({"skus": skus, "locations": places}))
    (tmp_path / "rules.json").write_text(json.dumps({"part_value_min_minor": 1000}))
    assert oms("catalogue", "load", str(tmp_path / "goods.json")).exit_code == 0
    assert oms("sourcing", "rules", "draft", str(tmp_path / "rules.json")).exit_code == 0
    assert oms("sourcing", "rules", "activate", "2").exit_code == 0
    assert oms("stock", "receive", "CUP", "berlin", "2").exit_code == 0
    assert oms("stock", "receive", "POT", "lyon", "1").exit_code == 0
    priced = ("--country", "DE", "--currency", "eur")
    cheap = oms("stock", "reserve", "cart-1", "CUP=2@4.99", "POT=1@10", *priced)
    assert (cheap.exit_code, cheap.stderr.splitlines()[0]) == (1, "409 short")
    dear = oms("stock", "reserve", "cart-1", "CUP=2@5.00", "POT=1@10", *priced)
    assert dear.exit_code == 0, dear.stderr
    for wrong in (
        ("CUP=1@5",),
        ("CUP=1@5.001", "--currency", "EUR"),
        ("CUP=@5", "--currency", "EUR"),
    ):
        assert oms("stock", "reserve", "cart-2", *wrong, "--country", "DE").exit_code == 2
