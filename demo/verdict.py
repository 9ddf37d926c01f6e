"""What the day came to: each act with its facts, how long things took, and the product's audit."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from demo.books import Accounts
from demo.day import Act
from demo.decisions import Decided, decisions
from demo.judge import Json, evidence, judge
from demo.play import OmsFailed, Played, oms
from demo.repertoire import CARRIER_DOWN, SALE
from demo.scenarios import CARRIER_DOWN_S
from demo.stage import Fact, Stage

STEPS: Mapping[str, str] = {
    "status_reserved": "stock reserved",
    "packed": "packed",
    "label_bought": "label bought",
    "handed_over": "handed over",
    "parcel_delivered": "delivered",
}
"""The journal's codes for the steps that are timed, in their order."""


SHIPS_WITHIN_S = 5.0
"""How long before an outage an order must be placed to be past it."""
LABEL = STEPS["label_bought"]


@dataclass(frozen=True)
class Judged:
    """An act, the order it was about, how that ended, and all facts; no order, no status.

    `why` are the decisions on where it ships from, oldest first.
    """

    act: Act
    order_id: str
    status: str
    facts: tuple[Fact, ...]
    why: tuple[str, ...] = ()

    @property
    def broken(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if not fact.holds)


@dataclass(frozen=True)
class Timing:
    """How long after an order's first webhook a step was done, in seconds, by order id."""

    step: str
    after_s: Mapping[str, float]


def percentile(percent: float, values: Iterable[float]) -> float:
    """The nearest-rank percentile of at least one value."""
    ordered = sorted(values)
    return ordered[max(math.ceil(percent / 100 * len(ordered)), 1) - 1]


@dataclass(frozen=True)
class Audit:
    clean: bool
    said: str


@dataclass(frozen=True)
class Verdict:
    trade_s: float
    judged: tuple[Judged, ...]
    facts: tuple[Fact, ...]
    """What must be so of the day, and of no order alone."""
    timings: tuple[Timing, ...]
    money: Mapping[str, tuple[Decimal, Decimal]]
    """Captured and refunded, by currency, as the shop journalled it."""
    audit: Audit
    undisturbed: frozenset[str] = frozenset()
    """The plain sales that the carrier's outage did not meet."""

    @property
    def good(self) -> bool:
        broken = any(one.broken for one in self.judged)
        return not broken and all(fact.holds for fact in self.facts) and self.audit.clean


async def verdict(
    stage: Stage,
    acts: Sequence[Act],
    played: Played,
    *,
    world: Mapping[str, Sequence[Json]],
    accounts: Accounts,
    audit: Audit,
) -> Verdict:
    """Judge every act by the world's journal and our books."""
    struck = await stage.struck()
    decided = await decisions(stage.api, accounts.standings)
    judged = []
    for act in acts:
        order_id = stage.order_id(act.sale)
        facts = [*played.seen[act.sale.number], *struck.pop(order_id, [])]
        status, why = "", decided.get(order_id, Decided())
        if order_id in stage.sold:
            found = evidence(order_id, world.get(order_id, ()), accounts, why)
            facts += judge(act.sale, act.scenario.expected, found)
            status = found.status
        judged.append(Judged(act, order_id, status, tuple(facts), why.why))
    facts = [fact for others in struck.values() for fact in others]
    facts += of_the_day(acts, set(stage.sold), world, accounts)
    return Verdict(
        trade_s=played.trade_s,
        judged=tuple(judged),
        facts=tuple(facts),
        timings=timings(accounts),
        money=_money(entry for entries in world.values() for entry in entries),
        audit=audit,
        undisturbed=frozenset(stage.order_id(act.sale) for act in undisturbed(acts)),
    )


def of_the_day(
    acts: Sequence[Act], sold: set[str], world: Mapping[str, Sequence[Json]], accounts: Accounts
) -> list[Fact]:
    """What must be so of no order alone."""
    strangers = sorted((accounts.standings.keys() | world.keys()) - sold)
    wanted = sorted(kind for act in acts for kind in act.scenario.tasks)
    tasks = [f"{task['kind']} ({task['message']})" for task in accounts.tasks]
    kinds = sorted(task["kind"] for task in accounts.tasks)
    return [
        Fact("no order that nobody made", ", ".join(strangers) or "none", not strangers),
        Fact("no task but those that must be", "; ".join(tasks) or "none", kinds == wanted),
    ]


def undisturbed(acts: Sequence[Act]) -> list[Act]:
    """Plain sales made well before the carrier's outage, or after those it held up had gone on."""
    down_s = min(act.at_s for act in acts if act.scenario is CARRIER_DOWN)
    first, last = down_s - SHIPS_WITHIN_S, down_s + CARRIER_DOWN_S + SHIPS_WITHIN_S
    plain = [act for act in acts if act.scenario is SALE]
    return [act for act in plain if not first < act.at_s < last]


def timings(accounts: Accounts) -> tuple[Timing, ...]:
    """From an order's first webhook in the inbox to the first journal line that tells a step."""
    times: dict[str, dict[str, float]] = {code: {} for code in STEPS}
    for line in accounts.journal:
        heard = accounts.heard.get(line.order_id)
        if heard is not None and line.code in times:
            after_s = (line.at - heard).total_seconds()
            times[line.code].setdefault(line.order_id, after_s)
    return tuple(Timing(STEPS[code], after) for code, after in times.items() if after)


def _money(world: Iterable[Json]) -> dict[str, tuple[Decimal, Decimal]]:
    sums: dict[str, dict[str, Decimal]] = {}
    for entry in world:
        if entry["effect"] in ("captured", "refunded"):
            of = sums.setdefault(entry["data"]["currency"], {})
            of[entry["effect"]] = of.get(entry["effect"], Decimal(0)) + Decimal(
                entry["data"]["amount"]
            )
    none = Decimal(0)
    return {
        currency: (of.get("captured", none), of.get("refunded", none))
        for currency, of in sorted(sums.items())
    }


def audited() -> Audit:
    """What `oms audit` says; it exits 0 only if all is well."""
    try:
        return Audit(clean=True, said=oms("audit").strip())
    except OmsFailed as error:
        return Audit(clean=False, said=str(error))
