"""Goods on their way, from the order to the shelf, on the command line alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from starter.cli import app

LOCATIONS = """location;name;timezone;country;city;line1
berlin;Berlin;Europe/Berlin;DE;Berlin;Weg 1
lyon;Lyon;Europe/Paris;FR;Lyon;Rue 1
"""

Say = Callable[..., Any]


@pytest.fixture
def oms(served: str, environment: dict[str, str]) -> Say:
    """The command line in this process: there is much to say."""
    runner = CliRunner(env=environment)
    return lambda *arguments: runner.invoke(app, ["stock", *arguments])


def said(oms: Say, *arguments: str) -> str:
    done = oms(*arguments)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout)


@pytest.fixture(autouse=True)
def goods(oms: Say, environment: dict[str, str], tmp_path: Path) -> None:
    runner = CliRunner(env=environment)
    for kind, told in (("locations", LOCATIONS), ("skus", "sku,title\nCUP,Cup\nPOT,Pot\n")):
        (tmp_path / f"{kind}.csv").write_text(told)
        done = runner.invoke(app, ["import", kind, str(tmp_path / f"{kind}.csv")])
        assert done.exit_code == 0, done.stderr


def shown(oms: Say, kind: str, supply_id: str) -> dict[str, Any]:
    return dict(json.loads(said(oms, kind, "show", supply_id, "--json")))


def only(oms: Say, kind: str) -> str:
    (one,) = json.loads(said(oms, kind, "list", "--json"))
    return str(one["supply_id"])


def test_goods_are_ordered_received_moved_and_counted(oms: Say) -> None:
    day = ("--expected", "2099-12-01")
    made = said(oms, "po", "new", "lyon", "CUP=10", "POT=4@2099-12-24", *day, "--reference", "A/7")
    po = only(oms, "po")
    assert f"{po} open: lyon" in made
    days = [line["expected_on"] for line in shown(oms, "po", po)["lines"]]
    assert days == ["2099-12-01", "2099-12-24"]
    said(oms, "po", "reschedule", po, "2099-12-30", "--sku", "POT")
    assert shown(oms, "po", po)["lines"][1]["expected_on"] == "2099-12-30"
    assert "2099-12-08" in said(oms, "po", "reschedule", po, "2099-12-08", "--line", "1")
    days = [line["expected_on"] for line in shown(oms, "po", po)["lines"]]
    assert days == ["2099-12-08", "2099-12-30"]
    assert "line: is not on this document" in oms(
        "po", "reschedule", po, "2099-12-08", "--line", "3"
    ).stderr  # fmt: skip
    said(oms, "po", "receive", po, "CUP=11/2", "--key", "k")
    assert "over 1 x CUP" in said(oms, "po", "receive", po, "CUP=11/2", "--key", "k")
    refused = oms("po", "close", po)
    assert (refused.exit_code, "reason: must say why" in refused.stderr) == (1, True)
    assert "short -4 x POT: gone" in said(oms, "po", "close", po, "--reason", "gone")
    said(oms, "transfer", "new", "lyon", "berlin", "CUP=5", *day)
    tr = only(oms, "transfer")
    assert "nothing of it is on its way" in oms("transfer", "receive", tr).stderr
    assert "409 not_dispatched" in oms("transfer", "receive", tr, "CUP=5").stderr
    said(oms, "transfer", "dispatch", tr)
    assert "dispatched" in said(oms, "transfer", "list", "--state", "dispatched")
    said(oms, "transfer", "receive", tr)
    assert shown(oms, "transfer", tr)["state"] == "closed"
    assert "-1" in said(oms, "count", "new", "berlin", "CUP=4", "POT=0")
    (count,) = json.loads(said(oms, "count", "list", "--json"))
    assert count["count_id"] in said(oms, "count", "list")
    assert "CUP" in said(oms, "count", "show", count["count_id"])
    levels = json.loads(said(oms, "list", "--sku", "CUP", "--json"))["levels"]
    assert [(one["location"], one["on_hand"], one["damaged"]) for one in levels] == [
        ("berlin", 4, 0), ("lyon", 6, 2),
    ]  # fmt: skip
    told = json.loads(said(oms, "discrepancies", "--json"))
    assert [(one["kind"], one["quantity"]) for one in told] == [
        ("counted", -1), ("short", -4), ("over", 1), ("damaged", 2),
    ]  # fmt: skip
    assert "gone" in said(oms, "discrepancies", "--sku", "POT")
    assert json.loads(said(oms, "pegs", "--json")) == []
    assert "promise" in said(oms, "pegs")


def test_what_cannot_be_read_is_said_and_nothing_is_sent(oms: Say) -> None:
    for lines, why in (
        (["CUP"], "CUP: is not SKU=QUANTITY"),
        (["CUP=x@2099-12-01"], "CUP=x: is no whole number"),
        (["CUP=3"], "CUP: needs a day"),
    ):
        refused = oms("po", "new", "berlin", *lines)
        assert (refused.exit_code, why in refused.stderr) == (2, True)
    unknown = oms("po", "new", "berlin", "NONE=3@2099-12-01")
    assert (unknown.exit_code, "lines.0.sku: is not in the catalogue" in unknown.stderr) == (
        1,
        True,
    )
    assert json.loads(said(oms, "po", "list", "--json")) == []


def test_a_document_says_why_it_was_opened(oms: Say) -> None:
    day = ("--expected", "2099-12-01", "--reason")
    made = said(oms, "po", "new", "lyon", "CUP=1", *day, "Christmas")
    assert "opened by" in made
    assert ": Christmas" in made
    assert "nearer: lyon" in said(
        oms, "transfer", "new", "lyon", "berlin", "CUP=1", *day, "nearer: lyon"
    )
    deeds = [shown(oms, kind, only(oms, kind))["deeds"][0] for kind in ("po", "transfer")]
    assert [deed["reason"] for deed in deeds] == ["Christmas", "nearer: lyon"]
