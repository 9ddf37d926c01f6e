"""The crash matrix kills a worker at each activity there is, before and after its effect."""

from dataclasses import fields
from inspect import getmembers, isfunction
from typing import Any, cast

import pytest
from temporalio import activity
from temporalio.client import Client

from config.settings import Settings
from tests.crash import test_matrix as matrix
from tests.crash.deeds import Deed
from worker.workers import Ports, build

AROUND = ("before", "after")


@pytest.fixture(scope="module")
async def registered(temporal_client: Client) -> set[str]:
    """The names, in Temporal, of all that the workers can do."""
    # a client of their own: they hold its queues, and never run
    client = await Client.connect(temporal_client.service_client.config.target_host)
    ports = Ports(*[cast("Any", None)] * len(fields(Ports)))
    workers = build(client, ports, Settings())
    return {
        activity._Definition.must_from_callable(method).name or ""
        for worker in workers
        for method in worker.config()["activities"]
    }


def _lived_through() -> set[Deed]:
    """The deeds that the matrix's rounds name; one at which nobody dies fails its round."""
    rounds = [test for name, test in getmembers(matrix, isfunction) if name.startswith("test_")]
    tables = [vars(matrix).get(name) for test in rounds for name in test.__code__.co_names]
    return {
        deed
        for table in tables
        if isinstance(table, tuple)
        for deed in table
        if isinstance(deed, Deed)
    }


async def test_a_worker_dies_before_and_after_the_effect_of_each_activity(
    registered: set[str],
) -> None:
    deaths = {(deed.activity, moment) for deed in _lived_through() for moment in deed.moments}
    spared = {(name, moment) for name in registered for moment in AROUND} - deaths
    assert not spared, f"no round of tests/crash/test_matrix.py kills there: {sorted(spared)}"


async def test_no_round_of_the_crash_matrix_waits_for_an_activity_that_is_gone(
    registered: set[str],
) -> None:
    assert {deed.activity for deed in _lived_through()} <= registered
