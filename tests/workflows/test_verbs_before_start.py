"""What an order is told before any worker has seen it: no verb is lost, and each comes in turn."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from config.temporal import search_attribute_keys
from domain.orders import PaymentStatus
from starter.local.temporal import temporal_binary
from tests.conftest import SERVER_ARGS
from tests.folders import STARTS_WITHIN
from tests.workflows.lives import Life
from tests.workflows.ports import Worlds
from tests.workflows.running import living, start_life
from tests.workflows.soundness import see_cancelled, see_delivered
from tests.workflows.waits import BAD_ADDRESS, OTHER_ADDRESS, WAY
from tests.workflows.world import World, an_order

UNPAID = {"payment": PaymentStatus.PENDING}
BERLIN = {"country": "DE", "postal_code": "10119"}
UNTOUCHED = ("cancel_at_channel",)
UNCAPTURED = tuple(step for step in WAY if step != "capture")
BEING_CANCELLED = "too_late: the order is being cancelled"


def said(name: str, command: str, **fields: object) -> tuple[str, dict[str, object]]:
    return name, {"command_id": command, "by": "ann", **fields}


def fix(command: str, version: int) -> tuple[str, dict[str, object]]:
    return said("fix_address", command, address_version=version, destination=BERLIN)


FRAUD = said("hold", "fraud", reason="fraud")
GIFT = said("hold", "gift", reason="gift")
CANCEL = said("cancel", "cancel", reason="customer_asked")
CANCELLED_IN_TEMPORAL = ("", dict[str, object]())
LINE = {"line_id": "L1", "sku": "MUG", "quantity": 1, "reason": "unwanted"}


@dataclass(frozen=True)
class Case:
    """What is said, and what must come of it.

    `held` are the holds that stop the order, to be released; `settled` says of each command why
    it was refused, or nothing; `with_start` is said by the very call that starts the order.
    """

    said: tuple[tuple[str, dict[str, object]], ...] = ()
    settled: Mapping[str, str] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    deeds: tuple[str, ...] = WAY
    status: str = "delivered"
    address_version: int = 1
    order: Mapping[str, Any] = field(default_factory=dict)
    with_start: tuple[str, dict[str, object]] | None = None


CASES: Mapping[str, Case] = {
    "hold": Case((FRAUD,), {"fraud": ""}, held=("fraud",)),
    "hold-twice": Case((FRAUD, FRAUD), {"fraud": ""}, held=("fraud",)),
    "hold-with-start": Case(with_start=FRAUD, settled={"fraud": ""}, held=("fraud",)),
    "hold-and-release": Case(
        (FRAUD, said("release", "r", hold_id="fraud")), {"fraud": "", "r": ""}
    ),
    "two-holds-and-a-release": Case(
        (FRAUD, GIFT, said("release", "r", hold_id="fraud")),
        {"fraud": "", "gift": "", "r": ""},
        held=("gift",),
    ),
    "release-before-its-hold": Case(
        (said("release", "r", hold_id="fraud"), FRAUD),
        {"r": "hold_id: there is no such hold", "fraud": ""},
        held=("fraud",),
    ),
    "cancel": Case((CANCEL,), {"cancel": ""}, deeds=UNTOUCHED, status="cancelled"),
    "cancel-with-start": Case(
        with_start=CANCEL, settled={"cancel": ""}, deeds=UNTOUCHED, status="cancelled"
    ),
    "cancel-in-temporal": Case((CANCELLED_IN_TEMPORAL,), deeds=UNTOUCHED, status="cancelled"),
    "cancel-and-hold": Case(
        (CANCEL, FRAUD),
        {"cancel": "", "fraud": BEING_CANCELLED},
        deeds=UNTOUCHED,
        status="cancelled",
    ),
    "hold-and-cancel": Case(
        (FRAUD, CANCEL), {"fraud": "", "cancel": ""}, deeds=UNTOUCHED, status="cancelled"
    ),
    "fix-and-cancel": Case(
        (fix("fix", 2), CANCEL),
        {"fix": "too_late: the order is cancelled", "cancel": ""},
        deeds=UNTOUCHED,
        status="cancelled",
    ),
    "fix": Case((fix("fix", 2),), {"fix": ""}, order={"address": BAD_ADDRESS}, address_version=2),
    "fix-and-fix": Case((fix("a", 3), fix("b", 2)), {"a": "", "b": ""}, address_version=2),
    "fix-and-hold": Case(
        (fix("fix", 2), FRAUD), {"fix": "", "fraud": ""}, held=("fraud",), address_version=2
    ),
    "paid": Case((said("payment_changed", "", payment="paid"),), order=UNPAID, deeds=UNCAPTURED),
    "authorised": Case((said("payment_changed", "", payment="authorised"),), order=UNPAID),
    "paid-and-hold": Case(
        (said("payment_changed", "", payment="paid"), FRAUD),
        {"fraud": ""},
        held=("fraud",),
        order=UNPAID,
        deeds=UNCAPTURED,
    ),
    "retry": Case(
        (said("retry", "retry"),), {"retry": "nothing to retry: no outside system has refused"}
    ),
    "return": Case(
        (said("request_return", "back", return_id="early", lines=[LINE]),),
        {"back": "too_early: the order has not arrived yet"},
    ),
}
SEEN_BY_NOBODY = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_TASK_SCHEDULED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
}


@pytest.fixture(scope="module")
async def deserted() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own, since another's worker would be there from the start."""
    environment = await WorkflowEnvironment.start_local(
        data_converter=pydantic_data_converter,
        search_attributes=search_attribute_keys(),
        dev_server_existing_path=temporal_binary(),
        dev_server_startup_timeout=STARTS_WITHIN,
        dev_server_extra_args=SERVER_ARGS,
    )
    async with environment:
        yield environment


