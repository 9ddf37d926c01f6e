"""The local Temporal knows our search attributes and keeps what it was told through kill -9."""

from datetime import timedelta

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from config.settings import Settings
from config.temporal import (
    SearchAttributesMissing,
    check_search_attributes,
    connect,
)
from starter.local.processes import Supervisor
from starter.local.temporal import TemporalServer, temporal_binary
from tests.folders import STARTS_WITHIN
from worker.__main__ import AWAY


@pytest.fixture
def server(make_folder, free_port):
    return TemporalServer(make_folder(), free_port(), free_port())


@pytest.fixture
def supervisor(make_folder):
    supervisor = Supervisor(make_folder())
    yield supervisor
    supervisor.stop_all()


async def test_a_workflow_that_was_started_is_there_after_kill_9(server, supervisor):
    child = supervisor.start(server.spec())
    client = await Client.connect(server.address)
    await client.start_workflow("Nobody", id="kept", task_queue="nobody-polls")
    child.kill()
    supervisor.start(server.spec())
    client = await Client.connect(server.address)
    description = await client.get_workflow_handle("kept").describe()
    assert description.workflow_type == "Nobody"


async def test_our_search_attributes_are_registered(server, supervisor):
    supervisor.start(server.spec())
    await _checked(await Client.connect(server.address))


async def test_the_connection_follows_the_settings(server, supervisor, monkeypatch):
    monkeypatch.setenv("OMS_TEMPORAL_PORT", str(server.port))
    supervisor.start(server.spec())
    client = await connect(Settings())
    assert client.service_client.config.target_host == server.address
    assert client.namespace == "default"


async def test_temporals_own_variables_win(server, supervisor, monkeypatch):
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "default")
    supervisor.start(server.spec())
    client = await connect(Settings())
    assert client.service_client.config.target_host == server.address


async def test_what_is_missing_is_named_with_the_command_that_registers_it():
    plain = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(), dev_server_startup_timeout=STARTS_WITHIN
    )
    async with plain:
        with pytest.raises(SearchAttributesMissing) as caught:
            await _checked(plain.client)
    assert str(caught.value) == (
        "Temporal's namespace default lacks the search attributes "
        "OrderStatus, Channel, WaitingOn, DestinationCountry, HoldReasons; register them with: "
        "temporal operator search-attribute create --namespace default "
        "--name OrderStatus --type Keyword --name Channel --type Keyword "
        "--name WaitingOn --type Keyword --name DestinationCountry --type Keyword "
        "--name HoldReasons --type KeywordList"
    )


@workflow.defn(sandboxed=False)
class Waits:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(days=30))


async def _checked(client: Client) -> None:
    """A connection to a server that has just begun may break under its first call."""
    try:
        await check_search_attributes(client)
    except RPCError as error:
        if error.status not in AWAY:
            raise
        await check_search_attributes(client)


async def test_thirty_days_pass_when_they_are_moved_and_not_before(skipping_env):
    client = skipping_env.client
    await _checked(client)
    async with Worker(client, task_queue="waits", workflows=[Waits]):
        handle = await client.start_workflow(Waits.run, id="waits", task_queue="waits")
        await skipping_env.fast_forward(handle, timedelta(days=29))
        assert (await handle.describe()).close_time is None
        await skipping_env.fast_forward(handle, timedelta(days=2))
        await handle.result()
