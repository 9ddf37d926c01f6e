"""A CSV file is taken in row by row: good ones land, bad ones are told, a repeat is nothing."""

from typing import Any

import pytest

from tests.starter.goods import fields, with_goods
from tests.starter.world import World

LOCATIONS = (
    "location,name,timezone,country,city,line1,postal_code,serves,cut_off,holidays\n"
    "berlin,Berlin,Europe/Berlin,DE,Berlin,Weg 1,10115,DE AT,15:30,2026-12-25;2026-12-26\n"
)


async def take_in(world: World, kind: str, csv: str | bytes, **asked: Any) -> Any:
    """The answer; `asked` goes into the query."""
    content = csv.encode() if isinstance(csv, str) else csv
    headers = {"Authorization": f"Bearer {world.key}", "Content-Type": "text/csv"}
    path = f"/api/imports/{kind}"
    return await world.http.post(path, content=content, headers=headers, params=asked)


async def report(world: World, kind: str, csv: str | bytes, **asked: Any) -> tuple[int, ...]:
    """Rows added, changed, unchanged, refused."""
    told = (await take_in(world, kind, csv, **asked)).json()
    return told["added"], told["changed"], told["unchanged"], told["refused"]


async def problems(world: World, kind: str, csv: str | bytes, **asked: Any) -> list[Any]:
    answer = await take_in(world, kind, csv, **asked)
    assert answer.status_code == 200, answer.text
    return [(one["row"], one["field"], one["reason"]) for one in answer.json()["problems"]]


async def levels(world: World) -> dict[tuple[str, str], int]:
    page = (await world.api("GET", "/api/stock")).json()
    return {(one["sku"], one["location"]): one["on_hand"] for one in page["levels"]}


async def test_skus_are_added_changed_and_left_alone(world: World) -> None:
    first = 'sku,title,weight_g,hs_code,hazmat\nCUP,Cup,300,6912,no\nPOT,"Pot, big",900,,yes\n'
    assert await report(world, "skus", first) == (2, 0, 0, 0)
    assert await report(world, "skus", first) == (0, 0, 2, 0)
    # another order of columns, capitals, semicolons, a byte order mark; what is not named stays
    other = "\ufeffWeight_G;SKU\r\n310;CUP\r\n900;POT\r\n;;\r\n"
    assert await report(world, "skus", other) == (0, 1, 1, 0)
    cup, pot = (await world.api("GET", "/api/skus")).json()["skus"]
    assert (cup["weight_g"], cup["title"], cup["hs_code"], cup["hazmat"]) == (
        310,
        "Cup",
        "6912",
        False,
    )
    assert (pot["title"], pot["hs_code"], pot["hazmat"]) == ("Pot, big", None, True)


async def test_bad_rows_name_row_field_and_reason_and_good_rows_land(world: World) -> None:
    csv = "sku,title,weight_g\nCUP,Cup,300\nPOT,Pot,heavy\n,No name,1\nCUP,Again,1\nMUG,Mug,1,2\n"
    assert await problems(world, "skus", csv) == [
        (3, "weight_g", "int_parsing"),
        (4, "sku", "missing"),
        (5, "sku", "repeated"),
        (6, "row", "too_long"),
    ]
    assert [one["sku"] for one in (await world.api("GET", "/api/skus")).json()["skus"]] == ["CUP"]


async def test_a_row_that_is_no_csv_is_told_and_the_others_land(world: World) -> None:
    huge = "x" * 200_000
    csv = f'sep=;\nsku;title\nCUP;Cup\n"POT" big;Pot\nJAR;{huge}\nBOX;Box\n"LID;Lid\n'
    not_csv = ("row", "not_csv")
    found = await problems(world, "skus", csv)
    assert found == [(row, *not_csv) for row in (3, 4, 6)]
    listed = (await world.api("GET", "/api/skus")).json()["skus"]
    assert {"CUP", "BOX"} == {one["sku"] for one in listed if one["sku"] in csv}


async def test_a_country_that_there_is_not_is_refused(world: World) -> None:
    csv = "location,name,timezone,country,serves\nleeds,Leeds,Europe/London,UK,GB EL\n"
    assert await problems(world, "locations", csv) == [
        (2, "country", "unknown_country"),
        (2, "serves.1", "unknown_country"),
    ]


async def test_a_strict_file_lands_whole_or_not_at_all(world: World) -> None:
    bad = "sku,title,weight_g\nCUP,Cup,300\nPOT,Pot,heavy\n"
    told = (await take_in(world, "skus", bad, strict=True)).json()
    assert (told["applied"], told["refused"], told["added"]) == (False, 1, 0)
    assert (await world.api("GET", "/api/skus")).json()["skus"] == []
    good = (await take_in(world, "skus", bad.replace("heavy", "9"), strict=True)).json()
    assert (good["applied"], good["refused"], good["added"]) == (True, 0, 2)


