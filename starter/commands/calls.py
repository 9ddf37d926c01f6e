"""Calls the API for the command line; what the API refuses is said in words, with exit status 1."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import quote

import httpx
import typer
from rich.console import Console

from config.settings import Settings, SettingsInvalid, load_settings

CALL_S = 30.0
LONG_S = 600.0
"""A file of many rows takes its time, and so does a search over hundreds of orders."""
KEY_FILE = "api-key"
"""Beside the local stack's data."""
ACCEPTED = 202
LONGEST_NUMBER = 18
"""Digits: any more of them count nothing that there is."""
PAGE = 500

AsJson = Annotated[bool, typer.Option("--json", help="As the API answers it.")]


def settings() -> Settings:
    try:
        return load_settings()
    except SettingsInvalid as error:
        fail(str(error), 2)


def fail(said: str, status: int = 1) -> NoReturn:
    sys.stderr.write(f"{said}\n")
    raise typer.Exit(status)


def part(identity: str) -> str:
    """An id as a part of a path: it may hold percent signs of its own, or be nothing but dots."""
    quoted = quote(identity, safe="")
    return quoted.replace(".", "%2E") if quoted in (".", "..") else quoted


def quantity_of(sku: str, said: str) -> int:
    """A whole number from 0. Ends the program where it is none."""
    if not (said.isascii() and said.isdecimal() and len(said) <= LONGEST_NUMBER):
        fail(f"{sku}={said[:LONGEST_NUMBER]}: is no whole number", 2)
    return int(said)


def json_in(file: Path) -> Any:
    """What a file, or standard input (`-`), says. Ends the program where it is no JSON."""
    try:
        return json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
    except ValueError as error:
        fail(f"{file}: is not JSON: {error}", 2)
    except RecursionError:
        fail(f"{file}: is nested too deeply", 2)


def call(
    method: str,
    path: str,
    body: Any = None,
    *,
    params: dict[str, Any] | None = None,
    key: str = "",
    content: bytes | None = None,
    limit_s: float | None = None,
) -> Any:
    """The answer's JSON. `key` is the Idempotency-Key. Ends the program where there is none."""
    try:
        answer = send(method, path, body, params=params, key=key, content=content, limit_s=limit_s)
    except ValueError as error:
        fail(unsayable(error), 2)
    if answer.is_success:
        if answer.status_code == ACCEPTED:
            where = answer.headers["location"]
            sys.stderr.write(f"heard, but not effective yet; ask again: oms command {where}\n")
        return answer.json() if answer.content else None
    fail(refusal(answer))


def send(
    method: str,
    path: str,
    body: Any = None,
    *,
    params: dict[str, Any] | None = None,
    key: str = "",
    content: bytes | None = None,
    limit_s: float | None = None,
) -> httpx.Response:
    """The answer, whatever it is. `content` is a CSV file, in place of a body of JSON.

    `limit_s` is how long is waited for it where that is not as ever.

    Raises:
        ValueError: the body has no bytes; `unsayable` says why.
    """
    told = settings()
    limit_s = limit_s or (CALL_S if content is None else LONG_S)
    headers = {"Authorization": f"Bearer {_api_key(told)}"}
    if key:
        headers["Idempotency-Key"] = key
    if content is not None:
        headers["Content-Type"] = "text/csv"
    wanted = {name: value for name, value in (params or {}).items() if value not in (None, [], "")}
    try:
        return httpx.request(
            method,
            f"{told.public_url}{path}",
            json=body,
            content=content,
            params=wanted,
            headers=headers,
            timeout=limit_s,
            trust_env=False,
        )
    except (httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError) as error:
        fail(
            f"{told.public_url} was asked and has not answered ({error}, {limit_s:g} s allowed): "
            "it may still be at it, and what it has done stands; look before you ask again"
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fail(f"no starter answers at {told.public_url}: {error}; OMS_PUBLIC_URL names it")


def unsayable(error: ValueError) -> str:
    """Why a body could not be written down."""
    if isinstance(error, UnicodeEncodeError):
        return "holds half a surrogate pair, which no text can"
    return "holds NaN or Infinity, which no JSON can"


def every(path: str, name: str, **asked: Any) -> list[Any]:
    """All entries of a list, page after page; `name` is what a page calls them."""
    found: list[Any] = []
    cursor = ""
    while cursor is not None:
        page = call("GET", path, params={**asked, "limit": PAGE, "cursor": cursor})
        found += page[name]
        cursor = page["next"]
    return found


def print_json(answer: Any) -> None:
    Console(soft_wrap=True).print_json(json.dumps(answer))


def refusal(answer: httpx.Response) -> str:
    """A problem document in words, each thing once: where fields are named, they say it all."""
    try:
        problem = answer.json()
        errors = [f"  {e['field']}: {e['message']}" for e in problem.get("errors", [])]
        code, detail = problem["code"], problem["detail"]
        said = f"{answer.status_code} {code}"
        return "\n".join([said, *errors] if errors else [f"{said}: {_unprefixed(detail, code)}"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{answer.status_code}: {answer.text[:200]}"


def _unprefixed(detail: str, code: str) -> str:
    return detail.removeprefix(f"{code}: ")


def _api_key(told: Settings) -> str:
    kept = told.state_dir / KEY_FILE
    if told.api_key is not None:
        key = told.api_key.get_secret_value()
    elif kept.exists():
        key = kept.read_text().strip()
    else:
        fail("OMS_API_KEY is not set; make a key with: oms key create NAME", 2)
    if not (key.isascii() and key.isprintable()):
        fail("OMS_API_KEY: is no key: keys are plain letters and digits", 2)
    return key
