"""SKUs, locations and bundles are what was last said of them; what makes no sense is refused."""

import json
from typing import Any

import pytest

from tests.starter.goods import BERLIN, fields, put, with_goods
from tests.starter.world import World


async def test_a_location_is_put_shown_and_listed(world: World) -> None:
    said = {**BERLIN, "cut_off": "15:30", "serves": ["DE", "AT"], "holidays": ["2026-12-25"]}
    statuses = [
        (await world.api("PUT", "/api/locations/berlin", body)).status_code
        for body in (said, said, {**said, "active": False})
    ]
    assert statuses == [201, 200, 200]
    shown = (await world.api("GET", "/api/locations/berlin")).json()
    assert (shown["location"], shown["active"], shown["cut_off"]) == ("berlin", False, "15:30:00")
    assert shown["serves"] == ["DE", "AT"]
    again = await world.api("PUT", "/api/locations/berlin", shown)
    assert (again.status_code, again.json()) == (200, shown)
    for location in ("a", "b"):
        await put(world, f"locations/{location}", {**BERLIN, "name": f"Name {location}"})
    first = (await world.api("GET", "/api/locations?limit=2")).json()
    assert ([one["location"] for one in first["locations"]], first["next"]) == (["a", "b"], "b")
    last = (await world.api("GET", "/api/locations?limit=2&cursor=b")).json()
    assert ([one["location"] for one in last["locations"]], last["next"]) == (["berlin"], None)
    found = (await world.api("GET", "/api/locations?q=nAmE b")).json()
    assert [one["location"] for one in found["locations"]] == ["b"]


async def test_a_sku_may_have_a_name_that_addresses_must_quote(world: World) -> None:
    await put(world, "skus/TEA%2F50%25%20g", {"title": "Tea", "weight_g": 50, "hs_code": "0902"})
    shown = (await world.api("GET", "/api/skus/TEA%2F50%25%20g")).json()
    assert (shown["sku"], shown["weight_g"], shown["backorder_max"]) == ("TEA/50% g", 50, 0)
    assert (await world.api("GET", "/api/skus?q=50%25")).json()["skus"] == [shown]


async def test_a_bundle_is_put_shown_listed_and_taken_apart(world: World) -> None:
    await with_goods(world)
    shown = (await world.api("GET", "/api/bundles/SET")).json()
    assert shown["components"] == [{"sku": "CUP", "quantity": 2}, {"sku": "POT", "quantity": 1}]
    assert (await world.api("GET", "/api/bundles")).json() == {"bundles": [shown], "next": None}
    answer = await world.api("PUT", "/api/bundles/CUP", {"components": [{"sku": "SET"}]})
    assert fields(answer) == ["sku", "components.0.sku"]
    assert (await world.api("DELETE", "/api/bundles/SET")).status_code == 204
    assert (await world.api("DELETE", "/api/bundles/SET")).status_code == 404
    assert (await world.api("GET", "/api/bundles/SET")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("locations/berlin", {}, ["name", "address", "timezone"]),
        ("locations/berlin", {**BERLIN, "location": "lyon"}, ["location"]),
        ("locations/berlin", {**BERLIN, "timezone": "Europe/Atlantis"}, ["timezone"]),
        ("locations/berlin", {**BERLIN, "timezone": "a\0b"}, ["timezone"]),
        ("locations/berlin", {**BERLIN, "name": "a\0b"}, ["name"]),
        ("locations/berlin", {**BERLIN, "serves": ["DE", "Austria"]}, ["serves.1"]),
        ("locations/berlin", {**BERLIN, "cut_off": "25:00"}, ["cut_off"]),
        ("locations/berlin", {**BERLIN, "colour": "red"}, ["colour"]),
        ("locations/berlin", {**BERLIN, "address": {"city": "X"}}, ["address.country"]),
        ("locations/ber lin", BERLIN, ["location"]),
        ("locations/Berlin", BERLIN, ["location"]),
        ("locations/berlin_2", BERLIN, ["location"]),
        ("locations/berlin.2", BERLIN, ["location"]),
        ("locations/berlin-", BERLIN, ["location"]),
        ("locations/" + "b" * 101, BERLIN, ["location"]),
        ("skus/MUG", {"title": 5}, ["title"]),
        ("skus/MUG", {"title": "a\0b"}, ["title"]),
        ("skus/MUG", {"title": "", "weight_g": -1, "hs_code": "x"}, ["weight_g", "hs_code"]),
        ("skus/MUG", {"title": "", "backorder_max": 1.5}, ["backorder_max"]),
        ("skus/MUG%09", {"title": ""}, ["sku"]),
        ("skus/" + "M" * 201, {"title": ""}, ["sku"]),
        ("bundles/SET", {"components": []}, ["components"]),
        ("bundles/SET", {"components": [{"sku": "NONE"}]}, ["sku", "components.0.sku"]),
        ("bundles/SET", {"components": [{"sku": "A", "quantity": 0}]}, ["components.0.quantity"]),
    ],
)
async def test_what_makes_no_sense_is_refused_by_its_field(
    world: World, path: str, body: dict[str, Any], named: list[str]
) -> None:
    assert fields(await world.api("PUT", f"/api/{path}", body)) == named
    kind = path.split("/", maxsplit=1)[0]
    assert (await world.api("GET", f"/api/{kind}")).json()[kind] == []


