"""What people say through the API: under one key, until they are answered."""

import secrets
from http import HTTPStatus
from typing import Any

import httpx

from tests.crash.world import World, patiently


def say(world: World, path: str, body: Any = None, method: str = "POST") -> Any:
    """The answer; who is not answered, or hears of an outage, says the same again."""
    key = secrets.token_hex(8)

    def heard() -> httpx.Response | None:
        try:
            answer = world.api(method, path, body, key)
        except httpx.TransportError:
            return None
        unavailable = answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE
        return None if unavailable or "in_progress" in answer.text else answer

    answer = patiently(heard)
    assert answer.is_success, (path, answer.text)
    return answer.json()
