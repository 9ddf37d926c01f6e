"""The local PostgreSQL survives what happens to processes."""

from contextlib import suppress

import psutil
import psycopg
import pytest

from starter.local.ports import PortTaken
from starter.local.postgres import PostgresServer
from starter.local.processes import StartFailed, Supervisor

DEADLINE_S = 200


@pytest.fixture
def server(make_folder, free_port):
    return PostgresServer(make_folder(), free_port(), durable=True)


@pytest.fixture
def supervisor(make_folder):
    supervisor = Supervisor(make_folder())
    yield supervisor
    supervisor.stop_all()


def _write(server: PostgresServer, value: int) -> None:
    with psycopg.connect(server.conninfo()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def _read(server: PostgresServer) -> list[int]:
    with psycopg.connect(server.conninfo()) as connection:
        return [value for (value,) in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_what_was_committed_is_there_after_kill_9_with_clients_connected(server, supervisor):
    child = supervisor.start(server.spec())
    _write(server, 1)
    clients = [psycopg.connect(server.conninfo()) for _ in range(5)]
    child.kill()
    supervisor.restart(child)
    assert _read(server) == [1]
    for client in clients:
        client.close()


def test_what_outlives_a_killed_server_is_ended_before_the_next(server, supervisor):
    child = supervisor.start(server.spec())
    _write(server, 1)
    for helper in psutil.Process(child.pid).children():
        with suppress(psutil.NoSuchProcess):  # the writer's own backend ends just now
            helper.suspend()  # else it notices the death by itself
    child.kill()
    supervisor.restart(child)
    assert _read(server) == [1]


def test_a_server_left_behind_by_a_killed_supervisor_is_taken_over(server, supervisor, make_folder):
    earlier = Supervisor(make_folder(), tethered=False)
    left_behind = earlier.start(server.spec())
    _write(server, 1)
    supervisor.start(server.spec())
    assert left_behind._popen.wait(DEADLINE_S) == 0, "it was shut down in order"
    assert _read(server) == [1]


def test_a_half_made_data_folder_is_made_anew(server, supervisor):
    unfinished = server.data.with_suffix(".new")
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    supervisor.start(server.spec())
    _write(server, 1)
    assert _read(server) == [1]


def test_commits_are_on_disk_when_they_answer(server, supervisor):
    supervisor.start(server.spec())
    with psycopg.connect(server.conninfo()) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("fsync", "synchronous_commit", "max_connections", "listen_addresses")
        ]
    assert shown == ["on", "on", "200", "127.0.0.1"]


def test_it_stops_at_once_although_a_client_is_connected(server, supervisor):
    child = supervisor.start(server.spec())
    with psycopg.connect(server.conninfo()):
        child.stop()
    assert child.exit_code == 0


def test_ensure_database_is_done_once(server, supervisor):
    supervisor.start(server.spec())
    server.ensure_database("shop")
    server.ensure_database("shop")
    with psycopg.connect(server.conninfo("shop")) as connection:
        assert connection.info.dbname == "shop"


def test_a_taken_port_is_named_with_the_variable_that_moves_it(server, supervisor, listening):
    server.port = listening
    with pytest.raises(PortTaken) as caught:
        supervisor.start(server.spec())
    assert str(caught.value) == (
        f"port {listening} on 127.0.0.1 is taken, and postgres needs it: stop what listens there, "
        "or set OMS_POSTGRES_PORT to another port"
    )


def test_a_data_folder_that_is_broken_fails_with_the_servers_own_words(server, supervisor):
    supervisor.start(server.spec()).stop()
    (server.data / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartFailed, match=r"postgres ended with code 1(.|\n)*version 9"):
        supervisor.start(server.spec())
