"""What the starter's parts share; made once by `starter.__main__`, or by a test."""

import asyncio
from dataclasses import dataclass, field

from fastapi import Request

from config.inbound import Senders
from config.settings import Settings
from config.wiring import Wiring
from starter.signalling import Workflows


@dataclass(frozen=True)
class Composition:
    """`awake` tells this process's relay that the inbox holds something new."""

    settings: Settings
    wired: Wiring
    workflows: Workflows
    senders: Senders
    awake: asyncio.Event = field(default_factory=asyncio.Event)


def composition_of(request: Request) -> Composition:
    """The composition that the app of this request was made with."""
    made = request.app.state.composition
    assert isinstance(made, Composition)  # noqa: S101 - create_app put it there
    return made