async def test_nothing_is_shown_or_put_without_a_key(world: World) -> None:
    for method, path in (
        ("GET", "/api/skus"),
        ("PUT", "/api/skus/MUG"),
        ("PUT", "/api/locations/berlin"),
        ("PUT", "/api/bundles/SET"),
        ("POST", "/api/imports/skus"),
        ("PUT", "/api/channels/demo/selling-rules"),
        ("POST", "/api/stock/rebuild"),
    ):
        answer = await world.http.request(method, path, json={})
        assert (path, answer.status_code) == (path, 401)


@pytest.mark.parametrize(
    ("path", "method", "said"),
    [("locations/berlin", "PUT", BERLIN), ("sourcing/rules", "POST", {})],
)
@pytest.mark.parametrize("half", [b"\\ud800", b"\xed\xa0\x80", b"\\uD83D \\ude00"])
async def test_half_a_character_is_refused_before_anything_reads_it(
    world: World, path: str, method: str, said: dict[str, Any], half: bytes
) -> None:
    body = json.dumps({**said, "name": "NAME"}).encode().replace(b"NAME", half)
    headers = {"Authorization": f"Bearer {world.key}", "Content-Type": "application/json"}
    answer = await world.http.request(method, f"/api/{path}", content=body, headers=headers)
    assert fields(answer) == ["body"]
    assert answer.json()["errors"][0]["reason"] == "unprintable"


@pytest.mark.parametrize("whole", ["\\ud83d\\ude00", "\\\\ud800", "ä"])
async def test_whole_characters_are_taken_however_they_are_written(
    world: World, whole: str
) -> None:
    body = json.dumps({"name": "NAME"}).replace("NAME", whole).encode()
    headers = {"Authorization": f"Bearer {world.key}", "Content-Type": "application/json"}
    made = await world.http.post("/api/sourcing/rules", content=body, headers=headers)
    assert (made.status_code, made.json()["rules"]["name"]) == (201, json.loads(body)["name"])


async def test_what_is_not_there_is_not_found(world: World) -> None:
    for path in ("skus/none", "locations/none", "bundles/none", "channels/none/selling-rules"):
        assert (await world.api("GET", f"/api/{path}")).status_code == 404
    assert (await world.api("POST", "/api/imports/orders")).status_code == 422


async def test_the_description_of_the_api_refers_to_nothing_that_it_lacks(world: World) -> None:
    told = (await world.http.get("/openapi.json")).json()
    for path in ("/api/locations/{location}", "/api/skus/{sku}", "/api/bundles/{sku}"):
        body = told["paths"][path]["put"]["requestBody"]["content"]["application/json"]["schema"]
        assert "$ref" not in json.dumps(body)
        assert path.split("{")[1].rstrip("}") not in body["required"]
    rules = told["paths"]["/api/channels/{channel}/selling-rules"]["put"]["requestBody"]
    assert "hidden_below" in json.dumps(rules)
    assert "$ref" not in json.dumps(rules)
