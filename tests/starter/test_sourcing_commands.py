"""`oms sourcing …` and `oms order why` against the starter as it runs."""

import json
from pathlib import Path
from uuid import uuid4

import pytest

from domain.ids import OrderId
from domain.orders import Destination, LineRef
from domain.sourcing.source import source
from domain.stock import ReserveRequest
from storage.catalogue import Catalogue, CatalogueSku
from storage.engine import create_engine
from storage.sourcing import PostgresSourcing
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory
from tests.starter.test_cli import CATALOGUE
from tests.starter.world import Oms, canonical_order
from tests.storage.sourcingroom import place

DRAFT = {
    "name": "by [/weight]",
    "promise_days": 30,
    "zones": [{"name": "post [/]", "tiers": [{"weight_max_g": 30000, "price_minor": 590}]}],
}


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Of a starter that sources nobody again by itself."""
    return environment | {"OMS_SWEEP_S": "3600"}


@pytest.fixture
def sourced(database_url: str, oms: Oms, served: str, tmp_path: Path) -> str:
    """An order that was sourced as its workflow would have it."""
    (tmp_path / "catalogue.json").write_text(json.dumps(CATALOGUE))
    assert oms("catalogue", "load", str(tmp_path / "catalogue.json")).returncode == 0
    assert oms("stock", "receive", "MUG", "berlin", "7").returncode == 0
    own_id = uuid4().hex
    (tmp_path / "orders.jsonl").write_text(json.dumps(canonical_order(own_id)))
    assert oms("import", str(tmp_path / "orders.jsonl")).returncode == 0
    return f"api-{own_id}"


async def reserve(
    database_url: str, order_id: str, generation: int = 1, quantity: int = 2, to: str = "10117"
) -> None:
    engine = create_engine(database_url, 2)
    sourcing = PostgresSourcing(engine, PostgresInventory(engine), SourcingRules(engine))
    request = ReserveRequest(
        order_id=OrderId(order_id),
        key=f"{order_id}/reserve/{generation}",
        lines=(LineRef(line_id="1", sku="MUG", quantity=quantity),),
        destination=Destination(country="DE", postal_code=to),
    )
    case = await sourcing.case(request)
    await sourcing.reserve(request, case, source(case))
    await engine.dispose()


async def test_an_operator_asks_why_and_tries_other_rules(
    database_url: str,
    oms: Oms,
    sourced: str,
    tmp_path: Path,
) -> None:
    undecided = oms("order", "why", sourced)
    assert (undecided.returncode, undecided.stderr) == (
        1, f"{sourced}: nothing was decided yet\n",
    )  # fmt: skip
    await reserve(database_url, sourced)
    why = oms("order", "why", sourced)
    assert why.returncode == 0
    assert "Berlin ships the line" in why.stdout
    assert f"{sourced}/reserve/1/1 at berlin: reserved" in why.stdout
    assert "alone it would cost" in why.stdout
    assert "post" not in why.stdout
    in_full = json.loads(oms("order", "why", sourced, "--json").stdout)
    assert in_full["decisions"][0]["decision"]["proven"] is True

    (tmp_path / "draft.json").write_text(json.dumps(DRAFT))
    drafted = oms("sourcing", "rules", "draft", str(tmp_path / "draft.json"))
    assert drafted.stdout == "draft 2: by [/weight]\n"
    span = ("--from", "2020-01-01", "--to", "2120-01-01")
    replayed = oms("sourcing", "replay", "--rules", "2", *span)
    assert replayed.returncode == 0
    assert "by [/weight] (2)" in replayed.stdout
    assert "5.90 EUR" in replayed.stdout
    assert "0 of 1 decisions would change" in replayed.stdout
    from_file = oms("sourcing", "replay", "--rules", str(tmp_path / "draft.json"), *span, "--json")
    assert json.loads(from_file.stdout)["would"]["shipping_minor"] == 590

    assert oms("sourcing", "rules", "activate", "2").stdout == "active: 2: by [/weight]\n"
    listed = oms("sourcing", "rules", "list")
    assert "retired" in listed.stdout
    shown = json.loads(oms("sourcing", "rules", "show", "2").stdout)
    assert (shown["state"], shown["rules"]["promise_days"]) == ("active", 30)
    await reserve(database_url, sourced, 2)
    assert "post [/]" in oms("order", "why", sourced).stdout

    nobody = oms("sourcing", "batch", "--apply")
    assert nobody.stdout == "0 of 0 that wait, proven best; one after the other 0\n"


def test_bad_rules_are_refused_in_words(oms: Oms, served: str, tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text('{"parts_max": 0}')
    refused = oms("sourcing", "rules", "draft", str(tmp_path / "bad.json"))
    assert refused.returncode == 1
    assert "parts_max: " in refused.stderr
    missing = oms("sourcing", "rules", "show", "99")
    assert (missing.returncode, missing.stderr) == (
        1,
        "404 not_found: There is no such rule set.\n",
    )


async def test_a_batch_says_what_it_gains_over_one_after_the_other(
    database_url: str, oms: Oms, served: str
) -> None:
    """Kassel, first in turn, would take from Berlin what Berlin itself must then have from Lyon."""
    engine = create_engine(database_url, 2)
    catalogue = Catalogue(engine)
    places = [place("berlin", "DE", "10115"), place("lyon", "FR", "69001")]
    await catalogue.put_skus([CatalogueSku(sku="MUG", title="Mug")])
    await catalogue.put_locations([at.model_copy(update={"serves": ("IT",)}) for at in places])
    await reserve(database_url, "kassel", quantity=1, to="34117")
    await reserve(database_url, "berlin", quantity=1)
    for name in ("berlin", "lyon"):
        assert oms("stock", "receive", "MUG", name, "1").returncode == 0
    await catalogue.put_locations(places)
    await engine.dispose()
    found = json.loads(oms("sourcing", "batch", "--json").stdout)
    assert (found["both_served"], found["proven"], found["currency"]) == (2, True, "EUR")
    together, in_turn = found["both_cost_minor"], found["both_in_turn_cost_minor"]
    assert in_turn - together > 100
    gained = f"{(in_turn - together) / 100:.2f} EUR less"
    assert oms("sourcing", "batch").stdout.splitlines()[2:] == [
        "2 of 2 that wait, proven best; one after the other 2",
        f"the 2 of both cost {together / 100:.2f} EUR instead of {in_turn / 100:.2f} EUR: {gained}",
    ]
