"""A decision on sourcing in one sentence: who ships, what it costs, when it comes, and why."""

from collections.abc import Sequence
from datetime import date

from domain.money import Money
from domain.promises import Calendar, handling_date
from domain.sourcing.case import Case
from domain.sourcing.decision import Bar, Considered, Cost, Plan, PlannedPart
from domain.stock import SkuQuantity

COSTS = {
    "distance_minor": "distance",
    "shipping_minor": "shipping",
    "split_minor": "split",
    "location_minor": "location",
    "balance_minor": "stock balance",
    "lateness_minor": "lateness",
}
OTHERS_NAMED = 3
SKUS_NAMED = 3
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def sentence(
    case: Case,
    plan: Plan | None,
    runners_up: Sequence[Plan],
    candidates: Sequence[Considered],
    missing: Sequence[SkuQuantity],
    *,
    proven: bool = True,
) -> str:
    """Say what was decided: the plan with its cost and date, then what the others lack or cost."""
    names = {one.location: one.name for one in candidates}
    if plan is None:
        return _waits(case, candidates, missing, proven=proven)
    told = [_who(case, plan, names), ", ".join(_what(case, plan))]
    others = _others(case, plan, runners_up, candidates, names)
    return ": ".join(told) + (f"; {others}." if others else ".")


def bar_in_words(
    bar: Bar,
    case: Case,
    calendar: Calendar,
    lacks: Sequence[SkuQuantity] = (),
    skus: Sequence[str] = (),
) -> str:
    """Say what keeps a location from shipping the order alone, to follow its name."""
    country, goods = case.destination.country, _listed(sorted(set(skus)))
    return {
        Bar.EXCLUDED: "rejected this order",
        Bar.INACTIVE: "is not active",
        Bar.NOT_SERVED: f"does not serve {country}",
        Bar.NO_ZONE: f"has no shipping zone to {country}",
        Bar.NO_CAPACITY: f"has no capacity left for {day(handling_date(calendar, case.now))}",
        Bar.HAZMAT: f"may not ship the dangerous goods {goods}",
        Bar.TOO_HEAVY: f"ships no parcel as heavy as {goods}",
        Bar.STOCK: f"lacks {quantities(lacks)}",
    }[bar]


def quantities(items: Sequence[SkuQuantity]) -> str:
    """Say how many of what: "1 of MUG-RED and 2 of MUG-BLUE"."""
    return _listed([f"{item.quantity} of {item.sku}" for item in items])


def day(date_: date) -> str:
    """Write a date for people, in no locale's way: "Tue 24 Nov"."""
    return f"{_WEEKDAYS[date_.weekday()]} {date_.day} {_MONTHS[date_.month - 1]}"


def _waits(
    case: Case, candidates: Sequence[Considered], missing: Sequence[SkuQuantity], *, proven: bool
) -> str:
    if not candidates:
        return "No location can ship: there is none."
    told = [f"{one.name} {one.reason}" for one in sorted(candidates, key=_closeness) if one.bar]
    wants = any(one.bar is Bar.STOCK for one in candidates)
    waits = f"; waits for {quantities(missing)}" if wants else ""
    found = "No location can" if proven else "No way was found to"
    every = "all that is asked for" if case.partial else "all"
    return f"{found} ship {every}{_split(case)}: {_some(told)}{waits}."


def _split(case: Case) -> str:
    """How many parts there may be, where the rules allow some and others take of them."""
    allowed, beside = case.parts_allowed, ""
    if case.rules.parts_allowed == 1:
        return ""
    if case.parts_standing:
        beside = f" beside the order's other {case.parts_standing}"
    return f" in up to {allowed} parts{beside}" if allowed > 1 else f" in one part{beside}"


def _closeness(one: Considered) -> tuple[bool, int, str]:
    """Those that lack least first, then those that a rule keeps out."""
    return (one.bar is not Bar.STOCK, sum(item.quantity for item in one.lacks), one.location)


def _who(case: Case, plan: Plan, names: dict[str, str]) -> str:
    if len(plan.parts) == 1:
        return f"{names[plan.parts[0].location]} ships {_every(case)}"
    shares = [f"{names[part.location]} ships {_share(case, plan, part)}" for part in plan.parts]
    return _listed(shares)


