"""Warehouses' reports: who signed them and when, and what they say of a fulfilment."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.warehouses.webhooks import event_key, to_report, verify
from domain.fulfilments import PackedParcel
from domain.stock import ShortPick, ShortReason
from domain.verbs import WarehouseSaid
from tests.adapters.conftest import WAREHOUSE_SECRET, World
from tests.simulators.simulator_process import until

# The vector of the Standard Webhooks specification's own libraries.
KNOWN_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KNOWN_BODY = b'{"test": 2432232314}'
KNOWN_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SIGNED_AT = datetime.fromtimestamp(1614265330, UTC)
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": KNOWN_SIGNATURE,
}
PARCEL = {"weight_g": 820, "length_mm": 300, "width_mm": 200, "height_mm": 110}
SHORT = {"sku": "MUG", "found": 1, "reason": "damaged"}


def signed(secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    text = f"{HEADERS['webhook-id']}.{HEADERS['webhook-timestamp']}.".encode() + KNOWN_BODY
    return "v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode()


def authentic(at: datetime = SIGNED_AT, body: bytes = KNOWN_BODY, **headers: str) -> bool:
    changed = HEADERS | {name.replace("_", "-"): value for name, value in headers.items()}
    return verify(body, changed, [KNOWN_SECRET], at)


def report(kind: str = "packed", **data: object) -> bytes:
    fulfilment: dict[str, Any] = {
        "id": "ful_1",
        "reference": "demo-5/f1",
        "location": "berlin",
        "order_id": "demo-5",
        "status": kind,
        "reason": None,
        "parcels": [PARCEL],
        **data,
    }
    body = {"type": f"fulfilment.{kind}", "timestamp": "2026-03-02T10:00:00Z", "data": fulfilment}
    return json.dumps(body).encode()


class TestSignatures:
    def test_the_specifications_vector_is_authentic(self) -> None:
        assert authentic()

    def test_either_secret_counts_while_they_are_rotated(self) -> None:
        another = "whsec_" + base64.b64encode(b"another key of the warehouse").decode()
        assert verify(KNOWN_BODY, HEADERS, [another, KNOWN_SECRET], SIGNED_AT)
        assert not verify(KNOWN_BODY, HEADERS, [another], SIGNED_AT)
        both = f"{signed(another)} {KNOWN_SIGNATURE}"
        assert authentic(webhook_signature=both)

    def test_header_names_may_be_spelled_in_any_case(self) -> None:
        shouted = {name.title(): value for name, value in HEADERS.items()}
        assert verify(KNOWN_BODY, shouted, [KNOWN_SECRET], SIGNED_AT)

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "v1",
            "v1,",
            "v1,é",
            "v1,*",
            "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            "\udcff v1,\udcff",
        ],
    )
    def test_another_signature_is_not_authentic(self, signature: str) -> None:
        assert not authentic(webhook_signature=signature)

    def test_the_id_the_time_and_every_byte_are_signed(self) -> None:
        assert not authentic(webhook_id="msg_other")
        assert not authentic(webhook_timestamp="1614265331")
        assert not authentic(body=KNOWN_BODY + b" ")
        assert not authentic(body=b"\xff\xfe")

    @pytest.mark.parametrize("missing", list(HEADERS))
    def test_no_header_may_be_missing(self, missing: str) -> None:
        headers = {name: value for name, value in HEADERS.items() if name != missing}
        assert not verify(KNOWN_BODY, headers, [KNOWN_SECRET], SIGNED_AT)

    @pytest.mark.parametrize(
        ("late", "expected"),
        [
            (timedelta(minutes=59), True),
            (timedelta(minutes=61), False),
            (-timedelta(minutes=4), True),
            (-timedelta(minutes=6), False),
        ],
    )
    def test_a_report_is_taken_for_an_hour(self, late: timedelta, expected: bool) -> None:
        assert authentic(SIGNED_AT + late) is expected

    @pytest.mark.parametrize(
        "stamp",
        [
            "",
            "nan",
            "1e9",
            "-1",
            "1" * 400,
            "\uff11\uff16\uff11\uff14\uff12\uff16\uff15\uff13\uff13\uff10",
        ],
    )
    def test_a_time_that_is_no_number_is_not_authentic(self, stamp: str) -> None:
        assert not authentic(webhook_timestamp=stamp)


def test_a_message_is_known_by_its_id_in_every_delivery() -> None:
    assert event_key(b"any", {"Webhook-Id": "msg_1"}) == "msg_1"
    assert event_key(b"any", {}) == hashlib.sha256(b"any").hexdigest()


class TestReports:
    def test_packed_tells_the_parcels(self) -> None:
        told = to_report(report(), "berlin")
        assert told.order_id == "demo-5"
        assert told.said == WarehouseSaid(
            reference="demo-5/f1",
            location="berlin",
            status="packed",
            parcels=(PackedParcel(**PARCEL),),
        )

    @pytest.mark.parametrize(
        ("reason", "code"),
        [("no_stock", "no_stock"), ("the cat sat on it", "other"), (None, "other")],
    )
    def test_rejected_tells_a_reason_that_we_know(self, reason: str | None, code: str) -> None:
        said = to_report(report("rejected", reason=reason, parcels=[]), "berlin").said
        assert (said.status, said.reason, said.parcels) == ("rejected", code, ())

    def test_rejected_tells_what_was_not_found(self) -> None:
        body = report("rejected", reason="short", parcels=[], short=[SHORT, SHORT | {"sku": "CAP"}])
        said = to_report(body, "berlin").said
        assert (said.status, said.reason) == ("rejected", "short")
        assert said.short == tuple(
            ShortPick(sku=sku, found=1, reason=ShortReason.DAMAGED) for sku in ("MUG", "CAP")
        )

    def test_nothing_is_short_of_what_is_not_rejected(self) -> None:
        assert to_report(report(short=[SHORT]), "berlin").said.short == ()

    def test_handed_over_is_told(self) -> None:
        assert to_report(report("handed_over"), "berlin").said.status == "handed_over"

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            (b"{", "body: is not JSON"),
            (b"[]", "body: Input should be a valid dictionary"),
            (report("lost"), "type: Input should be"),
            (report(location="lyon"), "data.location: is not the location"),
            (report(reference="demo-5"), "data.reference: is none that we made"),
            (report(reference="nobody/f1"), "data.reference: is none that we made"),
            (report(reference="demo-5/f1\0"), "data.reference: is none that we made"),
            (report(reference="demo-5/\ud800"), "data.reference: "),
            (report(reference="demo-5//"), "data.reference: is none that we made"),
            (report(reference=f"demo-5/{'f' * 249}"), "data.reference: is none that we made"),
            (report(parcels=[]), "data.parcels: is empty"),
            (
                report(parcels=[PARCEL | {"weight_g": 0}]),
                "data.parcels.0.weight_g: Input should be",
            ),
            (report(parcels=[PARCEL | {"width_mm": "9"}]), "data.parcels.0.width_mm: Input should"),
            (report(parcels=[PARCEL | {"width_mm": 1e3}]), "data.parcels.0.width_mm: Input should"),
            (
                report("rejected", short=[SHORT, SHORT]),
                "data.short: Value error, names a SKU twice",
            ),
            (report("rejected", short=[SHORT | {"found": -1}]), "data.short.0.found: Input should"),
            (
                report("rejected", short=[SHORT | {"found": "1"}]),
                "data.short.0.found: Input should",
            ),
            (report("rejected", short=[SHORT | {"reason": "eaten"}]), "data.short.0.reason: Input"),
            (report("rejected", short=[SHORT | {"sku": "M\0"}]), "data.short.0.sku: String should"),
            (report("rejected", short={"sku": "MUG"}), "data.short: Input should be"),
        ],
    )
    def test_what_cannot_be_read_names_the_field_and_the_reason(
        self, body: bytes, complaint: str
    ) -> None:
        with pytest.raises(ValueError, match="^" + complaint.replace(".", r"\.")):
            to_report(body, "berlin")


async def test_a_report_on_the_wire_is_authentic_and_read(world: World) -> None:
    body = report()
    await world.tell("warehouse/raw", {"body": body.decode(), "location": "berlin"})
    await until(lambda: body in [one.body for one in world.receiver.got])
    (got,) = [one for one in world.receiver.got if one.body == body]
    assert got.path == "/webhooks/warehouses/berlin"
    assert verify(got.body, got.headers, [WAREHOUSE_SECRET])
    assert not verify(got.body, got.headers, ["whsec_AAAA"])
    assert to_report(got.body, "berlin").order_id == "demo-5"
