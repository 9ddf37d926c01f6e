"""Rule sets: drafted, activated, retired, never changed, and exactly one of them active."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from domain.sourcing.rules import RuleSet, Tier, Zone
from storage.engine import create_engine
from storage.sourcing_rules import SourcingRules

CHEAP = RuleSet(
    name="cheap\0",
    version=77,
    parts_max=3,
    zones=(Zone(name="home", origins=("DE",), tiers=(Tier(weight_max_g=1000, price_minor=399),)),),
    priorities={"demo": 5},
)

SECOND_ACTIVE = """
INSERT INTO sourcing_rules (name, state, document, created_by, activated_by, activated_at)
VALUES ('x', 'active', '{}', 'x', 'x', now())
"""
NEVER_ACTIVATED = """
INSERT INTO sourcing_rules (name, state, document, created_by) VALUES ('x', 'retired', '{}', 'x')
"""


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    made = create_engine(database_url, 10)
    yield made
    await made.dispose()


@pytest.fixture
def rules(engine: AsyncEngine) -> SourcingRules:
    return SourcingRules(engine)


async def states(rules: SourcingRules) -> dict[int, str]:
    return {kept.version: kept.state for kept in await rules.list()}


async def test_a_fresh_database_sources_by_the_defaults(
    rules: SourcingRules,
) -> None:
    assert await rules.active() == RuleSet(name="default", version=1)
    (first,) = await rules.list()
    assert (first.state, first.created_by, first.activated_by) == ("active", "holdfast", "holdfast")


async def test_a_draft_decides_nothing_before_it_is_activated(rules: SourcingRules) -> None:
    kept = await rules.draft(CHEAP, "ann")
    assert (kept.version, kept.state, kept.created_by) == (2, "draft", "ann")
    assert (kept.activated_by, kept.activated_at) == (None, None)
    assert kept.rules == CHEAP.model_copy(update={"name": "cheap\ufffd", "version": 2})
    assert (await rules.active()).version == 1
    activated = await rules.activate(2, "bob")
    assert activated is not None
    assert (activated.state, activated.activated_by) == ("active", "bob")
    assert await rules.active() == kept.rules
    assert await states(rules) == {1: "retired", 2: "active"}


async def test_a_retired_set_comes_back(rules: SourcingRules) -> None:
    await rules.draft(CHEAP, "ann")
    await rules.activate(2, "bob")
    await rules.activate(1, "cem")
    assert await states(rules) == {1: "active", 2: "retired"}
    (_, first) = await rules.list()
    assert (first.created_by, first.activated_by) == ("holdfast", "cem")
    again = await rules.activate(1, "dan")
    assert again is not None
    assert again.activated_by == "cem"  # it was active already


@pytest.mark.parametrize("version", [0, -1, 3, 2**31, 2**80])
async def test_what_is_not_there_is_neither_shown_nor_activated(
    rules: SourcingRules, version: int
) -> None:
    assert await rules.get(version) is None
    assert await rules.activate(version, "ann") is None
    assert await states(rules) == {1: "active"}


async def test_activations_at_once_leave_one_active(rules: SourcingRules) -> None:
    for _ in range(4):
        await rules.draft(CHEAP, "ann")
    await asyncio.gather(*(rules.activate(n % 5 + 1, "ann") for n in range(20)))
    assert list((await states(rules)).values()).count("active") == 1


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE sourcing_rules SET document = '{}'", "only ever activated or retired"),
        ("UPDATE sourcing_rules SET name = 'x'", "only ever activated or retired"),
        ("UPDATE sourcing_rules SET state = 'retired'", "one rule set must be active"),
        ("UPDATE sourcing_rules SET state = 'draft', activated_at = NULL, activated_by = NULL",
         "only ever activated or retired"),
        ("DELETE FROM sourcing_rules", "append-only"),
        ("TRUNCATE sourcing_rules CASCADE", "append-only"),
        (SECOND_ACTIVE, "sourcing_rules_one_active"),
        (NEVER_ACTIVATED, "sourcing_rules_activated"),
    ],
)  # fmt: skip
async def test_the_database_itself_keeps_rule_sets_as_they_are(
    engine: AsyncEngine, rules: SourcingRules, statement: str, said: str
) -> None:
    with pytest.raises(DBAPIError, match=said):
        async with engine.begin() as connection:
            await connection.execute(text(statement))
    assert (await rules.active()).version == 1
