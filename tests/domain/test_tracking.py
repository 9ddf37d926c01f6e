"""Scans in any order, late and repeated: a parcel's course is one, and never goes back."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

from hypothesis import given
from hypothesis import strategies as st

from domain.fulfilments import PackedParcel
from domain.tracking import FINAL, Course, Scan, course_of
from workflows.parcel import Parcel

MORNING = datetime(2026, 11, 2, 6, tzinfo=UTC)
BOX = PackedParcel(weight_g=800, length_mm=300, width_mm=200, height_mm=100)


def a_scan(key: str, course: Course, minute: int) -> Scan:
    return Scan(
        carrier="Post",
        tracking_number="RR1",
        scan_key=key,
        course=course,
        carrier_status=str(course),
        claimed_at=MORNING + timedelta(minutes=minute),
    )


# few minutes, so that claims often bear the same time
SCANS = st.lists(
    st.builds(
        a_scan, st.integers(0, 99).map(str), st.sampled_from(Course), st.integers(0, 5)
    ),
    max_size=12,
    unique_by=lambda scan: scan.scan_key,
)  # fmt: skip


def when(scan: Scan) -> tuple[datetime, str]:
    return scan.claimed_at, scan.scan_key


def courses_while(scans: Iterable[Scan]) -> list[Course]:
    """The course after each scan, as they come in."""
    known = accumulate(([scan] for scan in scans), lambda before, new: before + new)
    return [Course.EXPECTED, *(course_of(scans) for scans in known)]


def may_come_after(before: Course, after: Course) -> bool:
    """No scan takes a parcel out of its end, but to the door after all; none gives it back."""
    if before in FINAL:
        return after in (before, Course.DELIVERED)
    return after is not Course.EXPECTED or before is Course.EXPECTED


@given(SCANS, st.data())
def test_the_course_is_the_same_in_whatever_order_and_however_often_scans_come(scans, data):
    shuffled = data.draw(st.permutations(scans))
    repeated = data.draw(st.lists(st.sampled_from(scans), max_size=6)) if scans else []
    assert course_of(shuffled + repeated) is course_of(scans)


@given(SCANS)
def test_no_scan_moves_a_parcel_backwards(scans):
    courses = courses_while(scans)
    for before, after in pairwise(courses):
        assert may_come_after(before, after), f"{before} → {after}"


@given(SCANS, st.sampled_from(sorted(set(Course) - FINAL)), st.integers(0, 5))
def test_a_late_scan_changes_nothing_but_an_end(scans, course, minute):
    late = a_scan("late", course, minute)
    if any(when(late) < when(scan) for scan in scans if scan.course is not Course.EXPECTED):
        assert course_of([*scans, late]) is course_of(scans)


@given(SCANS)
def test_the_latest_claim_decides_unless_there_was_an_end(scans):
    claims = {scan.course for scan in scans}
    on_the_way = [scan for scan in scans if scan.course is not Course.EXPECTED]
    if Course.DELIVERED in claims:
        assert course_of(scans) is Course.DELIVERED
    elif Course.RETURNED in claims:
        assert course_of(scans) is Course.RETURNED
    elif on_the_way:
        assert course_of(scans) is max(on_the_way, key=when).course
    else:
        assert course_of(scans) is Course.EXPECTED


@given(SCANS)
def test_the_latest_scan_of_each_course_decides_as_all_of_them_would(scans):
    latest = {scan.course: scan for scan in sorted(scans, key=when)}
    assert course_of(latest.values()) is course_of(scans)


@given(SCANS)
def test_an_order_that_is_told_of_each_change_ends_where_all_scans_do(scans):
    parcel = Parcel("demo-1/f1/p1", BOX)
    for course in courses_while(scans):
        parcel.moved(course)
        assert parcel.course is course
    assert parcel.course is course_of(scans)


@given(st.lists(st.sampled_from(Course), max_size=12))
def test_an_order_that_is_told_anything_never_goes_backwards(told):
    parcel = Parcel("demo-1/f1/p1", BOX)
    for course in told:
        before = parcel.course
        changed = parcel.moved(course)
        assert changed is (parcel.course is not before)
        assert may_come_after(before, parcel.course), f"{before} → {parcel.course}"
