"""Stock as people see it: every unit is somewhere, and each channel is told what it may sell."""

from typing import Any

from tests.starter.goods import fields, receive, with_goods
from tests.starter.world import World

NOTHING = {"available": 0, "reserved": 0, "damaged": 0, "safety_stock": 0, "incoming": 0}


async def say(world: World, what: str, quantity: int, **more: Any) -> Any:
    body = {"sku": "CUP", "location": "berlin", "quantity": quantity, "reason": "why", **more}
    return await world.api("POST", f"/api/stock/{what}", body)


async def sold(world: World, channel: str = "demo") -> dict[str, int]:
    page = (await world.api("GET", f"/api/channels/{channel}/stock")).json()
    return {one["sku"]: one["quantity"] for one in page["stock"]}


async def test_on_hand_is_available_reserved_damaged_and_held_back(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 10)
    for what, quantity in (("damages", 3), ("safety", 4), ("write-offs", 1), ("adjustments", -1)):
        assert (await say(world, what, quantity)).status_code == 201
    level = (await say(world, "damages", -1)).json()
    assert level == {
        "sku": "CUP",
        "location": "berlin",
        "on_hand": 8,
        "available": 3,
        "reserved": 0,
        "damaged": 1,
        "safety_stock": 4,
        "safety_stock_target": 4,
        "incoming": 0,
    }
    found = {"location": "berlin", "lines": [{"sku": "CUP", "quantity": 3}]}
    assert (await world.api("POST", "/api/stock/counts", found)).status_code == 201
    (level,) = (await world.api("GET", "/api/stock")).json()["levels"]
    assert (level["on_hand"], level["available"]) == (3, 0)
    assert (level["safety_stock"], level["safety_stock_target"]) == (2, 4)


async def test_stock_is_listed_with_what_each_channel_may_sell(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 10)
    await receive(world, "CUP", 3, "lyon")
    await receive(world, "POT", 4)
    rules = {"standard": {"buffer": 2, "cap": 6, "locations": ["berlin"]}}
    await world.api("PUT", "/api/channels/demo/selling-rules", rules)
    page = (await world.api("GET", "/api/stock")).json()
    levels = [(one["sku"], one["location"], one["available"]) for one in page["levels"]]
    assert levels == [("CUP", "berlin", 10), ("CUP", "lyon", 3), ("POT", "berlin", 4)]
    told = {(one["channel"], one["sku"]): one["quantity"] for one in page["channels"]}
    assert told == {
        ("api", "CUP"): 13, ("api", "POT"): 4, ("demo", "CUP"): 6, ("demo", "POT"): 2,
    }  # fmt: skip
    page = (await world.api("GET", "/api/stock?channel=demo&sku=SET")).json()
    assert page["levels"] == []
    assert page["channels"] == [
        {
            "channel": "demo",
            "sku": "SET",
            "quantity": 2,
            "why": "2 to sell: 4 free, 2 kept back.",
            "rules_version": 1,
        }
    ]
    assert await sold(world) == {"CUP": 6, "POT": 2, "SET": 2}
    assert await sold(world, "api") == {"CUP": 13, "POT": 4, "SET": 4}
    assert fields(await world.api("GET", "/api/stock?channel=none")) == ["channel"]


async def test_a_reader_of_changes_hears_each_number_that_became_another(world: World) -> None:
    await with_goods(world)
    path = "/api/channels/demo/stock/changes"
    first = (await world.api("GET", path)).json()
    assert {one["sku"]: one["quantity"] for one in first["changes"]} == {
        "CUP": 0,
        "POT": 0,
        "SET": 0,
    }
    await receive(world, "CUP", 10)
    then = (await world.api("GET", f"{path}?since={first['version']}")).json()
    assert [(one["sku"], one["quantity"]) for one in then["changes"]] == [("CUP", 10)]
    now = (await world.api("GET", f"{path}?since={then['version']}")).json()
    assert now == {"changes": [], "version": then["version"]}


async def test_rules_keep_their_versions_with_who_and_when(world: World) -> None:
    path = "/api/channels/demo/selling-rules"
    assert (await world.api("GET", path)).json()["version"] == 0
    for rules, version in (({"standard": {"cap": 5}}, 1), ({"standard": {"cap": 5}}, 1), ({}, 2)):
        assert (await world.api("PUT", path, rules)).json()["version"] == version
    told = (await world.api("GET", f"{path}/versions")).json()
    assert [one["version"] for one in told["versions"]] == [2, 1]
    assert all(one["by"].startswith("key-") and one["at"] for one in told["versions"])
    assert told["versions"][1]["rules"]["standard"]["cap"] == 5
    page = (await world.api("GET", f"{path}/versions?limit=1")).json()
    assert page["next"] == 2
    page = (await world.api("GET", f"{path}/versions?limit=1&before=2")).json()
    assert [one["version"] for one in page["versions"]] == [1]


async def test_rules_that_make_no_sense_are_refused_by_their_field(world: World) -> None:
    path = "/api/channels/demo/selling-rules"
    for rules, named in (
        ({"standard": {"buffer": -1}}, ["standard.buffer"]),
        ({"standard": {"buffer_percent": 101}}, ["standard.buffer_percent"]),
        ({"standard": {"cap": "5"}}, ["standard.cap"]),
        ({"standard": {"colour": 5}}, ["standard.colour"]),
        ({"standard": {"locations": ["none"]}}, ["standard.locations.0"]),
        ({"skus": {"NONE": {}}}, ["skus.NONE"]),
        ({"cap": 5}, ["cap"]),
    ):
        assert fields(await world.api("PUT", path, rules)) == named
    assert (await world.api("GET", path)).json()["version"] == 0


async def test_what_stock_cannot_bear_is_refused_and_nothing_changes(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 2)
    for what, quantity in (("adjustments", -3), ("damages", 3), ("write-offs", 1)):
        answer = await say(world, what, quantity)
        assert (what, answer.status_code) == (what, 409)
        assert answer.json()["errors"][0]["field"] == "quantity"
    for what, quantity in (("receipts", 0), ("write-offs", 0), ("safety", -1)):
        assert fields(await say(world, what, quantity)) == ["quantity"]
    assert fields(await say(world, "damages", 1, reason="")) == ["reason"]
    assert fields(await say(world, "receipts", 1, sku="SET")) == ["sku"]
    (level,) = (await world.api("GET", "/api/stock")).json()["levels"]
    assert {**level, **NOTHING, "on_hand": 2, "available": 2} == level


async def test_a_rebuild_of_sound_counters_finds_nothing(world: World) -> None:
    await with_goods(world)
    await receive(world, "CUP", 2)
    assert (await world.api("GET", "/api/stock/drift")).json() == {"drifted": []}
    assert (await world.api("POST", "/api/stock/rebuild")).json() == {"drifted": []}