def _every(case: Case) -> str:
    lines, units = len(case.lines), sum(line.quantity for line in case.lines)
    if not case.partial:
        return "the line" if lines == 1 else f"all {lines} lines"
    asked = f"{lines} lines" if lines > 1 else f"{units} units" if units > 1 else "unit"
    return f"the {asked} asked for"


def _share(case: Case, plan: Plan, part: PlannedPart) -> str:
    far = "" if part.distance_km is None else f" ({part.distance_km} km)"
    the, asked = ("the ", " asked for") if case.partial else ("", "")
    if sum(len(one.lines) for one in plan.parts) == len(case.lines):
        return f"{len(part.lines)} of {the}{len(case.lines)} lines{asked}{far}"
    units = sum(line.quantity for line in part.lines)
    of_all = sum(line.quantity for line in case.lines)
    return f"{units} of {the}{of_all} units{asked}{far}"


def _what(case: Case, plan: Plan) -> list[str]:
    told: list[str] = []
    if len(plan.parts) == 1 and plan.parts[0].distance_km is not None:
        told.append(f"{plan.parts[0].distance_km} km")
    if case.rules.zones:
        told.append(_money(plan.cost.shipping_minor, case))
    parcels = sum(len(part.parcels) for part in plan.parts)
    if parcels > 1:
        told.append(f"{parcels} parcels")
    told.append(f"arrives {day(plan.promise.deliver_on)}")
    return told


def _others(
    case: Case,
    plan: Plan,
    runners_up: Sequence[Plan],
    candidates: Sequence[Considered],
    names: dict[str, str],
) -> str:
    """The other locations, cheapest first; other combinations if none of them could do it alone."""
    used = {part.location for part in plan.parts} if len(plan.parts) == 1 else set()
    able = [
        (one.name, one.cost)
        for one in sorted(candidates, key=lambda one: one.location)
        if one.cost and one.location not in used
    ]
    if not able:
        able = [
            (" with ".join(names[part.location] for part in one.parts), one.cost)
            for one in runners_up[:1]
        ]
    able.sort(key=lambda one: one[1].total_minor)
    told = [f"{name} would cost {_more(cost, plan.cost, case)}" for name, cost in able]
    barred = sorted((one for one in candidates if one.bar), key=_closeness)
    alone = "" if len(plan.parts) == 1 else "alone "
    more = [cost.total_minor - plan.cost.total_minor for _, cost in able[OTHERS_NAMED:]]
    return _some(told + [f"{alone}{one.name} {one.reason}" for one in barred], more)


def _more(other: Cost, ours: Cost, case: Case) -> str:
    """How much more another way costs, and what of it most."""
    more = other.total_minor - ours.total_minor
    if not more:
        return "the same"
    way, dear, cheap = ("more", other, ours) if more > 0 else ("less", ours, other)
    apart = {word: getattr(dear, name) - getattr(cheap, name) for name, word in COSTS.items()}
    most = max(apart, key=lambda word: apart[word])
    mostly = "" if apart[most] == abs(more) else "mostly "
    return f"{_money(abs(more), case)} {way} ({mostly}{most})"


def _money(amount_minor: int, case: Case) -> str:
    return Money(amount_minor=amount_minor, currency=case.rules.currency).format()


def _some(told: Sequence[str], more_minor: Sequence[int] = ()) -> str:
    """The first of many, and how many more there are.

    `more_minor` is what those of the rest that could do it would cost more, the least first.
    """
    rest = len(told) - OTHERS_NAMED
    named = ", ".join(told[:OTHERS_NAMED])
    if rest <= 0:
        return named
    ways = ["cannot"] if rest > len(more_minor) else []
    if more_minor:
        least = more_minor[0]
        same = "cost the same or more" if least == 0 else "may cost less"
        ways.append("cost more" if least > 0 else same)
    return f"{named}, and {rest} more {' or '.join(ways)}"


def _listed(words: Sequence[str]) -> str:
    if len(words) > SKUS_NAMED:
        return f"{', '.join(words[:SKUS_NAMED])} and {len(words) - SKUS_NAMED} more"
    *first, last = words or ("",)
    return f"{', '.join(first)} and {last}" if first else last
