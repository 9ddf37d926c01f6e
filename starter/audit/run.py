"""Looks at everything, looks again before it accuses anybody, and reports."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

from temporalio.client import Client

from config.inbound import WHOLE_ORDERS, Senders, senders_of
from config.settings import Settings
from config.temporal import connect
from starter.audit.findings import Checked, Finding, Report
from starter.audit.goods import all_goods
from starter.audit.intake import all_intake
from starter.audit.journal import read
from starter.audit.lives import all_lives
from starter.audit.shop import all_shop
from starter.audit.temporal import lives_of
from starter.audit.world import World
from storage.audit.facts import facts_of
from storage.audit.lives import LIVES
from storage.audit.money import MONEY
from storage.audit.parcels import PARCELS
from storage.audit.parts import PARTS
from storage.audit.snapshot import AuditTables, Question, Snapshot
from storage.audit.sourced import SOURCED
from storage.audit.stock import STOCK
from storage.audit.supply import SUPPLY
from storage.engine import create_engine

QUESTIONS = (*STOCK, *SUPPLY, *PARTS, *SOURCED, *LIVES, *PARCELS, *MONEY)
CONNECTIONS = 2


@dataclass(frozen=True)
class Patience:
    """`late_s`: how old undelivered rows and open fates may become.

    A finding counts once it looks the same twice, `poll_s` apart, and for `settle_s` while its
    order is alive. What still changes after `bound_s`, and is wrong in each way, counts too.
    """

    late_s: float = 120
    poll_s: float = 0.5
    settle_s: float = 3
    bound_s: float = 30


@dataclass(frozen=True)
class Suspicion:
    """A finding: there without a break since `first`, and just as it is now since `since`."""

    finding: Finding
    looks: str
    first: float
    since: float
    live: bool

    def settled(self, now: float, patience: Patience) -> bool:
        return now - self.since > (patience.settle_s if self.live else 0)

    def lasting(self, now: float, patience: Patience) -> bool:
        return now - self.first > (patience.settle_s if self.live else 0)


async def audit(
    settings: Settings,
    *,
    journal: Path | None,
    temporal: bool = True,
    patience: Patience | None = None,
) -> Report:
    """Audit the system that the settings name; see `run`."""
    engine = create_engine(settings.database, CONNECTIONS)
    try:
        return await run(
            AuditTables(engine),
            client=await connect(settings) if temporal else None,
            journal=journal,
            shops=settings.channels,
            senders=senders_of(settings),
            patience=patience,
        )
    finally:
        await engine.dispose()


async def run(
    tables: AuditTables,
    *,
    client: Client | None = None,
    journal: Path | None = None,
    shops: Collection[str] = (),
    senders: Senders | None = None,
    patience: Patience | None = None,
) -> Report:
    """Check every invariant, and report those that stay broken.

    `shops` are the channels whose deeds are in `journal`, a simulators' journal. What cannot be
    asked is reported as skipped.

    Raises:
        Unavailable: PostgreSQL does not answer.
        RPCError, RuntimeError: Temporal does not.
        OSError, ValueError: the journal is not there or not readable.
    """
    patience = patience or Patience()

    async def look() -> World:
        effects = await asyncio.to_thread(read, journal) if journal else None
        async with tables.snapshot(patience.late_s) as snapshot:
            asked = tuple([await _ask(snapshot, question) for question in QUESTIONS])
            facts = await facts_of(snapshot, WHOLE_ORDERS)
        lives = await lives_of(client, facts) if client else None
        return World(facts, asked, lives, effects, senders, frozenset(shops), patience.late_s)

    return await _until_sure(look, patience)


async def _until_sure(look: Callable[[], Awaitable[World]], patience: Patience) -> Report:
    """Look until each suspicion has settled or gone; one look is enough if there is none."""
    clock = asyncio.get_running_loop().time
    started, looks = clock(), 0
    suspicions: dict[tuple[str, str], Suspicion] = {}
    while True:
        now, world = clock(), await look()
        checked = await asyncio.to_thread(_check, world)
        looks += 1
        suspicions = _compare(suspicions, world, checked, now)
        sure = all(one.settled(now, patience) for one in suspicions.values())
        if sure or now - started >= patience.bound_s:
            guilty = {who for who, one in suspicions.items() if one.lasting(now, patience)}
            return Report(tuple(_accuse(one, guilty) for one in checked), looks)
        await asyncio.sleep(patience.poll_s)


def _check(world: World) -> list[Checked]:
    return [
        *world.asked,
        *all_intake(world),
        *all_lives(world),
        *all_goods(world),
        *all_shop(world),
    ]


def _compare(
    before: dict[tuple[str, str], Suspicion], world: World, checked: list[Checked], now: float
) -> dict[tuple[str, str], Suspicion]:
    """What is suspected now; what looks as it did keeps its age."""
    found: dict[tuple[str, str], Suspicion] = {}
    for finding in (finding for one in checked for finding in one.findings):
        looks = json.dumps(
            [finding.expected, finding.found, finding.rows, world.moved(finding.order_id)],
            default=str,
        )
        known = before.get(finding.identity)
        found[finding.identity] = Suspicion(
            finding,
            looks,
            first=known.first if known else now,
            since=known.since if known and known.looks == looks else now,
            live=world.live(finding.order_id),
        )
    return found


def _accuse(checked: Checked, guilty: set[tuple[str, str]]) -> Checked:
    sure = [finding for finding in checked.findings if finding.identity in guilty]
    return replace(checked, findings=tuple(sure))


async def _ask(snapshot: Snapshot, question: Question) -> Checked:
    looked = await snapshot.count(question)
    findings = tuple(
        Finding(question.name, one.subject, one.expected, one.found, one.order_id, one.rows)
        for one in await snapshot.broken(question)
    )
    return Checked(question.name, question.sentence, looked, findings)
