"""The verdict is good only if every order, the day as a whole and the audit are."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from rich.console import Console

from demo import summary
from demo.books import Accounts, JournalLine
from demo.day import programme
from demo.place import NotPlaced, Place
from demo.repertoire import CARRIER_DOWN, SALE
from demo.stage import Fact
from demo.verdict import (
    Audit,
    Judged,
    Timing,
    Verdict,
    of_the_day,
    percentile,
    timings,
    undisturbed,
)

ACTS = programme()
ACT = ACTS[0]
HOLDS = Fact("one live label", "T1", holds=True)
BROKEN = Fact("one live label", "T1 T2", holds=False)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def _verdict(order_fact=HOLDS, day_fact=HOLDS, *, clean=True):
    return Verdict(
        trade_s=70.4,
        judged=(Judged(ACT, "demo-1", "closed", (order_fact,)),),
        facts=(day_fact,),
        timings=(Timing("label bought", {"demo-1": 1.25}),),
        money={"EUR": (Decimal("12.50"), Decimal(0))},
        audit=Audit(clean=clean, said="everything holds"),
    )


def test_all_must_be_well():
    assert _verdict().good
    assert not _verdict(order_fact=BROKEN).good
    assert not _verdict(day_fact=BROKEN).good
    assert not _verdict(clean=False).good


def test_the_last_words_say_what_is_not_well():
    assert summary.last_words(_verdict()) == (
        "1 of 1 orders ended as they must: 2 facts checked, the audit is clean, 70 s of trade"
    )
    assert "0 of 1 orders" in summary.last_words(_verdict(order_fact=BROKEN))
    assert "the audit is NOT clean" in summary.last_words(_verdict(clean=False))


def test_the_summary_shows_each_broken_fact_and_where_to_look():
    place = Place.of(PLACE)
    console = Console(width=100, file=io.StringIO())
    summary.show(console, _verdict(order_fact=BROKEN), place)
    said = console.file.getvalue()
    assert "1 closed, 1 wrong" in said
    assert f"✗ {ACT.sale.name} {ACT.scenario.title}: one live label; found: T1 T2" in said
    for shown in (
        "return window 20 s",
        "http://ui",
        "http://api (",
        "KEEP=1",
        "12.50 EUR",
        "1.2 s",
    ):
        assert shown in said


def test_the_summary_tells_why_the_first_of_each_telling_scenario_went_where_it_went():
    telling = [act for act in ACTS if act.scenario is SALE][:2]
    quiet = next(act for act in ACTS if not act.scenario.tells_why)
    whys = [("it waits", "Berlin ships it"), ("Leeds ships it",), ("Newark ships it",)]
    judged = tuple(
        Judged(act, "demo-1", "closed", (HOLDS,), why)
        for act, why in zip([*telling, quiet], whys, strict=True)
    )
    console = Console(width=100, file=io.StringIO())
    summary.show(console, replace(_verdict(), judged=judged), Place.of(PLACE))
    said = console.file.getvalue()
    assert f"{telling[0].sale.name}  plain sales  it waits" in said
    assert "Berlin ships it" in said
    assert "Leeds ships it" not in said
    assert "Newark ships it" not in said


PLACE = {
    "DEMO_API_URL": "http://api/",
    "DEMO_API_KEY": "hf_1",
    "DEMO_CHANNEL": "demo",
    "DEMO_SIMULATORS_URL": "http://sim",
    "DEMO_SIMULATORS_JOURNAL_DIR": "/journal",
    "DEMO_TEMPORAL_UI_URL": "http://ui",
    "OMS_DATABASE_URL": "postgresql+psycopg://here/holdfast",
    "OMS_POLICY__RETURN_WINDOW_S": "20",
}


def test_what_stays_up_shows_its_key():
    console = Console(width=100, file=io.StringIO())
    summary.show(console, _verdict(), Place.of({**PLACE, "KEEP": "1"}))
    assert "hf_1" in console.file.getvalue()
    assert "KEEP=1" not in console.file.getvalue()


def test_sales_that_the_outage_meets_are_not_undisturbed():
    outage = next(act.at_s for act in ACTS if act.scenario is CARRIER_DOWN)
    calm = undisturbed(ACTS)
    assert {act.scenario for act in calm} == {SALE}
    assert 12 <= len(calm) < 42
    assert not any(outage - 5 < act.at_s < outage + 20 for act in calm)


def test_a_missing_variable_is_named():
    assert Place.of(PLACE).database_url == "postgresql://here/holdfast"
    for name in PLACE.keys() - {"OMS_POLICY__RETURN_WINDOW_S"}:
        lacking = {key: value for key, value in PLACE.items() if key != name}
        with pytest.raises(NotPlaced, match=name):
            Place.of(lacking)


def test_percentiles_are_values_that_occurred():
    values = [float(n) for n in range(1, 101)]
    assert percentile(50, values) == 50
    assert percentile(99, values) == 99
    assert percentile(99, [3.0]) == 3
    assert percentile(50, [1.0, 9.0]) == 1


NOTHING = Accounts(
    standings={}, journal=[], heard={}, movements=[], corrections=[], labels=[], tasks=[]
)
READ = {"kind": "unreadable", "order_id": None, "message": "body: is not JSON"}


def test_a_stranger_or_a_task_too_many_or_too_few_is_found():
    well = replace(NOTHING, tasks=[READ])

    def broken(accounts, world=None):
        facts = of_the_day(ACTS, {"demo-1"}, world or {}, accounts)
        return [fact.must for fact in facts if not fact.holds]

    assert broken(well) == []
    assert broken(NOTHING) == ["no task but those that must be"]
    assert broken(replace(well, tasks=[READ, READ])) == ["no task but those that must be"]
    assert broken(well, {"demo-2": []}) == ["no order that nobody made"]
    assert broken(replace(well, standings={"demo-2": None})) == ["no order that nobody made"]


def test_a_step_counts_from_the_first_webhook_to_its_first_journal_line():
    def line(order_id, code, after_s):
        return JournalLine(order_id, code, "", NOON + timedelta(seconds=after_s))

    journal = [
        line("demo-1", "label_bought", 2),
        line("demo-1", "label_bought", 9),  # bought again for another address
        line("demo-1", "packed", 1),
        line("api-7", "packed", 1),  # came by no webhook
        line("demo-1", "note", 5),
    ]
    assert timings(replace(NOTHING, journal=journal, heard={"demo-1": NOON})) == (
        Timing("packed", {"demo-1": 1.0}),
        Timing("label bought", {"demo-1": 2.0}),
    )
