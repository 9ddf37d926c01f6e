"""The journal survives what a kill does to a file, and settings come from where they should."""

import asyncio
import json
import os

import pytest
from pydantic import ValidationError

from simulators.journal import Effect, Journal
from simulators.settings import read
from tests.simulators.payloads import VOID, fetch, graphql, make_order
from tests.simulators.simulator_process import until


def effect(number: int) -> Effect:
    return Effect("shopify", "captured", str(number), None, "1", {"amount": "1.00"})


def test_a_line_cut_short_goes_and_the_next_takes_its_number(tmp_path):
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.append(effect(1), effect(2))
    first.close()
    path.write_bytes(path.read_bytes() + b'{"seq":3,"at":"cut sho')
    second = Journal(path)
    second.append(effect(3))
    second.close()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(line["seq"], line["ref"]) for line in lines] == [(1, "1"), (2, "2"), (3, "3")]
    third = Journal(path)
    assert [entry.ref for entry in third.entries] == ["1", "2", "3"]
    third.close()


def test_a_line_has_exactly_the_documented_members(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    journal.append(effect(1))
    journal.close()
    line = json.loads((tmp_path / "journal.jsonl").read_text())
    assert list(line) == ["seq", "at", "system", "effect", "ref", "key", "order", "data"]
    assert line["at"].endswith("Z")


def test_a_flag_wins_over_the_environment():
    environment = {"SIMULATORS_PACK_S": "7", "SIMULATORS_SCAN_S": "8"}
    settings = read(["--pack-s", "0.5"], environment)
    assert (settings.pack_s, settings.scan_s, settings.port) == (0.5, 8.0, 8090)
    with pytest.raises(ValidationError):
        read(["--port", "70000"], {})


async def test_what_is_settled_is_on_disk(tmp_path, monkeypatch):
    synced: list[int] = []
    journal = Journal(tmp_path / "journal.jsonl")
    monkeypatch.setattr(os, "fsync", synced.append)
    journal.append(effect(1))
    await asyncio.gather(journal.settle(), journal.settle())
    await journal.settle()
    assert len(synced) == 1
    journal.append(effect(2))
    await journal.settle()
    assert len(synced) == 2
    journal.close()


async def test_settings_change_all_or_none_and_never_the_port(client):
    before = (await client.get("/control/settings")).json()
    for wrong in ({"pack_s": 1, "scan_s": -1}, {"port": 1}, {"surprise": 1}):
        assert (await client.post("/control/settings", json=wrong)).status_code == 422
    assert (await client.get("/control/settings")).json() == before


async def test_a_shop_that_echoes_tells_of_what_the_api_did(client, receiver, order_id):
    await make_order(client, order_id)
    await client.post("/control/settings", json={"shop_echo": True})
    order = await fetch(client, order_id)
    await graphql(client, VOID, id=order["transactions"][0]["id"])
    await client.post("/control/settings", json={"shop_echo": False})
    got = (await until(lambda: receiver.of(str(order_id))))[0]
    assert got.headers["x-shopify-topic"] == "orders/updated"
    assert json.loads(got.body)["financial_status"] == "voided"
