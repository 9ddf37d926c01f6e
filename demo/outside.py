"""Speaks to the product's API and to the simulators' control, over HTTP alone."""

from collections.abc import Mapping
from typing import Any

import httpx

from demo.place import Place

TIMEOUT_S = 30.0

Json = dict[str, Any]


class Refusal(Exception):
    """An error where the day needed a success; the text says whose and which."""


def _json(answer: httpx.Response) -> Any:
    if answer.is_success:
        return answer.json() if answer.content else None
    request = answer.request
    said = answer.text[:300]
    raise Refusal(f"{request.method} {request.url}: {answer.status_code} {said}")


class Api:
    """The product, as an operator's own programs see it."""

    def __init__(self, place: Place) -> None:
        self._client = httpx.AsyncClient(
            base_url=place.api_url,
            headers={"Authorization": f"Bearer {place.api_key}"},
            timeout=TIMEOUT_S,
            trust_env=False,
        )

    async def post(self, path: str, body: Json | None = None, *, key: str = "") -> httpx.Response:
        """The answer, also where it is a refusal."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._client.post(f"/api{path}", json=body or {}, headers=headers)

    async def posted(self, path: str, body: Json | None = None, *, key: str = "") -> Any:
        """The answer's JSON.

        Raises:
            Refusal: it is an error.
        """
        return _json(await self.post(path, body, key=key))

    async def get(self, path: str, **query: str) -> Any:
        return _json(await self._client.get(f"/api{path}", params=query))

    async def aclose(self) -> None:
        await self._client.aclose()


class Simulators:
    """The world around the product. See docs/simulators.md."""

    def __init__(self, place: Place) -> None:
        self._client = httpx.AsyncClient(
            base_url=place.simulators_url, timeout=TIMEOUT_S, trust_env=False
        )

    async def control(self, path: str, body: Mapping[str, Any]) -> Any:
        return _json(await self._client.post(f"/control/{path}", json=dict(body)))

    async def faults(self) -> list[Json]:
        return list(_json(await self._client.get("/control/faults"))["faults"])

    async def aclose(self) -> None:
        await self._client.aclose()
