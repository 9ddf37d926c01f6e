"""Calls Shopify's GraphQL Admin API and makes each of its failures one of our two.

https://shopify.dev/docs/api/admin-graphql#status_and_error_codes
"""

import asyncio
from typing import Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from adapters.channels.shopify.pace import Pace
from adapters.http import OutsideHttp, retry_after_s, short_code
from domain.errors import Refused, Unavailable

SYSTEM = "shopify"
_THROTTLED = "THROTTLED"
_PASSING = frozenset(
    {
        "INTERNAL_SERVER_ERROR",
        "SERVICE_UNAVAILABLE",
        "TIMEOUT",
        "IDEMPOTENCY_CONCURRENT_REQUEST",
    }
)
PATIENCE_S = 10.0
"""A query of no deed waits so long for its turn."""

M = TypeVar("M", bound=BaseModel)


class Wire(BaseModel):
    """A part of an answer, in Shopify's camel case; what we did not ask about is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class UserError(Wire):
    """What a mutation says instead of doing its deed."""

    field: tuple[str, ...] | None = None
    message: str = ""
    code: str | None = None

    def short(self) -> str:
        """A code without personal data: Shopify's own, or the field's name."""
        named = [name for name in self.field or () if not name.isdigit()]
        by_field = f"invalid_{_snake(named[-1])}" if named else ""
        return short_code(self.code or "") or short_code(by_field) or "refused"


def _snake(text: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in text)


class Graphql:
    """One call, parsed into a model of its `data`."""

    def __init__(self, http: OutsideHttp) -> None:
        self._http = http
        self._pace = Pace()

    async def ask(self, query: str, model: type[M], *, until: float | None, **variables: Any) -> M:
        """Send a query, which changes nothing."""
        return await self._send(query, model, variables, until=until, changes=False)

    async def tell(self, mutation: str, model: type[M], *, until: float, **variables: Any) -> M:
        """Send a mutation; `Unavailable.fate_unknown` says whether it may have been done."""
        return await self._send(mutation, model, variables, until=until, changes=True)

    async def _send(
        self,
        query: str,
        model: type[M],
        variables: dict[str, Any],
        *,
        until: float | None,
        changes: bool,
    ) -> M:
        body = {"query": query, "variables": variables}
        patient_until = until or asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            wait_s = await self._pace.turn(changes=changes, until=patient_until)
            if wait_s:
                raise Unavailable(SYSTEM, "throttled", retry_after_s=wait_s)
            answer = await self._http.send(
                "POST", "graphql.json", json=body, changes=changes, until=until
            )
            content = answer.content if isinstance(answer.content, dict) else {}
            if not _is_throttled(content):
                break
            self._pace.throttled(_cost(content), retry_after_s(answer.headers))
        self._pace.answered(_cost(content))
        if content.get("errors") and not (changes and _has_run(content)):
            _fail(content, changes=changes)
        try:
            return model.model_validate(content.get("data"))
        except ValidationError as error:
            places = str([detail["loc"] for detail in error.errors(include_input=False)])
            raise Unavailable(SYSTEM, "unreadable_answer", places, fate_unknown=changes) from None


def _is_throttled(content: dict[str, Any]) -> bool:
    """Refused for its cost before it ran: it may be sent again, whatever it is."""
    errors = content.get("errors")
    return isinstance(errors, list) and _THROTTLED in map(_code, errors)


def _has_run(content: dict[str, Any]) -> bool:
    """Whether a mutation came to its payload: errors beside it are of parts that we asked to see.

    https://spec.graphql.org/October2021/#sec-Handling-Field-Errors
    """
    data = content.get("data")
    return isinstance(data, dict) and any(isinstance(part, dict) for part in data.values())


def _cost(content: dict[str, Any]) -> dict[str, Any]:
    extensions = content.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    return cost if isinstance(cost, dict) else {}


def _fail(content: dict[str, Any], *, changes: bool) -> NoReturn:
    errors = content["errors"]
    codes = [_code(error) for error in errors] if isinstance(errors, list) else [""]
    detail = str(errors)
    passing = next((code for code in codes if code in _PASSING), None)
    if passing:
        raise Unavailable(SYSTEM, short_code(passing), detail, fate_unknown=changes)
    raise Refused(SYSTEM, short_code(_snake_code(codes[0])) or "graphql_error", detail)


def _code(error: object) -> str:
    extensions = error.get("extensions") if isinstance(error, dict) else None
    code = extensions.get("code") if isinstance(extensions, dict) else None
    return code if isinstance(code, str) else ""


def _snake_code(code: str) -> str:
    """`ACCESS_DENIED` as it is, `undefinedField` with an underscore."""
    return code if code.isupper() else _snake(code)
