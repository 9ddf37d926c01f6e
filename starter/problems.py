"""Says no in one form: problem documents (RFC 9457) that name the field and the reason."""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from domain.errors import Unavailable
from domain.problems import Problem

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = 5

_log = structlog.get_logger(__name__)


class Refusal(Exception):
    """What the caller asked for cannot be; `code` is stable, `detail` is for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        problems: Iterable[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.problems = tuple(problems)
        self.headers = dict(headers or {})


def invalid(problems: Sequence[Problem]) -> Refusal:
    """Input that will not do, field by field."""
    named = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
    return Refusal(422, "invalid", named, problems)


def invalid_field(field: str, reason: str, message: str) -> Refusal:
    return invalid([Problem(field=field, reason=reason, message=message)])


def not_found(what: str) -> Refusal:
    return Refusal(404, "not_found", f"There is no such {what}.")


def problems_of(error: ValidationError | RequestValidationError) -> list[Problem]:
    """What pydantic found, without the values: they may be personal or huge."""
    told = error.errors()
    return [
        Problem(field=_field(found["loc"]), reason=found["type"], message=_message(found))
        for found in told
        if not (found["type"] == "too_short" and _has_inner(found["loc"], told))
    ]


def _has_inner(place: Sequence[int | str], told: Sequence[Any]) -> bool:
    """Whether an item of the list is wrong: pydantic counts none of those and calls it short."""
    depth = len(place)
    return any(len(o["loc"]) > depth and o["loc"][:depth] == place for o in told)


def _field(place: Sequence[int | str]) -> str:
    parts = [str(part) for part in place]
    if len(parts) > 1 and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    return ".".join(parts) or "body"


def _message(found: Mapping[str, Any]) -> str:
    if found["type"] == "json_invalid":
        return "is not JSON"
    said = str(found["msg"]).removeprefix("Value error, ")
    return said if len(said) <= 200 else f"{said[:200]}…"  # noqa: PLR2004 - a sentence's length


def document(request: Request, refusal: Refusal) -> JSONResponse:
    body: dict[str, Any] = {
        "type": f"urn:holdfast:problem:{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.detail,
        "instance": request.url.path,
    }
    if refusal.problems:
        body["errors"] = [problem.model_dump() for problem in refusal.problems]
    return JSONResponse(body, refusal.status, refusal.headers, MEDIA_TYPE)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)  # noqa: S101 - FastAPI looks handlers up by this type
    return document(request, error)


async def _misread(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - likewise
    return document(request, invalid(problems_of(error)))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - likewise
    code = HTTPStatus(error.status_code).name.lower()
    detail = f"{request.method} {request.url.path}: {HTTPStatus(error.status_code).phrase}"
    return document(request, Refusal(error.status_code, code, detail, headers=error.headers))


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Unavailable)  # noqa: S101 - likewise
    _log.warning("unavailable", system=error.system, code=error.code, path=request.url.path)
    detail = f"{error.system} does not answer; nothing is known to have changed."
    wait = {"Retry-After": str(RETRY_AFTER_S)}
    return document(request, Refusal(503, "unavailable", detail, headers=wait))


async def _bug(request: Request, error: Exception) -> JSONResponse:
    _log.error("bug", path=request.url.path, exc_info=error)
    return document(request, Refusal(500, "bug", "This is our fault; it has been logged."))


def install(app: FastAPI) -> None:
    """Answer everything that goes wrong in the app with a problem document."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _misread)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(Exception, _bug)
