"""/v1: the warehouse protocol over HTTP, see docs/warehouse-protocol.md."""

import http
import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators import answers
from simulators.faults import Fault, Faults
from simulators.settings import Settings
from simulators.warehouse.requests import FulfilmentRequest, HandOver, ShipTo
from simulators.warehouse.stockroom import ProblemError
from simulators.warehouse.warehouse import Warehouse

Json = dict[str, Any]
Deed = Callable[[Any], tuple[Json, int]]


class Endpoint:
    """Each call: its fault, its key, its body checked, the deed."""

    def __init__(self, settings: Settings, warehouse: Warehouse, faults: Faults) -> None:
        self._settings = settings
        self._warehouse = warehouse
        self._faults = faults

    def routes(self) -> list[Route]:
        one = "/v1/fulfilments/{id}"
        return [
            Route("/v1/locations/{location}/fulfilments", self.request, methods=["POST"]),
            Route("/v1/locations/{location}/fulfilments", self.look_up, methods=["GET"]),
            Route(one, self.retrieve, methods=["GET"]),
            Route(f"{one}/recall", self.recall, methods=["POST"]),
            Route(f"{one}/ship-to", self.readdress, methods=["POST"]),
            Route(f"{one}/hand-over", self.hand_over, methods=["POST"]),
        ]

    async def request(self, request: Request) -> Response:
        """docs/warehouse-protocol.md: ask for a fulfilment."""
        location = request.path_params["location"]
        key = request.headers.get("idempotency-key")

        def deed(body: Any) -> tuple[Json, int]:
            asked = FulfilmentRequest.model_validate(body)
            if key is None:
                raise ProblemError(400, "idempotency_key_required", "Idempotency-Key is missing.")
            if key != asked.reference:
                raise ProblemError(
                    400, "idempotency_key_mismatch", "Idempotency-Key is not the reference."
                )
            found, new = self._warehouse.take_on(location, asked)
            return found.shown(), 201 if new else 200

        return await self._answer(request, "request", deed)

    async def look_up(self, request: Request) -> Response:
        """docs/warehouse-protocol.md: find a fulfilment by its reference."""
        location = request.path_params["location"]
        reference = request.query_params.get("reference")

        def deed(_body: Any) -> tuple[Json, int]:
            if not reference:
                raise ProblemError(400, "reference_required", "The query needs a reference.")
            found = self._warehouse.stockroom.find_reference(location, reference)
            return {"fulfilments": [] if found is None else [found.shown()]}, 200

        return await self._answer(request, "look_up", deed)

    async def retrieve(self, request: Request) -> Response:
        """docs/warehouse-protocol.md: one fulfilment."""
        wanted = request.path_params["id"]
        stockroom = self._warehouse.stockroom
        return await self._answer(
            request, "retrieve", lambda _body: (stockroom.find(wanted).shown(), 200)
        )

    async def recall(self, request: Request) -> Response:
        """docs/warehouse-protocol.md: take a fulfilment back."""
        wanted = request.path_params["id"]
        stockroom = self._warehouse.stockroom
        return await self._answer(
            request, "recall", lambda _body: (stockroom.recall(wanted).shown(), 200)
        )

    async def readdress(self, request: Request) -> Response:
        """docs/warehouse-protocol.md: a corrected address before hand-over."""
        wanted = request.path_params["id"]

        def deed(body: Any) -> tuple[Json, int]:
            ship_to = ShipTo.model_validate(body)
            return self._warehouse.stockroom.readdress(wanted, ship_to).shown(), 200

        return await self._answer(request, "ship_to", deed)

    async def hand_over(self, request: Request) -> Response:
        """docs/warehouse-protocol.md: the label is there, the parcel may go."""
        wanted = request.path_params["id"]

        def deed(body: Any) -> tuple[Json, int]:
            asked = HandOver.model_validate(body)
            return self._warehouse.hand_over(wanted, asked).shown(), 200

        return await self._answer(request, "hand_over", deed)

    async def _answer(self, request: Request, operation: str, deed: Deed) -> Response:
        raw = await request.body()
        fault = self._faults.fire("warehouse", operation, self._text(request, raw))
        early = await answers.delay(request, fault) or _failed_first(fault)
        if early is not None:
            return early
        try:
            if request.headers.get("authorization") != f"Bearer {self._settings.warehouse_key}":
                raise ProblemError(401, "unauthorized", "The key is missing or wrong.")  # noqa: TRY301
            answer, status = deed(_json(raw))
        except ProblemError as refused:
            return problem(refused)
        except ValidationError as error:
            return problem(
                ProblemError(422, "invalid", "The body is invalid.", errors=_named(error))
            )
        return answers.after(fault, JSONResponse(answer, status), _failed)

    def _text(self, request: Request, raw: bytes) -> str:
        text = f"{request.url} {raw.decode(errors='replace')}"
        found = self._warehouse.stockroom.fulfilments.get(request.path_params.get("id", ""))
        return f"{text} {found.reference}" if found else text


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        raise ProblemError(400, "not_json", "The body is not JSON.") from None


def _named(error: ValidationError) -> list[Json]:
    return [
        {"field": ".".join(str(part) for part in one["loc"]), "message": one["msg"]}
        for one in error.errors()
    ]


def _failed_first(fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    match fault.mode:
        case "down":
            return _failed(503)
        case "throttle":
            wait_s = 1 if fault.seconds is None else fault.seconds
            refused = ProblemError(429, "rate_limited", "Too many calls.")
            return problem(refused, {"Retry-After": f"{wait_s:g}"})
        case "refuse":
            words = fault.message or "Refused."
            return problem(ProblemError(fault.status or 422, fault.code or "refused", words))
        case _:
            return None


def _failed(status: int) -> Response:
    return problem(ProblemError(status, "unavailable", "The warehouse cannot answer now."))


def problem(refused: ProblemError, headers: dict[str, str] | None = None) -> Response:
    """As <https://www.rfc-editor.org/rfc/rfc9457>."""
    body = {
        "type": "about:blank",
        "title": http.HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "detail": str(refused),
        "code": refused.code,
    } | refused.more
    return JSONResponse(body, refused.status, headers, media_type="application/problem+json")
