"""One outside system over HTTP: each call has a deadline, each failure becomes one of our two.

- No connection, 408, 425, 429: `Unavailable`, and surely not done.
- No answer in time, cut off, 5xx, or an answer that cannot be read: `Unavailable`, and its fate is
  unknown if the call changes something.
- 3xx and other 4xx: `Refused`, with the system's own short code.
"""

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn

import httpx

from adapters.strict_json import strict_json
from domain.errors import Refused, Unavailable

ANSWER_LIMIT_BYTES = 16 * 1024 * 1024
RETRY_AFTER_LIMIT_S = 3_600.0
DETAIL_LIMIT = 2_000
CONNECTIONS_MAX = 32
"""For each system, so that a slow one takes no connection from another."""

_TOO_MANY = 429
_SERVER_FAILED = 500
_SURELY_NOT_DONE = frozenset({408, 425, _TOO_MANY})
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Answer:
    """What the system said; `content` is the parsed JSON, None for an empty body."""

    status: int
    content: object
    headers: httpx.Headers


Explain = Callable[[object], tuple[str, str]]
"""Finds a refusal's short code and the vendor's own words in the parsed body; "" where none is."""


class OutsideHttp:
    """A system at `base_url`; `call_s` is the deadline of each call, from start to last byte.

    `explain` reads the vendor's refusals. Paths are relative ("shipments/shp_1"); what is put
    into one must be percent-encoded by the caller.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        *,
        call_s: float,
        explain: Explain,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.system = system
        self.call_s = call_s
        self._explain = explain
        self._client = httpx.AsyncClient(
            base_url=base_url,
            auth=auth,
            headers=headers,
            timeout=call_s,
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            # A proxy from the environment cannot reach what runs on this machine.
            trust_env=httpx.URL(base_url).host not in _LOOPBACK,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def send(
        self,
        method: str,
        path: str,
        *,
        json: object = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        changes: bool | None = None,
        until: float | None = None,
        also: frozenset[int] = frozenset(),
    ) -> Answer:
        """Call once and read the answer.

        `changes` says whether the call may change something (unless told: anything but GET).
        `until` is a time of the running loop's clock that no call of this deed may outlive; past
        it nothing is sent. Statuses in `also` are answers like 2xx.

        Raises:
            Unavailable, Refused: as the module says.
        """
        changes = method != "GET" if changes is None else changes
        now = asyncio.get_running_loop().time()
        ends = now + self.call_s if until is None else min(now + self.call_s, until)
        if ends <= now:
            raise Unavailable(self.system, "too_late")
        request = self._client.build_request(
            method, path, json=json, params=params, headers=headers
        )
        try:
            async with asyncio.timeout_at(ends):
                response, body = await self._exchange(request)
        except _NEVER_SENT as error:
            raise Unavailable(self.system, "no_connection", repr(error)) from error
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unavailable(self.system, "timeout", fate_unknown=changes) from error
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise Unavailable(self.system, "cut_off", repr(error), fate_unknown=changes) from error
        return self._judge(response, body, changes=changes, also=also)

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes | None]:
        """Send and read; None for a body over the limit."""
        response = await self._client.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > ANSWER_LIMIT_BYTES:
                    return response, None
        finally:
            await response.aclose()
        return response, bytes(body)

    def _judge(
        self, response: httpx.Response, body: bytes | None, *, changes: bool, also: frozenset[int]
    ) -> Answer:
        status = response.status_code
        content, readable = _read(body)
        if not (response.is_success or status in also):
            self._fail(response, content, body, changes=changes)
        if not readable:
            raise Unavailable(self.system, "unreadable_answer", fate_unknown=changes)
        return Answer(status=status, content=content, headers=response.headers)

    def _fail(
        self, response: httpx.Response, content: object, body: bytes | None, *, changes: bool
    ) -> NoReturn:
        status = response.status_code
        vendor_code, words = self._explain(content)
        detail = (words or (body or b"").decode(errors="replace"))[:DETAIL_LIMIT]
        if status in _SURELY_NOT_DONE or status >= _SERVER_FAILED:
            raise Unavailable(
                self.system,
                "rate_limited" if status == _TOO_MANY else f"http_{status}",
                detail,
                retry_after_s=retry_after_s(response.headers),
                fate_unknown=changes and status not in _SURELY_NOT_DONE,
            )
        raise Refused(self.system, short_code(vendor_code) or f"http_{status}", detail)


def short_code(text: str) -> str:
    """`text` as a code that may enter a workflow's history, or "" if it does not look like one."""
    code = text.strip().lower().replace("-", "_")
    return code if _CODE.fullmatch(code) else ""


def retry_after_s(headers: httpx.Headers) -> float | None:
    """RFC 9110's Retry-After in seconds (or a date, by the sender's own clock), at most an hour.

    What cannot be read asks for nothing.
    """
    text = (headers.get("retry-after") or headers.get("x-retry-after") or "").strip()
    asked = _seconds(text)
    if asked is None:
        at = _http_date(text)
        if at is None:
            return None
        asked = (at - (_http_date(headers.get("date", "")) or datetime.now(UTC))).total_seconds()
    return min(max(asked, 0.0), RETRY_AFTER_LIMIT_S)


def _seconds(text: str) -> float | None:
    try:
        asked = float(text)
    except ValueError:
        return None
    return asked if math.isfinite(asked) else None


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _read(body: bytes | None) -> tuple[object, bool]:
    """The parsed body, and whether it could be read at all."""
    if body is None:
        return None, False
    if not body.strip():
        return None, True
    try:
        return strict_json(body), True
    except ValueError:
        return None, False