async def test_locations_come_with_their_address_and_calendar(world: World) -> None:
    assert await report(world, "locations", LOCATIONS) == (1, 0, 0, 0)
    assert await report(world, "locations", LOCATIONS) == (0, 0, 1, 0)
    berlin = (await world.api("GET", "/api/locations/berlin")).json()
    assert (berlin["serves"], berlin["cut_off"]) == (["DE", "AT"], "15:30:00")
    assert berlin["holidays"] == ["2026-12-25", "2026-12-26"]
    assert (berlin["address"]["lines"], berlin["address"]["postal_code"]) == (["Weg 1"], "10115")
    assert await report(world, "locations", "location,active\nberlin,no\n") == (0, 1, 0, 0)
    after = (await world.api("GET", "/api/locations/berlin")).json()
    assert after == {**berlin, "active": False}
    nowhere = LOCATIONS.replace("Europe/Berlin", "Mars")
    assert await problems(world, "locations", nowhere) == [(2, "timezone", "value_error")]
    wrong = LOCATIONS.replace("Berlin,DE", "Berlin,Germany").replace("berlin,", "b/1,")
    assert await problems(world, "locations", wrong) == [
        (2, "location", "malformed"),
        (2, "country", "malformed"),
    ]


async def test_a_bundle_is_put_whole_or_not(world: World) -> None:
    await with_goods(world)
    await world.api("DELETE", "/api/bundles/SET")
    await world.api("PUT", "/api/skus/BIG", {"title": "Big set"})
    csv = "bundle,component,quantity\nSET,CUP,4\nSET,POT,1\nBIG,CUP,6\nBIG,POT,none\nNO,CUP,1\n"
    assert await problems(world, "bundles", csv) == [
        (4, "bundle", "incomplete"),
        (5, "quantity", "int_parsing"),
        (6, "sku", "unknown_sku"),
    ]
    (only,) = (await world.api("GET", "/api/bundles")).json()["bundles"]
    assert only["components"] == [{"sku": "CUP", "quantity": 4}, {"sku": "POT", "quantity": 1}]
    good = "bundle,component,quantity\nSET,CUP,4\nSET,POT,1\n"
    assert await report(world, "bundles", good) == (0, 0, 1, 0)
    assert await report(world, "bundles", csv.replace("none", "1"), strict=True) == (0, 0, 0, 1)
    assert len((await world.api("GET", "/api/bundles")).json()["bundles"]) == 1


async def test_opening_stock_is_booked_once_however_often_the_file_comes(world: World) -> None:
    await with_goods(world)
    rows = ("CUP,berlin,10", "CUP,lyon,4", "POT,berlin,x", "NONE,berlin,1", "POT,mars,1")
    csv = "\n".join(("sku,location,quantity", *rows)) + "\n"
    assert await problems(world, "stock", csv) == [
        (4, "quantity", "int_parsing"),
        (5, "sku", "unknown_sku"),
        (6, "location", "unknown_location"),
    ]
    assert await levels(world) == {("CUP", "berlin"): 10, ("CUP", "lyon"): 4}
    assert await report(world, "stock", csv) == (0, 0, 2, 3)
    # the corrected file books what was wrong, and nothing twice
    assert await report(world, "stock", csv.replace("x\n", "7\n")) == (1, 0, 2, 2)
    wanted = {("CUP", "berlin"): 10, ("CUP", "lyon"): 4, ("POT", "berlin"): 7}
    assert await levels(world) == wanted
    again = "sku,location,quantity\nCUP,berlin,11\nSET,berlin,1\n"
    assert await problems(world, "stock", again) == [
        (2, "quantity", "booked"),
        (3, "sku", "bundle_has_stock"),
    ]
    assert await levels(world) == wanted
    assert await report(world, "stock", again, name="delivery-2") == (1, 0, 0, 1)
    assert await levels(world) == wanted | {("CUP", "berlin"): 21}


async def test_strict_stock_with_a_bad_row_books_nothing(world: World) -> None:
    await with_goods(world)
    for bad in ("CUP,lyon,0", "NONE,lyon,1", "SET,lyon,1"):
        csv = f"sku,location,quantity\nCUP,berlin,10\n{bad}\n"
        told = (await take_in(world, "stock", csv, strict=True)).json()
        assert (told["applied"], told["refused"]) == (False, 1)
        assert await levels(world) == {}


@pytest.mark.parametrize(
    ("csv", "named"),
    [
        ("", ["header"]),
        ("title\nCup\n", ["header"]),
        ("sku,colour\nCUP,red\n", ["header"]),
        ("sku,sku\nCUP,CUP\n", ["header"]),
        (b"sku,title\nCUP,\xff\n", ["body"]),
        ("sku,title\nCUP,\0\n", ["body"]),
        ('"sku,title\nCUP,Cup\n', ["header"]),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    world: World, csv: str | bytes, named: list[str]
) -> None:
    assert fields(await take_in(world, "skus", csv)) == named
    assert (await world.api("GET", "/api/skus")).json()["skus"] == []


async def test_a_thousand_rows_of_stock_are_booked(world: World) -> None:
    await with_goods(world)
    names = [f"S-{n:04}" for n in range(1_000)]
    skus = "sku,title\n" + "".join(f"{name},No {name}\n" for name in names)
    assert await report(world, "skus", skus) == (1_000, 0, 0, 0)
    stock = "sku,location,quantity\n" + "".join(f"{name},berlin,3\n" for name in names)
    assert await report(world, "stock", stock) == (1_000, 0, 0, 0)
    assert await report(world, "stock", stock) == (0, 0, 1_000, 0)
