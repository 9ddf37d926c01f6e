"""Orders that begin on one release end on the next: a patched step, nobody pinned."""

import pytest
from temporalio import workflow
from temporalio.testing import WorkflowEnvironment

from domain.lifecycles import OrderStatus
from domain.tracking import Course
from tests.workflows.lives import Life
from tests.workflows.running import living, start_life
from tests.workflows.soundness import assert_sound
from tests.workflows.world import World, an_order
from workflows.gate import Gate
from workflows.strand import Strand
from workflows.till import Declined, Till


def release_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next release says before it takes money that it will."""
    capture = Till._capture

    async def announced(till: Till, strand: Strand, declined: Declined, gate: Gate | None) -> None:
        if workflow.patched("announce-capture"):
            strand._telling.note("will_capture")
        await capture(till, strand, declined, gate)

    monkeypatch.setattr(Till, "_capture", announced)


async def test_orders_begun_on_one_release_end_on_the_next(
    temporal_env: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One has the changed step before it, one behind it; each goes the way of its own time."""
    early, late = World(packing="later"), World()
    async with living(temporal_env) as worlds:
        start = start_life(temporal_env, worlds)
        before = await start(an_order("upgrade-before"), world=early)
        after = await start(an_order("upgrade-after"), world=late)
        await before.until_waiting("packing")
        await after.until_waiting("delivery")
    release_the_next(monkeypatch)
    async with living(temporal_env) as worlds:
        worlds.put(before.order, early)
        worlds.put(after.order, late)
        await before.packed()
        await before.until_waiting("delivery")
        await _delivered(before)
        await _delivered(after)
        assert "will_capture" in early.journal(before.id)
        assert "will_capture" not in late.journal(after.id)
        await before.end()
        await after.end()


async def _delivered(life: Life) -> None:
    await life.parcel(Course.DELIVERED)
    await life.until_status(OrderStatus.DELIVERED)
    await assert_sound(life)