@pytest.fixture(scope="module")
async def lives(
    deserted: WorkflowEnvironment, _brief_logs: None, request: pytest.FixtureRequest
) -> AsyncIterator[Mapping[str, Life]]:
    """One life a case, each started and told everything before the worker comes."""
    worlds = Worlds()
    started = {name: await _started(deserted, worlds, name) for name in CASES}
    async with (
        living(deserted, request.config.getoption("--workflow-cache"), worlds),
        AsyncExitStack() as ending,
    ):
        for life in started.values():
            ending.push_async_callback(life.end)
        yield started


async def _started(env: WorkflowEnvironment, worlds: Worlds, name: str) -> Life:
    case, world = CASES[name], World()
    order = an_order(f"before-{name}", **case.order)
    for version in (2, 3):
        world.addresses[order.order_id, version] = OTHER_ADDRESS
    first = {}
    if case.with_start is not None:
        signal, fields = case.with_start
        first = {"start_signal": signal, "start_signal_args": [fields]}
    life = await start_life(env, worlds)(order, world=world, **first)
    for signal, fields in case.said:
        await (life.tell(signal, **fields) if signal else life.handle.cancel())
    events = (await life.handle.fetch_history()).events
    assert {event.event_type for event in events} <= SEEN_BY_NOBODY
    return life


@pytest.mark.parametrize("name", CASES)
async def test_what_is_said_before_the_first_task(lives: Mapping[str, Life], name: str) -> None:
    case, life = CASES[name], lives[name]
    if case.held:
        await _see_held(life, case.held)
    await (see_cancelled(life) if case.status == "cancelled" else see_delivered(life))
    assert life.world.last(life.id).status == case.status
    assert tuple(step for step, _ in life.world.deeds) == case.deeds
    assert life.world.last(life.id).address_version == case.address_version
    released = {f"release-{hold_id}": "" for hold_id in case.held}
    assert life.world.settled(life.id) == {**case.settled, **released}
    told = [
        (line.code, line.command_id)
        for record in life.world.records[life.id]
        for line in record.journal
        if line.command_id
    ]
    assert len(told) == len(set(told)), "a command is told once"
    waits = {record.wait.what for record in life.world.records[life.id] if record.wait}
    assert {what for what in waits if what.startswith("hold:")} == {f"hold:{h}" for h in case.held}


async def _see_held(life: Life, held: tuple[str, ...]) -> None:
    """It stops before its first irreversible step, for exactly these holds."""
    stopped = await life.until(
        lambda now: now.wait is not None and now.wait.what.startswith("hold:")
    )
    assert tuple(hold.hold_id for hold in stopped.holds) == held
    assert tuple(step for step, _ in life.world.deeds) == ("validate", "reserve")
    for hold_id in held:
        await life.tell("release", command_id=f"release-{hold_id}", hold_id=hold_id)
