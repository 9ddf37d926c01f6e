"""What carriers said of parcels: kept whole, while only a changed course is for the workflow."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from domain.ids import OrderId
from domain.tracking import FINAL, Course, Scan, course_of
from storage.documents import json_text
from storage.engine import alone
from storage.outages import transaction

CLAIMS_MAX = 100
"""A carrier that keeps changing its mind reaches the workflow so often; then only an end does, so
that no carrier can fill an order's history. Parcels have some twenty scans."""

_KEEP = text("""
INSERT INTO scans (carrier, tracking_number, scan_key, course, carrier_status, message, place,
                   claimed_at)
SELECT carrier, tracking_number, scan_key, course, carrier_status, message, place, claimed_at
  FROM jsonb_to_recordset(CAST(:scans AS jsonb)) AS s (carrier text, tracking_number text,
       scan_key text, course text, carrier_status text, message text, place text,
       claimed_at timestamptz)
 ORDER BY carrier, tracking_number, scan_key
ON CONFLICT DO NOTHING
""")
# A carrier's name differs between a label and a tracker; its tracking number does not.
_PARCELS = text("""
SELECT p.parcel_id, p.order_id, p.course, p.signalled_course, l.tracking_number,
       l.voided OR l.given_up AS unused
  FROM parcels p JOIN labels l ON l.parcel_id = p.parcel_id
 WHERE l.tracking_number = ANY(CAST(:numbers AS text[]))
 ORDER BY p.parcel_id FOR UPDATE OF p
""")
# The latest of each course decides as all of them would; an order may have thousands.
_LATEST = text("""
SELECT DISTINCT ON (tracking_number, course) carrier, tracking_number, scan_key, course,
       carrier_status, message, place, claimed_at,
       count(*) OVER (PARTITION BY tracking_number) AS claims
  FROM scans WHERE tracking_number = ANY(CAST(:numbers AS text[]))
 ORDER BY tracking_number, course, claimed_at DESC, scan_key COLLATE "C" DESC
""")
_MOVE = text("UPDATE parcels SET course = :course WHERE parcel_id = :parcel_id")
_SIGNALLED = text("UPDATE parcels SET signalled_course = :course WHERE parcel_id = :parcel_id")


@dataclass(frozen=True)
class CourseChange:
    """A parcel's course that its order's workflow has not been told yet."""

    order_id: OrderId
    parcel_id: str
    tracking_number: str
    course: Course


@dataclass(frozen=True)
class Kept:
    """What came of scans.

    `unknown` are tracking numbers that no label of ours has; their scans are kept all the same,
    and count as soon as the label is known and any scan of it comes (again).
    """

    changes: tuple[CourseChange, ...] = ()
    unknown: tuple[str, ...] = ()


class Scans:
    """Also `domain.ports.ScanLog`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = alone(engine)

    async def add(self, scans: Sequence[Scan]) -> Kept:
        """Keep the scans that are new, and say what the workflows must still be told.

        A change is handed out with each call that names its parcel until `mark_signalled`: who
        dies between the two is told again when the same scans come again.
        """
        numbers = sorted({scan.tracking_number for scan in scans})
        async with transaction(self._engine) as connection:
            await connection.execute(_KEEP, {"scans": json_text(scans)})
            return await _follow(connection, numbers)

    async def mark_signalled(self, parcel_id: str, course: Course) -> None:
        """The workflow has been told this course of the parcel."""
        values = {"parcel_id": parcel_id, "course": course.value}
        async with transaction(self._alone) as connection:
            await connection.execute(_SIGNALLED, values)

    async def keep(self, tracking_number: str, scans: tuple[Scan, ...]) -> Course:
        """Keep scans that were asked for; returns the parcel's course by all that was claimed."""
        async with transaction(self._engine) as connection:
            if scans:
                await connection.execute(_KEEP, {"scans": json_text(scans)})
            await _follow(connection, [tracking_number])
            latest, _ = await _latest(connection, [tracking_number])
            return course_of(latest[tracking_number])


async def _follow(connection: AsyncConnection, numbers: list[str]) -> Kept:
    """Move the parcels to where all their scans say, in whatever order they came.

    Nothing leaves `delivered`, as no scan is ever forgotten. Scans of a label
    that is voided or given up move nothing.
    """
    found = (await connection.execute(_PARCELS, {"numbers": numbers})).all()
    latest, claims = await _latest(connection, numbers)
    changes = []
    for row in found:
        before = Course(row.course)
        if row.unused:
            continue
        course = course_of(latest[row.tracking_number])
        if course is not before:
            await connection.execute(_MOVE, {"parcel_id": row.parcel_id, "course": course.value})
        worth_telling = course in FINAL or claims[row.tracking_number] <= CLAIMS_MAX
        if course.value != row.signalled_course and worth_telling:
            changes.append(
                CourseChange(OrderId(row.order_id), row.parcel_id, row.tracking_number, course)
            )
    known = {row.tracking_number for row in found}
    return Kept(tuple(changes), tuple(number for number in numbers if number not in known))


async def _latest(
    connection: AsyncConnection, numbers: Iterable[str]
) -> tuple[dict[str, list[Scan]], dict[str, int]]:
    """By tracking number: the latest scan of each course, and how many scans there are in all."""
    by_number: dict[str, list[Scan]] = {number: [] for number in numbers}
    claims = dict.fromkeys(by_number, 0)
    for row in (await connection.execute(_LATEST, {"numbers": list(by_number)})).mappings():
        said = dict(row)
        claims[row["tracking_number"]] = said.pop("claims")
        by_number[row["tracking_number"]].append(Scan.model_validate(said))
    return by_number, claims
