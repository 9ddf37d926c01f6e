"""A shop's goods from an empty catalogue to what a channel may sell, on the command line alone."""

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
    return lambda *arguments: runner.invoke(app, arguments)


def said(oms: Say, *arguments: str) -> str:
    done = oms(*arguments)
    assert done.exit_code == 0, done.stderr
    return str(done.stdout)


def test_goods_are_set_up_stocked_and_offered(oms: Say, tmp_path: Path) -> None:
    files = {
        "locations": LOCATIONS,
        "skus": "sku,title,weight_g\nCUP,Cup,300\nPOT,Pot [1 l],900\nSET,Tea set,\n",
        "bundles": "bundle,component,quantity\nSET,CUP,2\nSET,POT,1\n",
        "stock": "sku,location,quantity\nCUP,berlin,10\nPOT,berlin,4\nPOT,lyon,x\n",
    }
    for kind, text in files.items():
        (tmp_path / f"{kind}.csv").write_text(text)
    for kind in ("locations", "skus", "bundles"):
        assert "0 refused" in said(oms, "import", kind, str(tmp_path / f"{kind}.csv"))
    stock = oms("import", "stock", str(tmp_path / "stock.csv"))
    assert stock.exit_code == 1
    assert "3 rows: 2 added, 0 changed, 0 unchanged, 1 refused" in stock.stdout
    assert "1 of 3 rows were refused; the others were taken" in stock.stderr
    strict = oms("import", "--strict", "stock", str(tmp_path / "stock.csv"), "--name", "other")
    assert "nothing was taken" in strict.stderr
    said(oms, "sku", "put", "CUP", "--set", "hs_code=691200", "--set", "backorder_max=3")
    cup = json.loads(said(oms, "sku", "show", "CUP"))
    assert (cup["title"], cup["hs_code"], cup["backorder_max"]) == ("Cup", "691200", 3)
    assert "Pot [1 l]" in said(oms, "sku", "list")
    said(oms, "location", "put", "lyon", "--set", "active=false", "--set", "address.city=Nice")
    assert json.loads(said(oms, "location", "show", "lyon"))["address"]["city"] == "Nice"
    assert "Europe/Paris" in said(oms, "location", "list")
    said(oms, "bundle", "put", "SET", "CUP=4", "POT")
    assert "4 x CUP, 1 x POT" in said(oms, "bundle", "list")
    said(oms, "stock", "damage", "CUP", "berlin", "1", "--reason", "dropped")
    said(oms, "stock", "safety", "CUP", "berlin", "1")
    said(oms, "stock", "count", "new", "berlin", "POT=5")
    said(oms, "channel", "rules", "set", "demo", "--buffer", "1", "--location", "berlin")
    listed = said(oms, "stock", "list")
    assert "for demo" in listed
    offers = json.loads(said(oms, "stock", "list", "--channel", "demo", "--json"))
    assert {one["sku"]: one["quantity"] for one in offers} == {"CUP": 10, "POT": 4, "SET": 1}
    assert "2 free, 1 kept back" in said(oms, "stock", "list", "--channel", "demo")
    assert "all: buffer 1, from berlin" in said(oms, "channel", "rules", "history", "demo")
    assert "no counters had drifted" in said(oms, "stock", "rebuild")
    assert "no counters have drifted" in said(oms, "stock", "drift")
    said(oms, "bundle", "remove", "SET")
    assert oms("bundle", "show", "SET").stderr == "404 not_found: There is no such bundle.\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["sku", "put", "CUP", "--set", "title.x=1"], "--set: title.x=1: title has no fields"),
        (["sku", "put", "CUP", "--set", "weight_g=NaN"], "holds NaN or Infinity, which no JSON"),
        (["sku", "put", "CUP", "--set", "weight_g=1e999"], "holds NaN or Infinity, which no JSON"),
        (["bundle", "put", "SET", f"CUP={'9' * 5000}"], "999: is no whole number"),
        (["bundle", "put", "SET", "CUP=x"], "CUP=x: is no whole number"),
        (["sku", "show", ".."], "There is no such SKU"),
        (["location", "show", "."], "There is no such location"),
        (["stock", "count", "show", ".."], "There is no such"),
    ],
)
def test_what_cannot_be_is_said_in_words(oms: Say, arguments: list[str], reason: str) -> None:
    said(oms, "sku", "put", "CUP", "--set", "title=Cup")
    refused = oms(*arguments)
    assert refused.exit_code in {1, 2}
    assert not isinstance(refused.exception, Exception)
    assert reason in refused.stderr


def test_a_field_of_a_field_that_was_empty_is_set(oms: Say) -> None:
    place = ("location", "put", "nice", "--set", "name=Nice", "--set", "timezone=Europe/Paris")
    address = {"name": "N", "lines": ["Rue 1"], "city": "Nice"}
    settings = ["address=null", "address.country=FR"]
    settings += [f"address.{name}={json.dumps(value)}" for name, value in address.items()]
    said(oms, *place, *(word for one in settings for word in ("--set", one)))
    shown = json.loads(said(oms, "location", "show", "nice"))
    assert (shown["address"]["country"], shown["address"]["lines"]) == ("FR", ["Rue 1"])


def test_a_catalogue_is_loaded_from_one_file_bundles_too(oms: Say, tmp_path: Path) -> None:
    told = {
        "skus": [{"sku": sku, "title": sku} for sku in ("CUP", "POT", "SET")],
        "bundles": [{"sku": "SET", "components": [{"sku": "CUP", "quantity": 2}, {"sku": "POT"}]}],
    }
    file = tmp_path / "catalogue.json"
    file.write_text(json.dumps(told))
    assert json.loads(said(oms, "catalogue", "load", str(file)))["bundles"] == 1
    assert "2 x CUP, 1 x POT" in said(oms, "bundle", "list")
    file.write_text(json.dumps({"bundles": [{"sku": "NONE", "components": [{"sku": "SET"}]}]}))
    refused = oms("catalogue", "load", str(file))
    assert (refused.exit_code, refused.stderr) == (
        1,
        "bundle NONE: sku is not in the catalogue; components.0.sku is itself a bundle\n",
    )


def test_stock_is_listed_with_what_each_channel_may_sell(oms: Say, tmp_path: Path) -> None:
    files = {
        "locations": LOCATIONS,
        "skus": "sku,title\nCUP,Cup\n",
        "stock": "sku,location,quantity\nCUP,berlin,10\nCUP,lyon,4\n",
    }
    for kind, text in files.items():
        (tmp_path / f"{kind}.csv").write_text(text)
        said(oms, "import", kind, str(tmp_path / f"{kind}.csv"))
    said(oms, "channel", "rules", "set", "demo", "--buffer", "1")
    found = json.loads(said(oms, "stock", "list", "--json"))
    assert [(one["location"], one["available"]) for one in found["levels"]] == [
        ("berlin", 10), ("lyon", 4),
    ]  # fmt: skip
    offers = {one["channel"]: (one["sku"], one["quantity"]) for one in found["channels"]}
    assert offers["demo"] == ("CUP", 13)
    at_lyon = json.loads(
        said(oms, "stock", "list", "--location", "lyon", "--channel", "demo", "--json")
    )
    assert len(at_lyon["levels"]) == 1
    assert [one["quantity"] for one in at_lyon["channels"]] == [13]
