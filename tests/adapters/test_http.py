"""What an outside system does on the wire becomes one of two errors, with its fate."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from adapters.http import OutsideHttp, retry_after_s, short_code
from domain.errors import Refused, Unavailable
from tests.adapters.conftest import CALL_S
from tests.passing_time import Clock
from tests.simulators.simulator_process import until

JSON = b"content-type: application/json\r\n"


@dataclass
class Wire:
    """Answers each connection with `says`, then closes it; `hold`: only when the caller is gone."""

    says: bytes = b""
    hold: bool = False
    url: str = ""
    heard: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.says)
        if self.hold:
            await reader.read()
        writer.close()


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/there"
    async with server:
        yield wire


def explain(content: object) -> tuple[str, str]:
    return (
        (content.get("code", ""), content.get("words", ""))
        if isinstance(content, dict)
        else ("", "")
    )


@pytest.fixture
async def http(wire: Wire) -> AsyncIterator[OutsideHttp]:
    http = OutsideHttp("far", wire.url, call_s=CALL_S, explain=explain, auth=("key", ""))
    yield http
    await http.aclose()


def answer(status: str, body: bytes = b"{}", headers: bytes = b"") -> bytes:
    length = f"content-length: {len(body)}\r\n".encode()
    return b"HTTP/1.1 " + status.encode() + b"\r\n" + JSON + length + headers + b"\r\n" + body


async def failure(
    http: OutsideHttp, method: str = "POST", until: float | None = None
) -> Unavailable | Refused:
    with pytest.raises((Unavailable, Refused)) as caught:
        await http.send(method, "deed", until=until)
    error = caught.value
    assert isinstance(error, Unavailable | Refused)
    return error


async def test_an_answer_is_parsed_and_the_path_is_below_the_base(
    wire: Wire, http: OutsideHttp
) -> None:
    wire.says = answer("201 Created", b'{"id": "1"}')
    got = await http.send("POST", "v1/deeds", json={"a": 1}, params={"q": "a/b"})
    assert (got.status, got.content) == (201, {"id": "1"})
    (heard,) = wire.heard
    assert heard.startswith(b"POST /there/v1/deeds?q=a%2Fb HTTP/1.1\r\n")
    assert b"Authorization: Basic a2V5Og==" in heard


async def test_an_empty_answer_is_none(wire: Wire, http: OutsideHttp) -> None:
    wire.says = answer("204 No Content", b"")
    assert (await http.send("DELETE", "deed")).content is None


@pytest.mark.parametrize("status", ["500 Oh", "502 Bad Gateway", "503 Busy"])
async def test_a_server_that_failed_may_have_done_it(
    wire: Wire, http: OutsideHttp, status: str
) -> None:
    wire.says = answer(status, b"<html>", b"retry-after: 9\r\n")
    error = await failure(http)
    assert isinstance(error, Unavailable)
    assert (error.code, error.detail) == (f"http_{status[:3]}", "<html>")
    assert (error.fate_unknown, error.retry_after_s) == (True, 9)
    asked = await failure(http, "GET")
    assert isinstance(asked, Unavailable)
    assert not asked.fate_unknown


@pytest.mark.parametrize(
    ("status", "code"),
    [("408 Slow", "http_408"), ("425 Early", "http_425"), ("429 Many", "rate_limited")],
)
async def test_what_was_turned_away_surely_was_not_done(
    wire: Wire, http: OutsideHttp, status: str, code: str
) -> None:
    wire.says = answer(status, headers=b"retry-after: 30\r\n")
    error = await failure(http)
    assert isinstance(error, Unavailable)
    assert (error.code, error.fate_unknown, error.retry_after_s) == (code, False, 30)


@pytest.mark.parametrize("status", ["302 Found", "400 Bad", "401 Who", "404 Where", "422 No"])
async def test_everything_else_is_a_refusal(wire: Wire, http: OutsideHttp, status: str) -> None:
    wire.says = answer(status)
    error = await failure(http)
    assert isinstance(error, Refused)
    assert error.code == f"http_{status[:3]}"


async def test_a_refusal_has_the_systems_code_and_its_words_apart(
    wire: Wire, http: OutsideHttp
) -> None:
    wire.says = answer("422 No", b'{"code": "NO-SUCH.THING", "words": "Erika is not in"}')
    error = await failure(http)
    assert str(error) == "far: no_such.thing"
    assert error.detail == "Erika is not in"


async def test_a_status_that_was_expected_is_an_answer(wire: Wire, http: OutsideHttp) -> None:
    wire.says = answer("404 Where", b'{"code": "gone"}')
    got = await http.send("GET", "deed", also=frozenset({404}))
    assert (got.status, got.content) == (404, {"code": "gone"})


@pytest.mark.parametrize(
    "says",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{",
        b"SSH-2.0-nobody\r\n",
        answer("200 OK", b"xyz", b"content-encoding: gzip\r\n"),
    ],
)
async def test_an_answer_that_is_cut_off_leaves_the_fate_unknown(
    wire: Wire, http: OutsideHttp, says: bytes
) -> None:
    wire.says = says
    error = await failure(http)
    assert isinstance(error, Unavailable)
    assert (error.code, error.fate_unknown) == ("cut_off", True)


@pytest.mark.parametrize("body", [b"<html>", b'{"a": NaN}', b'{"a": 1, "a": 2}', b"\xff"])
async def test_a_done_that_cannot_be_read_leaves_the_fate_unknown(
    wire: Wire, http: OutsideHttp, body: bytes
) -> None:
    wire.says = answer("200 OK", body)
    error = await failure(http)
    assert isinstance(error, Unavailable)
    assert (error.code, error.fate_unknown) == ("unreadable_answer", True)


async def test_an_answer_without_end_is_not_read_to_its_end(
    wire: Wire, http: OutsideHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.http.ANSWER_LIMIT_BYTES", 1_000)
    wire.says = b"HTTP/1.1 200 OK\r\n" + JSON + b"\r\n" + b" " * 2_000
    wire.hold = True
    error = await failure(http)
    assert error.code == "unreadable_answer"


async def test_a_call_ends_at_its_deadline_however_slowly_the_answer_drips(
    wire: Wire, http: OutsideHttp, clock: Clock
) -> None:
    wire.says = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"
    wire.hold = True
    http._client.timeout = httpx.Timeout(None)  # it starts again with each byte
    failing = asyncio.ensure_future(failure(http))
    await until(lambda: wire.heard)
    clock.forward(CALL_S)
    error = await failing
    assert isinstance(error, Unavailable)
    assert (error.code, error.fate_unknown) == ("timeout", True)


async def test_no_call_outlives_its_deed(wire: Wire, http: OutsideHttp, clock: Clock) -> None:
    wire.hold = True
    now = asyncio.get_running_loop().time()
    failing = asyncio.ensure_future(failure(http, until=now + CALL_S / 2))
    await until(lambda: wire.heard)
    clock.forward(CALL_S / 2)
    error = await failing
    assert error.code == "timeout"
    late = await failure(http, until=now)
    assert isinstance(late, Unavailable)
    assert (late.code, late.fate_unknown) == ("too_late", False)
    assert len(wire.heard) == 1


async def test_a_system_that_is_not_there_has_done_nothing(unused_tcp_port: int) -> None:
    http = OutsideHttp("far", f"http://127.0.0.1:{unused_tcp_port}", call_s=CALL_S, explain=explain)
    error = await failure(http)
    assert isinstance(error, Unavailable)
    assert (error.code, error.fate_unknown) == ("no_connection", False)
    await http.aclose()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"x-retry-after": "12"}, 12),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "999999999"}, 3_600),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        (
            {
                "retry-after": "Sun, 01 Mar 2026 10:00:30 GMT",
                "date": "Sun, 01 Mar 2026 10:00:00 GMT",
            },
            30,
        ),
        ({"retry-after": "Sun, 01 Mar 2020 10:00:00 GMT"}, 0),
        ({"retry-after": "Sun, 01 Mar 2099 10:00:00 GMT"}, 3_600),
        ({"retry-after": "Sun, 99 Mar 2099 10:00:00 GMT"}, None),
        ({"retry-after": "Sun, 01 Mar 99999999999999999999 10:00:00 GMT"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after_s(httpx.Headers(headers)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SHIPMENT.POSTAGE.FAILURE", "shipment.postage.failure"),
        ("reference-reused", "reference_reused"),
        ("Erika Mustermann", ""),
        ("49 89 123", ""),
        ("x" * 65, ""),
        ("", ""),
    ],
)
def test_only_what_looks_like_a_code_is_one(text: str, expected: str) -> None:
    assert short_code(text) == expected
