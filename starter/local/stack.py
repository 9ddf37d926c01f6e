"""The local stack as a whole: which processes, in which order, told what."""

import fcntl
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from config.settings import Settings
from config.temporal import temporal_is_elsewhere
from starter.local.ports import LOOPBACK, PortClaim
from starter.local.postgres import PostgresServer
from starter.local.processes import Child, Spec, Supervisor, http_ok, run_once
from starter.local.temporal import TemporalServer

DATABASE = "holdfast"
# The worker serves no address by default, so it says in its log that it polls.
WORKER_READY = "worker ready"
KEY_NAME = "local"
# What the installed script `oms` does, for where it is not on the PATH.
OMS = "from starter.cli import main; main()"


class StateUnusable(RuntimeError):
    """No folder is or can be made where the state is to be."""


class AlreadyUp(RuntimeError):
    """Another stack runs over the same state folder."""


class Stack:
    """Everything an order needs, on loopback, over one state folder.

    A PostgreSQL or Temporal that the environment names (`OMS_DATABASE_URL`, `TEMPORAL_ADDRESS`)
    is used as it is, and no local one is started in its place.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        extra_env: Mapping[str, str] | None = None,
        simulate: bool = True,
        durable: bool = True,
        tethered: bool = True,
    ) -> None:
        self.settings = settings
        self.state = settings.state_dir.resolve()
        try:
            self.state.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StateUnusable(f"OMS_STATE_DIR: {error}") from None
        self.supervisor = Supervisor(self.state, tethered=tethered)
        self.postgres = PostgresServer(self.state, settings.postgres_port, durable=durable)
        self.temporal = TemporalServer(
            self.state, settings.temporal_port, settings.temporal_ui_port
        )
        self._simulate = simulate
        self._extra_env = dict(extra_env or {})

    @property
    def database_url(self) -> str:
        if self.settings.database_is_elsewhere:
            return self.settings.database_url
        return self.postgres.url(DATABASE)

    @property
    def http_url(self) -> str:
        return f"http://{LOOPBACK}:{self.settings.http_port}"

    @property
    def simulators_url(self) -> str:
        return f"http://{LOOPBACK}:{self.settings.simulators_port}"

    def environment(self) -> dict[str, str]:
        """What each of our processes is told, besides what the stack's own environment says."""
        told = {
            "OMS_DATABASE_URL": self.database_url,
            "OMS_HTTP_PORT": str(self.settings.http_port),
            "OMS_SIMULATORS_PORT": str(self.settings.simulators_port),
            "OMS_STATE_DIR": str(self.state),
            "PYTHONUNBUFFERED": "1",
        }
        if not temporal_is_elsewhere():
            told["TEMPORAL_ADDRESS"] = self.temporal.address
        return told | self._extra_env

    @contextmanager
    def hold_state(self) -> Iterator[None]:
        """See that no other stack works on the same state; the lock dies with this process."""
        with (self.state / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyUp(f"another stack is up with its state in {self.state}") from None
            yield

    def start(self) -> Iterator[str]:
        """Bring everything up, and name each part once it is healthy."""
        yield from (f"ended a {name} left behind" for name in self.supervisor.end_leftovers())
        parts = self._parts()
        self.supervisor.require_ports(spec for spec, _ in parts)
        if self.settings.database_is_elsewhere:
            yield self._migrate()
        for spec, told in parts:
            self.supervisor.start(spec)
            yield told
            if spec.name == "postgres":
                self.postgres.ensure_database(DATABASE)
                yield self._migrate()

    def _parts(self) -> list[tuple[Spec, str]]:
        """The processes in the order of their start, each with what to say of it."""
        parts = []
        if not self.settings.database_is_elsewhere:
            parts.append((self.postgres.spec(), f"PostgreSQL on port {self.postgres.port}"))
        if not temporal_is_elsewhere():
            told = f"Temporal at {self.temporal.address}, its pages at {self.temporal.ui_url}"
            parts.append((self.temporal.spec(), told))
        if self._simulate:
            parts.append((self.simulators(), f"simulators at {self.simulators_url}"))
        parts.append((self.worker(), "worker"))
        parts.append((self.starter(), f"starter at {self.http_url}"))
        return parts

    def _migrate(self) -> str:
        self._run("migrations", "-m", "storage.migrate")
        return "database migrated"

    def stop(self) -> None:
        self.supervisor.stop_all()

    def simulators(self) -> Spec:
        return Spec(
            name="simulators",
            command=(sys.executable, "-m", "simulators"),
            env=self.environment() | self._simulators_environment(),
            ready=lambda _child: http_ok(f"{self.simulators_url}/healthz"),
            ports=(PortClaim(self.settings.simulators_port, "OMS_SIMULATORS_PORT"),),
        )

    def _simulators_environment(self) -> dict[str, str]:
        """Where the stand-ins send their webhooks, and the secrets that we hold them to."""
        webhooks = f"{self.http_url}/webhooks"
        told = {
            "PORT": str(self.settings.simulators_port),
            "STATE_DIR": str(self.state / "simulators"),
            "WAREHOUSE_WEBHOOK_BASE": f"{webhooks}/warehouses",
        }
        for channel_id, channel in self.settings.channels.items():
            told["SHOP_WEBHOOK_URL"] = f"{webhooks}/{channel_id}"
            told["SHOP_SECRET"] = channel.secrets[0].get_secret_value()
            told["SHOP_TOKEN"] = channel.token.get_secret_value()
        for carrier_id, carrier in self.settings.carriers.items():
            told["CARRIER_WEBHOOK_URL"] = f"{webhooks}/carriers/{carrier_id}"
            told["CARRIER_SECRET"] = carrier.secrets[0].get_secret_value()
            told["CARRIER_KEY"] = carrier.key.get_secret_value()
        for warehouse in self.settings.warehouses.values():
            told["WAREHOUSE_SECRET"] = warehouse.secrets[0].get_secret_value()
            told["WAREHOUSE_KEY"] = warehouse.key.get_secret_value()
        return {f"SIMULATORS_{name}": value for name, value in told.items()}

    def worker(self, name: str = "worker") -> Spec:
        return Spec(
            name=name,
            command=(sys.executable, "-m", "worker"),
            env=self.environment(),
            ready=_says_ready,
        )

    def starter(self) -> Spec:
        return Spec(
            name="starter",
            command=(sys.executable, "-m", "starter"),
            env=self.environment(),
            ready=lambda _child: http_ok(f"{self.http_url}/healthz"),
            ports=(PortClaim(self.settings.http_port, "OMS_HTTP_PORT"),),
        )

    def local_key(self) -> str:
        """The API key for local use: made on the first start, kept beside the data."""
        kept = self.state / "api-key"
        if not kept.exists():
            made = self._run("oms key create", "-c", OMS, "key", "create", KEY_NAME)
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(made.split()[-1] + "\n")
        return kept.read_text().strip()

    def _run(self, name: str, *arguments: str) -> str:
        return run_once(name, [sys.executable, *arguments], self.environment())


def _says_ready(child: Child) -> bool:
    return WORKER_READY in child.words()
