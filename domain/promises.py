"""When goods leave a location and when they arrive: the dates that a shop promises.

Days are counted on calendars, never in hours, so that a clock which is put forward or back moves
no date. Cut-offs are compared as instants: a wall time that a night has twice counts when it
comes first, so that whoever is ready later never leaves earlier.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, Field

from domain.values import Value

CUT_OFF = time(14, 0)
WORKING_WEEK = (1, 2, 3, 4, 5)
CLOSED_MAX_DAYS = 400
"""A location that has no open day in so long has a wrong calendar; its promise is the last day."""
HANDLING_MAX_DAYS = 60
TRANSIT_MAX_DAYS = 120
_ONE_DAY = timedelta(days=1)


def _known_zone(name: str) -> str:
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("is no IANA time zone") from error
    return name


def _wall_time(cut_off: time) -> time:
    if cut_off.tzinfo is not None:
        raise ValueError("is a wall time of the location's zone: it has no offset")
    return cut_off


Timezone = Annotated[str, AfterValidator(_known_zone)]
WallTime = Annotated[time, AfterValidator(_wall_time)]
HandlingDays = Annotated[int, Field(ge=0, le=HANDLING_MAX_DAYS)]
Weekdays = Annotated[tuple[Annotated[int, Field(ge=1, le=7)], ...], Field(min_length=1)]
"""ISO weekdays: Monday is 1, Sunday is 7."""


class Calendar(Value):
    """When a location works: what is ready by `cut_off` (local wall time) is handled that day.

    `handling_days` are working days between that day and the day on which the goods leave;
    0 means the same day.
    """

    timezone: Timezone = "UTC"
    cut_off: WallTime = CUT_OFF
    handling_days: HandlingDays = 0
    weekdays: Weekdays = WORKING_WEEK
    holidays: tuple[date, ...] = ()

    def is_open(self, day: date) -> bool:
        return day.isoweekday() in self.weekdays and day not in self.holidays


class Promise(Value):
    """Local dates: goods leave the location on `ship_on` and reach the customer on `deliver_on`."""

    ship_on: date
    deliver_on: date


def together(promises: Sequence[Promise]) -> Promise:
    """When the last part has left and all has arrived."""
    return Promise(
        ship_on=max(one.ship_on for one in promises),
        deliver_on=max(one.deliver_on for one in promises),
    )


def handling_date(calendar: Calendar, ready_at: AwareDatetime) -> date:
    """Tell the local date on which a location begins with goods that it may handle from then on."""
    day = ready_at.astimezone(_zone(calendar.timezone)).date()
    while not (calendar.is_open(day) and ready_at <= cut_off_at(calendar, day)):
        later = next_open(calendar, day)
        if later == day:
            return day
        day = later
    return day


def ship_date(calendar: Calendar, ready_at: AwareDatetime) -> date:
    """Tell the location's local date on which goods leave that may be handled from `ready_at`."""
    day = handling_date(calendar, ready_at)
    for _ in range(calendar.handling_days):
        day = next_open(calendar, day)
    return day


def cut_off_at(calendar: Calendar, day: date) -> datetime:
    """Tell the instant, in UTC, of a day's cut-off: the first one where the wall time comes twice.

    A wall time that the clock leaps over counts as if it had not leapt.
    """
    return datetime.combine(day, calendar.cut_off, _zone(calendar.timezone)).astimezone(UTC)


def delivery_date(
    shipped_on: date, transit_days: int, weekdays: tuple[int, ...] = WORKING_WEEK
) -> date:
    """Count `transit_days` of the carrier's `weekdays` from the day after the goods left.

    None at all is the same day: a courier's. The destination's holidays are not known to us.
    """
    day = shipped_on
    left = transit_days
    while left:
        day += _ONE_DAY
        left -= day.isoweekday() in weekdays
    return day


def promise(
    calendar: Calendar,
    ready_at: AwareDatetime,
    transit_days: int,
    weekdays: tuple[int, ...] = WORKING_WEEK,
) -> Promise:
    """Tell when goods leave and when they arrive that may be handled from `ready_at`."""
    ship_on = ship_date(calendar, ready_at)
    return Promise(ship_on=ship_on, deliver_on=delivery_date(ship_on, transit_days, weekdays))


def days_late(deliver_on: date, asked: date | None) -> int:
    """Count the calendar days past the date that was asked for; 0 where none was."""
    return 0 if asked is None else max((deliver_on - asked).days, 0)


def next_open(calendar: Calendar, day: date) -> date:
    """Find the next open day; the same day again if there is none within `CLOSED_MAX_DAYS`."""
    for ahead in range(1, CLOSED_MAX_DAYS + 1):
        later = day + ahead * _ONE_DAY
        if calendar.is_open(later):
            return later
    return day


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
