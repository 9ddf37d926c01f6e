"""What a carrier says about a parcel, and which little of it changes an order's course.

Scans come late, twice and out of order. A parcel's course only ever goes forward:
`expected` → `moving` → `delivered`, with `customs`, `exception` and `returning` as states that a
later scan may leave again; once delivered or returned, it stays so.
"""

from collections.abc import Iterable
from enum import StrEnum

from pydantic import AwareDatetime

from domain.values import Value


class Course(StrEnum):
    """Where a parcel is in the order's eyes."""

    EXPECTED = "expected"
    MOVING = "moving"
    CUSTOMS = "customs"
    EXCEPTION = "exception"
    RETURNING = "returning"
    DELIVERED = "delivered"
    RETURNED = "returned"


FINAL = frozenset({Course.DELIVERED, Course.RETURNED})


class Scan(Value):
    """One claim of a carrier. `scan_key` is the same for the same claim sent twice."""

    carrier: str
    tracking_number: str
    scan_key: str
    course: Course
    carrier_status: str
    """The carrier's own word for it."""
    message: str = ""
    place: str = ""
    claimed_at: AwareDatetime


def course_of(scans: Iterable[Scan]) -> Course:
    """The parcel's course by all that was ever claimed, in whatever order it came.

    The latest claimed time decides, except that final states win over everything, `delivered`
    over `returned`, and `expected` loses against everything.
    """
    known = sorted(scans, key=lambda s: (s.claimed_at, s.scan_key))
    courses = {scan.course for scan in known}
    for final in (Course.DELIVERED, Course.RETURNED):
        if final in courses:
            return final
    after_pickup = [scan for scan in known if scan.course is not Course.EXPECTED]
    return after_pickup[-1].course if after_pickup else Course.EXPECTED
