"""What the carrier does and refuses, in EasyPost's shapes."""

import json
from urllib.parse import quote

import httpx
import pytest

from tests.simulators.payloads import CUSTOMS, KEY, shipment
from tests.simulators.published import published, same_shape
from tests.simulators.simulator_process import journal

SHIPMENTS = "/easypost/v2/shipments"
BERLIN = {"name": "Ada", "street1": "Unter den Linden 1", "city": "Berlin", "country": "DE"}


async def create(client, reference: str, **changes: object) -> httpx.Response:
    return await client.post(SHIPMENTS, json=shipment(reference, **changes), auth=KEY)


async def buy(client, made: dict) -> httpx.Response:
    body = {"rate": {"id": made["rates"][0]["id"]}}
    return await client.post(f"{SHIPMENTS}/{made['id']}/buy", json=body, auth=KEY)


async def test_a_bought_shipment_has_the_published_shape(client, order_id):
    made = await create(client, f"demo-{order_id}/f1/p1/label/1", customs_info=CUSTOMS)
    assert made.status_code == 201
    assert made.json()["reference"] == f"demo-{order_id}/f1/p1/label/1"
    bought = await buy(client, made.json())
    assert bought.status_code == 200
    same_shape(bought.json(), published("easypost_shipment_bought")["payload"])
    assert bought.json()["usps_zone"] is None


async def test_postage_is_bought_once(client, order_id):
    made = (await create(client, f"demo-{order_id}/f1/p1/label/1")).json()
    assert (await buy(client, made)).status_code == 200
    again = await buy(client, made)
    assert again.status_code == 422
    assert again.json()["error"]["code"] == "SHIPMENT.POSTAGE.EXISTS"
    entries = await journal(client, effect="label_bought", order=f"demo-{order_id}")
    assert [entry["key"] for entry in entries] == [f"demo-{order_id}/f1/p1/label/1"]
    assert entries[0]["data"]["reference"] == entries[0]["key"]


async def test_a_shipment_is_found_by_id_and_by_reference(client, order_id):
    reference = f"demo-{order_id}/f1/p1/label/1"
    made = (await create(client, reference)).json()
    for given in (made["id"], quote(reference, safe="")):
        found = await client.get(f"{SHIPMENTS}/{given}", auth=KEY)
        assert found.json()["id"] == made["id"]
    unknown = await client.get(f"{SHIPMENTS}/shp_no", auth=KEY)
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_shipments_are_listed_newest_first_by_page(client, order_id):
    made = [(await create(client, f"demo-{order_id}/f1/p{n}/label/1")).json() for n in range(3)]
    asked = {"purchased": "false", "page_size": "2"}
    first = (await client.get(SHIPMENTS, params=asked, auth=KEY)).json()
    assert [one["id"] for one in first["shipments"]] == [made[2]["id"], made[1]["id"]]
    assert first["has_more"] is True
    older = asked | {"before_id": made[1]["id"]}
    second = (await client.get(SHIPMENTS, params=older, auth=KEY)).json()
    assert second["shipments"][0]["id"] == made[0]["id"]
    bought = (await client.get(SHIPMENTS, auth=KEY)).json()
    assert all(one["postage_label"] for one in bought["shipments"])


async def test_a_label_is_refunded_once(client, order_id):
    made = (await create(client, f"demo-{order_id}/f1/p1/label/1")).json()
    path = f"{SHIPMENTS}/{made['id']}/refund"
    early = await client.post(path, auth=KEY)
    assert early.json()["error"]["code"] == "SHIPMENT.REFUND.UNAVAILABLE"
    await buy(client, made)
    done = await client.post(path, auth=KEY)
    assert (done.status_code, done.json()["refund_status"]) == (200, "submitted")
    again = await client.post(path, auth=KEY)
    assert again.status_code == 422
    entries = await journal(client, effect="label_refunded", order=f"demo-{order_id}")
    assert len(entries) == 1


async def test_a_parcel_on_its_way_is_not_refunded(client, order_id):
    made = (await create(client, f"demo-{order_id}/f1/p1/label/1")).json()
    bought = (await buy(client, made)).json()
    scan = {"tracking_code": bought["tracking_code"], "status": "in_transit"}
    await client.post("/control/easypost/scans", json=scan)
    refused = await client.post(f"{SHIPMENTS}/{made['id']}/refund", auth=KEY)
    assert refused.json()["error"]["message"].endswith("The parcel has been shipped.")


async def test_trackers_are_found_by_id_and_code(client, order_id):
    made = (await create(client, f"demo-{order_id}/f1/p1/label/1")).json()
    bought = (await buy(client, made)).json()
    code = bought["tracking_code"]
    found = await client.get("/easypost/v2/trackers", params={"tracking_code": code}, auth=KEY)
    assert [one["id"] for one in found.json()["trackers"]] == [bought["tracker"]["id"]]
    one = await client.get(f"/easypost/v2/trackers/{bought['tracker']['id']}", auth=KEY)
    assert one.json()["tracking_code"] == code


