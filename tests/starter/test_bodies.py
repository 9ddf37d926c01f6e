"""What is read of a body before anything else: half characters, and where they are looked for."""

import json
import threading
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from httpx import ASGITransport, AsyncClient

from starter.bodies import JSON_MAX_BYTES, SMALL_BYTES, LimitedRoute
from starter.problems import Refusal

_JSON = {"Content-Type": "application/json"}
EMOJI, HALF = b"\\ud83d\\ude00", b"\\ud800"


@pytest.fixture
async def http() -> AsyncIterator[AsyncClient]:
    router = APIRouter(route_class=LimitedRoute)

    @router.post("/names")
    async def take(said: dict[str, Any]) -> dict[str, Any]:
        return said

    app = FastAPI()
    app.include_router(router)
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://names", headers=_JSON
    ) as client:
        yield client


@pytest.fixture
def parsed_in(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which bodies were parsed to look for half characters."""
    threads: list[threading.Thread] = []

    def loads(body: bytes) -> Any:
        threads.append(threading.current_thread())
        return json.loads(body)

    monkeypatch.setattr("starter.bodies.json", SimpleNamespace(loads=loads, dumps=json.dumps))
    return threads


def body_of(ending: bytes, many_bytes: int) -> bytes:
    frame = b'{"name": "%b"}'
    return frame % (b"x" * (many_bytes - len(frame % ending)) + ending)


@pytest.mark.parametrize(("many_bytes", "here"), [(SMALL_BYTES, True), (SMALL_BYTES + 1, False)])
async def test_a_large_body_with_an_emoji_is_not_parsed_on_the_event_loop(
    http: AsyncClient, parsed_in: list[threading.Thread], many_bytes: int, *, here: bool
) -> None:
    body = body_of(EMOJI, many_bytes)
    answer = await http.post("/names", content=body)
    assert (len(body), answer.json()) == (many_bytes, json.loads(body))
    assert [thread is threading.current_thread() for thread in parsed_in] == [here]


@pytest.mark.parametrize("many_bytes", [100, JSON_MAX_BYTES])
async def test_half_a_character_is_refused_in_a_body_of_any_size(
    http: AsyncClient, many_bytes: int
) -> None:
    with pytest.raises(Refusal) as caught:
        await http.post("/names", content=body_of(HALF, many_bytes))
    assert caught.value.status == 422
    answer = await http.post("/names", content=body_of(EMOJI, many_bytes))
    assert answer.status_code == 200
