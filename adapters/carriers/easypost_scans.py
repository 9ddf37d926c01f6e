"""Scans as EasyPost's trackers tell them (https://docs.easypost.com/docs/trackers)."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from domain.tracking import Course, Scan

COURSES = {
    "unknown": Course.EXPECTED,
    "pre_transit": Course.EXPECTED,
    "in_transit": Course.MOVING,
    "out_for_delivery": Course.MOVING,
    "available_for_pickup": Course.MOVING,
    "delivered": Course.DELIVERED,
    "return_to_sender": Course.RETURNING,
    "failure": Course.EXCEPTION,
    "error": Course.EXCEPTION,
    "cancelled": Course.EXCEPTION,
}
"""A status that is not here is kept as the carrier's word and changes no course."""

TROUBLE = frozenset({"damaged", "lost", "refused", "delivery_exception", "transit_exception"})
"""Details that make a parcel under way an exception."""

YEARS = range(2000, 2100)

_AT_CUSTOMS = re.compile(r"customs|import clearance", re.IGNORECASE)
_PAST_CUSTOMS = re.compile(r"\b(released|cleared|complete|completed)\b", re.IGNORECASE)
_BACK_AT_SENDER = re.compile(r"\bdelivered\b.*\bsender\b", re.IGNORECASE)


TEXT_LIMIT = 500
_UNSTORABLE = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")


def _storable(value: object) -> object:
    """Cut and mend a text for people, so that PostgreSQL and a page can hold it."""
    return _UNSTORABLE.sub("\ufffd", value[:TEXT_LIMIT]) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(_storable)]
Code = Annotated[str, Field(pattern="^[ -~]{1,100}$")]
"""Printable ASCII: it names something, and mending it would name something else."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Place(_Part):
    city: Text | None = None
    state: Text | None = None
    country: Text | None = None

    def text(self) -> str:
        return ", ".join(part for part in (self.city, self.state, self.country) if part)


class _Detail(_Part):
    status: Code
    status_detail: Text | None = None
    message: Text | None = None
    datetime: str | None = None
    tracking_location: _Place | None = None


class Tracker(_Part):
    tracking_code: Code
    carrier: Code
    status: Code | None = None
    status_detail: Text | None = None
    updated_at: str | None = None
    tracking_details: tuple[_Detail, ...] | None = None


def tracker_scans(content: object, tracking_number: str) -> tuple[Scan, ...]:
    """The scans in a list of trackers; numbers are used again, so only its newest one counts.

    Raises:
        ValueError: names the field and the reason.
    """
    found = content.get("trackers") if isinstance(content, dict) else None
    if not isinstance(found, list):
        raise ValueError("trackers: is no list")  # noqa: TRY004 - what was sent is wrong, not our type
    trackers = [read_tracker(one, f"trackers.{place}") for place, one in enumerate(found)]
    ours = [one for one in trackers if one.tracking_code == tracking_number]
    return scans_of(ours[0], "trackers.0") if ours else ()


def read_tracker(content: object, field: str) -> Tracker:
    """Parse one tracker, which stands in `field`.

    Raises:
        ValueError: names the field and the reason.
    """
    try:
        return Tracker.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join((field, *(str(part) for part in first["loc"])))
        raise ValueError(f"{where}: {first['msg']}") from None


def scans_of(tracker: Tracker, field: str) -> tuple[Scan, ...]:
    """All that the tracker claims, in its own order.

    A scan without a time gets the tracker's; a status that no scan explains is a scan too.

    Raises:
        ValueError: a time cannot be read.
    """
    return tuple(_scans(tracker, field))


def _scans(tracker: Tracker, field: str) -> Iterator[Scan]:
    details = tracker.tracking_details or ()
    for place, detail in enumerate(details):
        at = f"{field}.tracking_details.{place}.datetime"
        yield _scan(tracker, detail, _claimed_at(detail.datetime, at, tracker, field))
    status = tracker.status or "unknown"
    if status != "unknown" and all(detail.status != status for detail in details):
        last = max((detail.datetime or "" for detail in details), default="")
        summary = _Detail(status=status, status_detail=tracker.status_detail, datetime=last)
        yield _scan(tracker, summary, _claimed_at(None, "", tracker, field))


def _scan(tracker: Tracker, detail: _Detail, claimed_at: datetime) -> Scan:
    place = detail.tracking_location.text() if detail.tracking_location else ""
    message = detail.message or ""
    claim = (detail.datetime, detail.status, detail.status_detail, message, place)
    return Scan(
        carrier=tracker.carrier,
        tracking_number=tracker.tracking_code,
        scan_key=hashlib.sha256(repr(claim).encode()).hexdigest()[:32],
        course=_course(detail),
        carrier_status=detail.status,
        message=message,
        place=place,
        claimed_at=claimed_at,
    )


def _course(detail: _Detail) -> Course:
    message = detail.message or ""
    course = COURSES.get(detail.status, Course.EXPECTED)
    if course in (Course.DELIVERED, Course.RETURNING) and _BACK_AT_SENDER.search(message):
        return Course.RETURNED
    if course not in (Course.MOVING, Course.EXPECTED):
        return course
    if detail.status_detail in TROUBLE:
        return Course.EXCEPTION
    if detail.status_detail == "return":
        return Course.RETURNING
    if _AT_CUSTOMS.search(f"{detail.status_detail or ''} {message}"):
        return Course.MOVING if _PAST_CUSTOMS.search(message) else Course.CUSTOMS
    return course


def _claimed_at(text: str | None, field: str, tracker: Tracker, tracker_field: str) -> datetime:
    if text:
        return _time(text, field)
    if tracker.updated_at:
        return _time(tracker.updated_at, f"{tracker_field}.updated_at")
    raise ValueError(f"{field or tracker_field + '.updated_at'}: is missing")


def _time(text: Any, field: str) -> datetime:
    """RFC 3339; EasyPost means UTC where it names no zone."""
    try:
        at = datetime.fromisoformat(text)
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{field}: is no RFC 3339 time") from None
    if at.year not in YEARS:
        raise ValueError(f"{field}: is not between {YEARS.start} and {YEARS.stop}")
    return at
