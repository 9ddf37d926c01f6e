"""What the day came to: each act with its facts, how long things took, and the product's audit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from demo.books import Accounts
from demo.day import Act
from demo.judge import Json, evidence, judge
from demo.play import OmsFailed, Played, oms
from demo.stage import Fact, Stage

STEPS: Mapping[str, str] = {
    "status_reserved": "stock reserved",
    "packed": "packed",
    "label_bought": "label bought",
    "handed_over": "handed over",
    "parcel_delivered": "delivered",
}
"""The journal's codes for the steps that are timed, in their order."""


@dataclass(frozen=True)
class Judged:
    act: Act
    status: str
    facts: tuple[Fact, ...]

    @property
    def broken(self) -> tuple[Fact, ...]:
        return tuple(fact for fact in self.facts if not fact.holds)


@dataclass(frozen=True)
class Timing:
    """How long a step came after the order's first webhook, in seconds."""

    step: str
    times_s: tuple[float, ...]

    def percentile(self, percent: float) -> float:
        """The nearest-rank percentile."""
        rank = math.ceil(percent / 100 * len(self.times_s))
        return sorted(self.times_s)[max(rank, 1) - 1]


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
    audit: Audit

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
    judged = []
    for act in acts:
        order_id = stage.order_id(act.sale)
        facts = [*played.seen[act.sale.number], *struck.pop(order_id, [])]
        status = ""
        if order_id in stage.sold:
            found = evidence(order_id, world.get(order_id, ()), accounts)
            facts += judge(act.sale, act.scenario.expected, found)
            status = found.status
        judged.append(Judged(act, status, tuple(facts)))
    strangers = sorted((set(accounts.standings) | set(world)) - set(stage.sold))
    facts = [fact for others in struck.values() for fact in others]
    facts.append(Fact("no order that nobody made", ", ".join(strangers) or "none", not strangers))
    return Verdict(played.trade_s, tuple(judged), tuple(facts), timings(accounts), audit)


def timings(accounts: Accounts) -> tuple[Timing, ...]:
    """From an order's first webhook in the inbox to the first journal line that tells a step."""
    times: dict[str, dict[str, float]] = {code: {} for code in STEPS}
    for line in accounts.journal:
        heard = accounts.heard.get(line.order_id)
        if heard is not None and line.code in times:
            after_s = (line.at - heard).total_seconds()
            times[line.code].setdefault(line.order_id, after_s)
    return tuple(
        Timing(STEPS[code], tuple(after.values())) for code, after in times.items() if after
    )


def audited() -> Audit:
    """What `oms audit` says; it exits 0 only if all is well."""
    try:
        return Audit(clean=True, said=oms("audit").strip())
    except OmsFailed as error:
        return Audit(clean=False, said=str(error))
