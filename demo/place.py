"""Where the demo plays: the addresses and keys that `make demo` hands it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

RETURN_WINDOW = "OMS_POLICY__RETURN_WINDOW_S"
RETRY_CAP = "OMS_POLICY__RETRY_CAP_S"
SCAN = "SIMULATORS_SCAN_S"


class NotPlaced(Exception):
    """A variable is missing; the text names it."""


@dataclass(frozen=True)
class Place:
    """A running system and the simulators around it."""

    api_url: str
    api_key: str
    channel: str
    simulators_url: str
    journal_dir: Path
    temporal_ui_url: str
    database_url: str
    compressed: str
    """The order policy and the carrier's pace, which alone compress time, in words."""
    kept: bool
    """Whether everything stays up when the day is over."""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Place":
        """Read the environment.

        Raises:
            NotPlaced: names the variable that is missing.
        """

        def told(name: str) -> str:
            if value := environment.get(name, ""):
                return value
            raise NotPlaced(f"{name} is not set: the demo is started by `make demo`")

        return cls(
            api_url=told("DEMO_API_URL").rstrip("/"),
            api_key=told("DEMO_API_KEY"),
            channel=told("DEMO_CHANNEL"),
            simulators_url=told("DEMO_SIMULATORS_URL").rstrip("/"),
            journal_dir=Path(told("DEMO_SIMULATORS_JOURNAL_DIR")),
            temporal_ui_url=told("DEMO_TEMPORAL_UI_URL"),
            database_url=told("OMS_DATABASE_URL").replace("+psycopg", "", 1),
            compressed=(
                f"return window {environment.get(RETURN_WINDOW, 2_592_000)} s, "
                f"tries {environment.get(RETRY_CAP, 300)} s apart at most, "
                f"a scan each {environment.get(SCAN, 1)} s"
            ),
            kept=environment.get("KEEP", "") not in {"", "0"},
        )
