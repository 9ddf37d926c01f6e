"""EasyPost's events: who signed them, and what they say of a parcel."""

import hashlib
import hmac
import json
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.carriers.easypost_webhooks import event_key, to_scans, verify
from domain.tracking import Course, course_of
from tests.adapters.conftest import CARRIER_SECRET, World
from tests.simulators.simulator_process import until

# The vector that all of EasyPost's own client libraries test with.
KNOWN_SECRET = "sécret"
KNOWN_BODY = (
    b'{"result":{"id":"batch_123...","object":"Batch","mode":"test","state":"created",'
    b'"num_shipments":0,"reference":null,"created_at":"2022-07-26T17:22:32Z",'
    b'"updated_at":"2022-07-26T17:22:32Z","scan_form":null,"shipments":[],"status":{"created":0,'
    b'"queued_for_purchase":0,"creation_failed":0,"postage_purchased":0,'
    b'"postage_purchase_failed":0},"pickup":null,"label_url":null},'
    b'"description":"batch.created","mode":"test","previous_attributes":null,'
    b'"completed_urls":null,"user_id":"user_123...","status":"pending","object":"Event",'
    b'"id":"evt_123..."}'
)
KNOWN_SIGNATURE = "hmac-sha256-hex=e93977c8ccb20363d51a62b3fe1fc402b7829be1152da9e88cf9e8d07115a46b"
HEADERS = {"X-Hmac-Signature": KNOWN_SIGNATURE}


def detail(status: str, **more: object) -> dict[str, Any]:
    return {
        "object": "TrackingDetail",
        "message": "",
        "status": status,
        "status_detail": "status_update",
        "datetime": "2026-03-02T10:00:00Z",
        "source": "UPS",
        "tracking_location": {"city": "KENLY", "state": "NC", "country": "US", "zip": "27542"},
        **more,
    }


def event(*details: dict[str, Any], **result: object) -> bytes:
    tracker = {
        "id": "trk_1",
        "object": "Tracker",
        "tracking_code": "1Z1",
        "carrier": "UPS",
        "status": details[-1]["status"] if details else "unknown",
        "status_detail": "unknown",
        "updated_at": "2026-03-03T12:00:00Z",
        "tracking_details": list(details),
        **result,
    }
    return json.dumps({"id": "evt_1", "object": "Event", "result": tracker}).encode()


def course(status: str, **more: object) -> Course:
    (scan,) = to_scans(event(detail(status, **more)))
    return scan.course


class TestSignatures:
    def test_the_vendors_own_vector_is_authentic(self) -> None:
        assert verify(KNOWN_BODY, HEADERS, [KNOWN_SECRET])

    def test_the_secret_counts_in_either_unicode_spelling(self) -> None:
        for form in ("NFC", "NFD", "NFKD"):
            assert verify(KNOWN_BODY, HEADERS, [unicodedata.normalize(form, KNOWN_SECRET)])

    def test_either_secret_counts_while_they_are_rotated(self) -> None:
        assert verify(KNOWN_BODY, HEADERS, ["the new one", KNOWN_SECRET])

    def test_the_headers_name_may_be_spelled_in_any_case(self) -> None:
        assert verify(KNOWN_BODY, {"x-hmac-signature": KNOWN_SIGNATURE}, [KNOWN_SECRET])

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "hmac-sha256-hex=",
            KNOWN_SIGNATURE.removeprefix("hmac-sha256-hex="),
            KNOWN_SIGNATURE[:-1] + "c",
            "hmac-sha256-hex=é",
            "\udcff",
        ],
    )
    def test_another_signature_is_not_authentic(self, signature: str) -> None:
        assert not verify(KNOWN_BODY, {"X-Hmac-Signature": signature}, [KNOWN_SECRET])

    def test_no_signature_another_body_or_no_secret_is_not_authentic(self) -> None:
        assert not verify(KNOWN_BODY, {}, [KNOWN_SECRET])
        assert not verify(KNOWN_BODY + b" ", HEADERS, [KNOWN_SECRET])
        assert not verify(KNOWN_BODY, HEADERS, [])
        assert not verify(KNOWN_BODY, HEADERS, ["another"])

    def test_an_empty_secret_signs_nothing(self) -> None:
        signed = "hmac-sha256-hex=" + hmac.new(b"", KNOWN_BODY, hashlib.sha256).hexdigest()
        assert not verify(KNOWN_BODY, {"X-Hmac-Signature": signed}, [""])