async def test_a_wrong_key_is_refused(client):
    answer = await client.post(SHIPMENTS, json=shipment("x"), auth=httpx.BasicAuth("EZno", ""))
    assert answer.status_code == 401
    same_shape(answer.json(), published("easypost_error")["payload"])


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"to_address": None}, "SHIPMENT.INVALID_PARAMS", "to_address"),
        ({"to_address": {"name": "A", "country": "US"}}, "PARAMETER.REQUIRED", "street1"),
        ({"parcel": {}}, "PARAMETER.REQUIRED", "parcel"),
        ({"parcel": {"length": 1}}, "PARAMETER.REQUIRED", "parcel.weight"),
        ({"parcel": {"weight": "many"}}, "PARAMETER.INVALID_TYPE", "parcel.weight"),
        ({"parcel": {"weight": 0}}, "PARAMETER.INVALID_TYPE", "parcel.weight"),
        ({"customs_info": {"customs_items": [{}]}}, "PARAMETER.REQUIRED", "description"),
        ({"reference": 7}, "PARAMETER.INVALID_TYPE", "reference"),
    ],
)
async def test_a_bad_shipment_names_what_is_wrong(client, changes, code, field):
    before = len(await journal(client))
    body = {"shipment": shipment("demo-bad")["shipment"] | changes}
    answer = await client.post(SHIPMENTS, json=body, auth=KEY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert field in json.dumps(answer.json()["error"]["errors"])
    assert len(await journal(client)) == before


async def test_across_a_customs_border_there_is_no_rate_without_customs_info(client, order_id):
    reference = f"demo-{order_id}/f1/p1/label/1"
    bare = (await create(client, reference, to_address=BERLIN)).json()
    assert bare["rates"] == []
    assert bare["messages"][0]["type"] == "rate_error"
    assert "customs_info" in bare["messages"][0]["message"]
    full = (await create(client, reference, to_address=BERLIN, customs_info=CUSTOMS)).json()
    assert len(full["rates"]) == 3
    within = {"to_address": BERLIN, "from_address": BERLIN | {"country": "FR", "city": "Lyon"}}
    assert (await create(client, reference, **within)).json()["rates"] != []


async def test_the_published_shipment_is_taken(client):
    example = published("easypost_shipment_created")
    answer = await client.post(SHIPMENTS, json=example["request"], auth=KEY)
    assert answer.status_code == 201
    same_shape(answer.json(), example["payload"])
    sizes = ("length", "width", "height", "weight")
    wanted = {name: example["payload"]["parcel"][name] for name in sizes}
    assert {name: answer.json()["parcel"][name] for name in sizes} == wanted


async def test_an_address_is_in_the_us_unless_it_says_otherwise(client):
    recorded = published("easypost_shipment_without_country")
    answer = await client.post(SHIPMENTS, json=recorded["request"], auth=KEY)
    assert answer.status_code == 201
    for part, wanted in recorded["payload"].items():
        assert wanted.items() <= answer.json()[part].items()


async def test_a_label_is_bought_with_the_published_request(client, order_id):
    made = (await create(client, f"demo-{order_id}/f1/p1/label/1")).json()
    body = published("easypost_shipment_bought")["request"]
    body["rate"]["id"] = made["rates"][0]["id"]
    bought = await client.post(f"{SHIPMENTS}/{made['id']}/buy", json=body, auth=KEY)
    assert (bought.status_code, bought.json()["selected_rate"]) == (200, made["rates"][0])


async def test_a_refunded_shipment_has_the_published_shape(client, order_id):
    made = (await create(client, f"demo-{order_id}/f1/p1/label/1")).json()
    await buy(client, made)
    done = await client.post(f"{SHIPMENTS}/{made['id']}/refund", auth=KEY)
    example = published("easypost_shipment_refunded")
    same_shape(done.json(), example["payload"])
    assert done.json()["refund_status"] == example["payload"]["refund_status"]


async def test_the_list_of_trackers_has_the_published_shape_and_size(client, order_id):
    for parcel in range(2):
        made = (await create(client, f"demo-{order_id}/f1/p{parcel}/label/1")).json()
        bought = (await buy(client, made)).json()
    scan = {"tracking_code": bought["tracking_code"], "status": "in_transit"}
    await client.post("/control/easypost/scans", json=scan)
    example = published("easypost_trackers")
    asked = example["params"] | {"page_size": "1"}
    listed = (await client.get("/easypost/v2/trackers", params=asked, auth=KEY)).json()
    same_shape(listed, example["payload"])
    assert len(listed["trackers"]) == 1
    assert listed["has_more"] is True
    assert listed["trackers"][0]["tracking_details"] != []


@pytest.mark.parametrize(
    ("body", "case"),
    [({"shipment": {}}, "empty"), ({"shipment": {"parcel": {"weight": "1"}}}, "no_addresses")],
)
async def test_a_shipment_is_refused_as_the_live_carrier_does(client, body, case):
    recorded = published("easypost_shipment_refused")[case]
    answer = await client.post(SHIPMENTS, json=body, auth=KEY)
    assert (answer.status_code, answer.json()) == (recorded["status"], recorded["payload"])
