"""The command line against the starter as it runs: a process of its own."""

import json
from pathlib import Path
from uuid import uuid4

import httpx

from tests.starter.world import Oms, canonical_order

CATALOGUE = {
    "skus": [{"sku": "MUG", "title": "Mug"}],
    "locations": [
        {
            "location": "berlin",
            "name": "Berlin",
            "timezone": "Europe/Berlin",
            "address": {"name": "B", "lines": ["Weg 1"], "city": "Berlin", "country": "DE"},
        }
    ],
}


def test_an_operator_sets_up_imports_and_steers(
    served: str, oms: Oms, environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "catalogue.json").write_text(json.dumps(CATALOGUE))
    loaded = oms("catalogue", "load", str(tmp_path / "catalogue.json"))
    assert (loaded.returncode, json.loads(loaded.stdout)["skus"]) == (0, 1)
    received = oms("stock", "receive", "MUG", "berlin", "7", "--key", "r1")
    assert (received.returncode, "7" in received.stdout) == (0, True)
    adjusted = oms("stock", "adjust", "--reason", "broken", "MUG", "berlin", "--", "-3")
    assert adjusted.returncode == 0
    levels = json.loads(oms("stock", "list", "--json").stdout)
    assert [level["available"] for level in levels["levels"]] == [4]
    own_id = uuid4().hex
    rows = [canonical_order(own_id), {"number": "#9"}]
    (tmp_path / "orders.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\nnot json\n")
    imported = oms("import", str(tmp_path / "orders.jsonl"))
    assert imported.returncode == 1
    assert "taken in" in imported.stdout
    assert "channel_order_id" in imported.stdout
    assert "2 of 3 rows were refused" in imported.stderr
    shown = oms("order", "show", f"api-{own_id}", "--json")
    assert json.loads(shown.stdout)["number"] == "#1"
    assert f"api-{own_id}" in oms("order", "list").stdout
    assert oms("tasks").stdout == "no tasks\n"
    assert json.loads(oms("tasks", "--json").stdout) == {"tasks": []}
    while httpx.get(f"{served}/readyz", trust_env=False, timeout=60).json()["temporal"] != "ok":
        pass  # a busy Temporal answers late


def test_what_a_customer_wrote_is_text_on_a_terminal(served: str, oms: Oms, tmp_path: Path) -> None:
    own_id = uuid4().hex
    order = canonical_order(own_id, number="[/x]")
    order["lines"][0].update(sku="[/red]", title="[bold]Mug[/bold] :mug: \x1b[2J")
    (tmp_path / "orders.jsonl").write_text(
        f"{json.dumps(order)}\n{json.dumps({'channel': '[/c]'})}\n"
    )
    imported = oms("import", str(tmp_path / "orders.jsonl"))
    assert (imported.returncode, "[/c]-" in imported.stdout) == (1, True)
    shown = oms("order", "show", f"api-{own_id}").stdout
    assert "[/red]" in shown
    assert "[bold]Mug[/bold] :mug: \\x1b[2J" in shown
    assert "[/x]" in oms("order", "list").stdout


def test_what_the_api_refuses_is_said_in_words(served: str, oms: Oms) -> None:
    missing = oms("order", "cancel", "demo-404")
    assert (missing.returncode, missing.stderr) == (
        1,
        "404 not_found: There is no such order.\n",
    )
    bad = oms("stock", "receive", "NONE", "berlin", "1")
    assert bad.returncode == 1
    assert "location: is not one of ours" in bad.stderr


def test_what_no_text_can_hold_is_refused_in_words(
    served: str, oms: Oms, environment: dict[str, str], tmp_path: Path
) -> None:
    deep, half = tmp_path / "deep.json", tmp_path / "half.json"
    deep.write_text("[" * 100_000)
    half.write_text(r"""{"number": "\ud800"}""")
    none = oms("sku", "put", "CUP", str(deep))
    assert (none.returncode, "nested too deeply" in none.stderr) == (2, True)
    none = oms("sku", "put", "CUP", str(half))
    assert (none.returncode, "half a surrogate pair" in none.stderr) == (2, True)
    none = oms("import", str(half))
    assert (none.returncode, "half a surrogate pair" in none.stdout) == (1, True)
    none = oms("order", "show", "a\udcffb")
    assert (none.returncode, none.stderr) == (2, "'a\\udcffb': is not UTF-8\n")
    assert oms("command", "a\n\x01").stderr.startswith("404 not_found")
    environment["OMS_API_KEY"] = "é"
    assert oms("order", "list").stderr.startswith("OMS_API_KEY: is no key")
    environment.update({"OMS_API_KEY": "x", "OMS_PUBLIC_URL": "http://[::1"})
    assert oms("order", "list").stderr.startswith("OMS_PUBLIC_URL: must be an address")


def test_without_a_key_or_a_starter_it_says_what_to_do(oms: Oms, environment) -> None:
    none = oms("order", "list")
    assert none.returncode == 2
    assert "oms key create" in none.stderr
    environment["OMS_API_KEY"] = "x"
    assert "no starter answers at" in oms("order", "list").stderr


def test_search_attributes_are_registered_once_and_again(oms: Oms) -> None:
    registered = oms("search-attributes", "register")
    assert (registered.returncode, "OrderStatus" in registered.stdout) == (0, True)