class TestEventKeys:
    def test_an_event_is_known_by_its_id(self) -> None:
        assert event_key(KNOWN_BODY) == "evt_123..."

    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b'{"id": 5}', b'{"id": ""}', b'{"id":"\\n"}']
    )
    def test_what_has_no_id_is_known_by_its_bytes(self, body: bytes) -> None:
        assert event_key(body) == hashlib.sha256(body).hexdigest()


class TestScans:
    def test_each_detail_is_a_scan(self) -> None:
        first = detail("pre_transit", message="Label created", datetime="2026-03-01T09:00:00+01:00")
        second = detail("in_transit", message="Picked up")
        expected, moving = to_scans(event(first, second))
        assert (expected.course, expected.message) == (Course.EXPECTED, "Label created")
        assert expected.claimed_at == datetime(2026, 3, 1, 8, tzinfo=UTC)
        assert (moving.carrier, moving.tracking_number) == ("UPS", "1Z1")
        assert (moving.course, moving.carrier_status) == (Course.MOVING, "in_transit")
        assert (moving.place, moving.claimed_at) == (
            "KENLY, NC, US",
            datetime(2026, 3, 2, 10, tzinfo=UTC),
        )

    def test_the_same_claim_has_the_same_key_in_a_later_event(self) -> None:
        first, second = detail("pre_transit"), detail("in_transit")
        (early,) = to_scans(event(first))
        assert to_scans(event(first, second, updated_at="2026-03-09T00:00:00Z"))[0] == early
        keys = {scan.scan_key for scan in to_scans(event(first, second))}
        assert len(keys) == 2

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            ("unknown", Course.EXPECTED),
            ("pre_transit", Course.EXPECTED),
            ("in_transit", Course.MOVING),
            ("out_for_delivery", Course.MOVING),
            ("available_for_pickup", Course.MOVING),
            ("delivered", Course.DELIVERED),
            ("return_to_sender", Course.RETURNING),
            ("failure", Course.EXCEPTION),
            ("error", Course.EXCEPTION),
            ("cancelled", Course.EXCEPTION),
            ("a_word_of_next_year", Course.EXPECTED),
        ],
    )
    def test_the_carriers_status_means(self, status: str, expected: Course) -> None:
        assert course(status) is expected

    @pytest.mark.parametrize(
        ("status_detail", "message", "expected"),
        [
            ("status_update", "Presented to customs", Course.CUSTOMS),
            ("held_for_customs", "Held: clearance delayed", Course.CUSTOMS),
            ("in_transit", "Import clearance in progress", Course.CUSTOMS),
            ("in_transit", "Released by Customs", Course.MOVING),
            ("in_transit", "Customs clearance completed", Course.MOVING),
            ("in_transit", "Uncleared customs charges", Course.CUSTOMS),
            ("lost", "", Course.EXCEPTION),
            ("damaged", "", Course.EXCEPTION),
            ("return", "", Course.RETURNING),
            ("weather_delay", "Snow", Course.MOVING),
        ],
    )
    def test_the_detail_and_the_message_tell_more(
        self, status_detail: str, message: str, expected: Course
    ) -> None:
        assert course("in_transit", status_detail=status_detail, message=message) is expected

    def test_a_parcel_that_came_back_is_not_delivered(self) -> None:
        assert course("delivered", message="Delivered, To Original Sender") is Course.RETURNED
        assert course("delivered", message="Delivered, customs paid") is Course.DELIVERED

    def test_a_status_that_no_detail_explains_is_a_scan_and_stays_the_same_one(self) -> None:
        moving = detail("in_transit")
        _, summary = to_scans(event(moving, status="delivered"))
        assert (summary.course, summary.claimed_at) == (
            Course.DELIVERED,
            datetime(2026, 3, 3, 12, tzinfo=UTC),
        )
        _, again = to_scans(event(moving, status="delivered", updated_at="2026-03-05T00:00:00Z"))
        assert again.scan_key == summary.scan_key

    def test_a_detail_without_a_time_has_the_trackers(self) -> None:
        (scan,) = to_scans(event(detail("in_transit", datetime=None)))
        assert scan.claimed_at == datetime(2026, 3, 3, 12, tzinfo=UTC)

    def test_words_that_no_database_holds_are_mended(self) -> None:
        (scan,) = to_scans(event(detail("in_transit", message="Left\0 the \ud800 hub" + "!" * 999)))
        assert scan.message.startswith("Left\ufffd the \ufffd hub!")
        assert len(scan.message) == 500

    def test_a_time_without_a_zone_is_utc(self) -> None:
        (scan,) = to_scans(event(detail("in_transit", datetime="2026-03-02T10:00:00")))
        assert scan.claimed_at == datetime(2026, 3, 2, 10, tzinfo=UTC)

    def test_scans_that_come_late_do_not_turn_the_parcel_around(self) -> None:
        scans = to_scans(
            event(
                detail("delivered", datetime="2026-03-03T10:00:00Z"),
                detail("in_transit", datetime="2026-03-04T10:00:00Z"),
            )
        )
        assert course_of(scans) is Course.DELIVERED

    def test_an_event_about_something_else_has_no_scans(self) -> None:
        assert to_scans(KNOWN_BODY) == ()

    def test_a_tracker_without_details_and_status_has_no_scans(self) -> None:
        assert to_scans(event(tracking_details=None, status=None)) == ()

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            (b"\xff", "body: is not JSON"),
            (b'{"result": NaN}', "body: NaN"),
            (b'{"result": 1e999}', "body: holds a number that is too large"),
            (b'{"result": 1' + b"0" * 5_000 + b"}", "body: holds a number that is too large"),
            (b'{"id": 1, "id": 2}', "body: an object names a member twice"),
            (b"[" * 100_000, "body: is nested too deeply"),
            (b"[]", "body: is no object"),
            (b"{}", "result: is no object"),
            (b'{"result": {}}', "result.object: is missing"),
            (b'{"result": {"object": "Tracker"}}', "result.tracking_code: Field required"),
            (event(carrier=5), "result.carrier: Input should be a valid string"),
            (event(tracking_code="1Z\0"), "result.tracking_code: String should match pattern"),
            (event(tracking_code=""), "result.tracking_code: String should match pattern"),
            (event(carrier="\ud800"), "result.carrier: "),
            (
                event(detail("in_transit", datetime="yesterday")),
                "result.tracking_details.0.datetime: is no RFC 3339 time",
            ),
            (
                event(
                    detail("in_transit"), detail("delivered", datetime="9999-12-31T23:59:59-12:00")
                ),
                "result.tracking_details.1.datetime: is no RFC 3339 time",
            ),
            (
                event(detail("in_transit", datetime="1970-01-01T00:00:00Z")),
                "result.tracking_details.0.datetime: is not between 2000 and 2100",
            ),
            (
                event(detail("in_transit", datetime=None), updated_at=None),
                "result.tracking_details.0.datetime: is missing",
            ),
        ],
    )
    def test_what_cannot_be_read_names_the_field_and_the_reason(
        self, body: bytes, complaint: str
    ) -> None:
        with pytest.raises(ValueError, match="^" + complaint.replace(".", r"\.")):
            to_scans(body)


async def test_an_event_on_the_wire_is_authentic_and_read(world: World) -> None:
    body = event(detail("delivered", message="Zugestellt in München"))
    await world.tell("easypost/raw", {"body": body.decode()})
    await until(lambda: body in [one.body for one in world.receiver.got])
    (got,) = [one for one in world.receiver.got if one.body == body]
    assert verify(got.body, got.headers, ["an old one", CARRIER_SECRET])
    assert not verify(got.body, got.headers, ["an old one"])
    assert to_scans(got.body)[0].course is Course.DELIVERED
