"""/easypost/v2: HTTP Basic with the key as user, faults, and EasyPost's error format."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators import answers
from simulators.easypost.carrier import Carrier
from simulators.easypost.labels import LABEL_PNG
from simulators.easypost.refusals import RefusedError, not_found
from simulators.faults import Fault, Faults
from simulators.settings import Settings

Deed = Callable[[Any], dict[str, Any]]


class Endpoint:
    """As <https://docs.easypost.com/docs/shipments> and <https://docs.easypost.com/docs/trackers>."""

    def __init__(self, settings: Settings, carrier: Carrier, faults: Faults) -> None:
        self._settings = settings
        self._carrier = carrier
        self._faults = faults

    def routes(self) -> list[Route]:
        return [
            Route("/easypost/v2/shipments", self.create, methods=["POST"]),
            Route("/easypost/v2/shipments", self.page, methods=["GET"]),
            Route("/easypost/v2/shipments/{id:path}/buy", self.buy, methods=["POST"]),
            Route("/easypost/v2/shipments/{id:path}/refund", self.refund, methods=["POST"]),
            Route("/easypost/v2/shipments/{id:path}", self.retrieve, methods=["GET"]),
            Route("/easypost/v2/trackers", self.trackers, methods=["GET"]),
            Route("/easypost/v2/trackers/{id}", self.tracker, methods=["GET"]),
            Route("/easypost/label/{name}", self.label, methods=["GET"]),
        ]

    async def create(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/shipments#create-a-shipment>."""
        return await self._answer(request, "create", self._carrier.create, done=201)

    async def buy(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/shipments#buy-a-shipment>."""
        given = unquote(request.path_params["id"])
        return await self._answer(request, "buy", lambda asked: self._carrier.buy(given, asked))

    async def refund(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/shipments#refund-a-shipment>."""
        given = unquote(request.path_params["id"])
        return await self._answer(request, "refund", lambda _asked: self._carrier.refund(given))

    async def retrieve(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/shipments#retrieve-a-shipment>."""
        given = unquote(request.path_params["id"])
        return await self._answer(request, "retrieve", lambda _asked: self._carrier.find(given))

    async def page(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/shipments#retrieve-a-list-of-shipments>."""
        asked = dict(request.query_params)
        return await self._answer(request, "list", lambda _asked: self._carrier.page(asked))

    async def trackers(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/trackers#retrieve-a-list-of-trackers>."""
        asked = dict(request.query_params)
        return await self._answer(request, "trackers", lambda _body: self._carrier.tracked(asked))

    async def tracker(self, request: Request) -> Response:
        """As <https://docs.easypost.com/docs/trackers#retrieve-a-tracker>."""
        given = request.path_params["id"]

        def found(_asked: Any) -> dict[str, Any]:
            tracker = self._carrier.trackers.get(given)
            if tracker is None:
                raise not_found()
            return tracker

        return await self._answer(request, "tracker", found)

    async def label(self, request: Request) -> Response:
        name = request.path_params["name"].removesuffix(".png")
        found = self._carrier.shipments.get(name)
        if found is None or found["postage_label"] is None:
            return JSONResponse(not_found().body, 404)
        return Response(LABEL_PNG, media_type="image/png")

    async def _answer(
        self, request: Request, operation: str, deed: Deed, done: int = 200
    ) -> Response:
        raw = await request.body()
        fault = self._faults.fire("easypost", operation, self._text(request, raw))
        early = await answers.delay(request, fault) or _failed_first(fault)
        if early is not None:
            return early
        if not self._authentic(request):
            words = "This api key is no longer active or does not exist."
            return _refusal(RefusedError(401, "APIKEY.INACTIVE", words))
        try:
            asked = json.loads(raw) if raw else None
        except ValueError:
            return _refusal(RefusedError(400, "BAD_REQUEST", "The request has invalid syntax."))
        try:
            answer: Response = JSONResponse(deed(asked), done)
        except RefusedError as refused:
            return _refusal(refused)
        return answers.after(fault, answer, _failed)

    def _text(self, request: Request, raw: bytes) -> str:
        """What a fault's `match` is looked for in: path, query, body and the reference."""
        text = f"{unquote(str(request.url))} {raw.decode(errors='replace')}"
        found = self._carrier.shipments.get(request.path_params.get("id", ""))
        return f"{text} {found['reference']}" if found else text

    def _authentic(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user = base64.b64decode(given, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and user == self._settings.carrier_key


def _failed_first(fault: Fault | None) -> Response | None:
    if fault is None:
        return None
    match fault.mode:
        case "down":
            return _failed(503)
        case "throttle":
            wait_s = 1 if fault.seconds is None else fault.seconds
            words = "You are being rate limited, please try again later."
            refused = RefusedError(429, "RATE_LIMITED", words)
            return JSONResponse(refused.body, 429, headers={"Retry-After": f"{wait_s:g}"})
        case "refuse":
            code = fault.code or "SHIPMENT.POSTAGE.FAILURE"
            words = fault.message or "The carrier refused the shipment"
            return _refusal(RefusedError(fault.status or 422, code, words))
        case _:
            return None


def _failed(status: int) -> Response:
    words = "We are unable to process your request right now."
    return _refusal(RefusedError(status, "SERVICE.UNAVAILABLE", words))


def _refusal(refused: RefusedError) -> Response:
    return JSONResponse(refused.body, refused.status)
