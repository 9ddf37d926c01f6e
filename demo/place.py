"""Where the demo plays: the addresses and keys that `make demo` hands it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

POLICY = {
    "return window": ("OMS_POLICY__RETURN_WINDOW_S", "30 days"),
    "longest pause between tries": ("OMS_POLICY__RETRY_CAP_S", "300 s"),
    "scans every": ("SIMULATORS_SCAN_S", "1 s"),
}
"""What compresses time, the variable that says so, and what holds without it."""


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
    compressed: Mapping[str, str]

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
            compressed={
                what: f"{environment[name]} s" if name in environment else usual
                for what, (name, usual) in POLICY.items()
            },
        )
