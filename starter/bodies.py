"""Reads a request's body as bytes, and not one more than is allowed."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message

from starter.problems import Refusal, invalid_field

SMALL_BYTES = 64 * 1024
"""Above it, parsing leaves the event loop: it may take more than 5 ms."""
JSON_MAX_BYTES = 256 * 1024
"""Far more than any verb, return or change of stock needs."""
_MAYBE_HALF = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]|\0")
"""Half a surrogate pair, escaped or as it is; with NUL, the body is in another encoding."""


class LimitedRoute(APIRoute):
    """Parses no larger body: FastAPI reads one whole, before it asks who calls.

    Nor one whose texts neither PostgreSQL nor an answer can hold, in whatever field.
    """

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            body = await limited_body(request, JSON_MAX_BYTES)
            if await _holds_half_a_character(body):
                raise invalid_field("body", "unprintable", "holds half a surrogate pair")

            async def again() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            return await handle(Request(request.scope, again))

        return limited


async def limited_body(request: Request, limit_bytes: int) -> bytes:
    """Read the raw body; what exceeds `limit_bytes` is not read to its end.

    Raises:
        Refusal: 413, by the announced length or by what came; 400 if the sender broke off.
    """
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit_bytes:
        raise _too_large(limit_bytes)
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit_bytes:
                raise _too_large(limit_bytes)
    except ClientDisconnect:
        raise Refusal(400, "incomplete", "The body broke off.") from None
    return bytes(body)


async def _holds_half_a_character(body: bytes) -> bool:
    """Whether what parses as JSON holds half a surrogate pair; FastAPI refuses what does not."""
    if not _MAYBE_HALF.search(body):
        return False
    if len(body) <= SMALL_BYTES:
        return _half(body)
    return await asyncio.to_thread(_half, body)


def _half(body: bytes) -> bool:
    try:
        json.dumps(json.loads(body), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    except (ValueError, RecursionError):
        return False
    return False


def _too_large(limit_bytes: int) -> Refusal:
    # The rest is never read, so the connection is of no more use.
    return Refusal(
        413,
        "too_large",
        f"The body has more than {limit_bytes} bytes.",
        headers={"Connection": "close"},
    )
