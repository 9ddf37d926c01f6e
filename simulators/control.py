"""/control: how a demo, a test or a person plays the outside world. See docs/simulators.md."""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.faults import FaultRequest
from simulators.settings import FIXED, Settings
from simulators.shopify.shop import Delivery
from simulators.warehouse.stockroom import Boxes, Rejection
from simulators.world import World

Handler = Callable[[Request], Awaitable[Response]]


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewOrder(Asked):
    order: dict[str, Any]
    locations: dict[str, Annotated[int, Field(ge=1)]] = {}
    send: bool = False
    topic: str = "orders/create"
    duplicate: int = Field(0, ge=0)
    delay_s: float = Field(0, ge=0)


class RawWebhook(Asked):
    """Bytes as text or base64, signed as they are."""

    body: str | None = None
    body_base64: str | None = None
    topic: str = "orders/create"
    location: str | None = None

    def content(self) -> bytes:
        return base64.b64decode(self.body_base64 or "") or (self.body or "").encode()


class Parcel(Asked):
    """A parcel by tracking code, or by a part of the reference it was made with."""

    tracking_code: str | None = None
    match: str | None = None


class Scan(Parcel):
    status: Literal[
        "pre_transit", "in_transit", "out_for_delivery", "delivered", "available_for_pickup",
        "return_to_sender", "failure", "cancelled", "error", "unknown",
    ]  # fmt: skip
    status_detail: str = "status_update"
    message: str = ""
    datetime: str | None = None
    times: int = Field(1, ge=1, le=10_000)


class Replay(Parcel):
    index: int = -1
    times: int = Field(1, ge=1, le=10_000)


class Customs(Asked):
    match: str
    stuck: bool = True


class Weights(Asked):
    unit_weights_g: dict[str, int]


class Control:
    """Every call validates its body and answers 422 with the fields that are wrong."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        calls: list[tuple[str, str, Handler]] = [
            ("GET", "/control/settings", self.settings),
            ("POST", "/control/settings", self.set),
            ("GET", "/control/state", self.state),
            ("GET", "/control/journal", self.journal),
            ("GET", "/control/faults", self.faults),
            ("POST", "/control/faults", self.add_fault),
            ("DELETE", "/control/faults", self.clear_faults),
            ("DELETE", "/control/faults/{id}", self.clear_faults),
            ("POST", "/control/shopify/orders", self.create_order),
            ("POST", "/control/shopify/webhooks", self.send_webhook),
            ("POST", "/control/shopify/raw", self.shopify_raw),
            ("POST", "/control/easypost/scans", self.scan),
            ("POST", "/control/easypost/replay", self.replay),
            ("POST", "/control/easypost/customs", self.customs),
            ("POST", "/control/easypost/raw", self.easypost_raw),
            ("POST", "/control/warehouse/reject", self.reject),
            ("POST", "/control/warehouse/weights", self.weights),
            ("POST", "/control/warehouse/boxes", self.boxes),
            ("POST", "/control/warehouse/raw", self.warehouse_raw),
        ]
        return [Route(path, _checked(call), methods=[method]) for method, path, call in calls]

    async def settings(self, _request: Request) -> Response:
        return JSONResponse(self._world.settings.model_dump(mode="json"))

    async def set(self, request: Request) -> Response:
        """Change settings of the running process; all of them or none."""
        wanted = await request.json()
        fixed = sorted(FIXED & wanted.keys())
        if fixed:
            raise ValueError(f"cannot change while running: {', '.join(fixed)}")
        current = self._world.settings
        checked = Settings.model_validate(current.model_dump() | wanted)
        for name in wanted:
            setattr(current, name, getattr(checked, name))
        return await self.settings(request)

    async def state(self, _request: Request) -> Response:
        return JSONResponse(self._world.state())

    async def journal(self, request: Request) -> Response:
        """Entries after `since`, of one `system`, `effect`, `order` or `key` if asked."""
        asked = request.query_params
        since = int(asked.get("since", "0"))
        entries = [
            asdict(entry)
            for entry in self._world.journal.entries[since:]
            if all(
                getattr(entry, name) == asked[name]
                for name in ("system", "effect", "order", "key")
                if name in asked
            )
        ]
        return JSONResponse({"entries": entries})

    async def faults(self, _request: Request) -> Response:
        return JSONResponse({"faults": self._world.faults.all()})

    async def add_fault(self, request: Request) -> Response:
        fault = self._world.faults.add(FaultRequest.model_validate(await request.json()))
        return JSONResponse(fault.model_dump(), 201)

    async def clear_faults(self, request: Request) -> Response:
        return JSONResponse({"removed": self._world.faults.remove(request.path_params.get("id"))})

    async def create_order(self, request: Request) -> Response:
        asked = NewOrder.model_validate(await request.json())
        order = self._world.shop.create(asked.order, asked.locations)
        ids: list[str] = []
        if asked.send:
            delivery = Delivery(
                order=order.id,
                topic=asked.topic,
                duplicate=asked.duplicate,
                delay_s=asked.delay_s,
            )
            ids = self._world.shop.deliver(delivery)
        return JSONResponse({"id": str(order.id), "webhook_ids": ids}, 201)

    async def send_webhook(self, request: Request) -> Response:
        delivery = Delivery.model_validate(await request.json())
        if delivery.order not in self._world.shop.ledger.orders:
            raise ValueError(f"no order {delivery.order}")
        return JSONResponse({"webhook_ids": self._world.shop.deliver(delivery)}, 202)

    async def shopify_raw(self, request: Request) -> Response:
        asked = RawWebhook.model_validate(await request.json())
        sent = self._world.shop.send_raw(asked.topic, asked.content())
        return JSONResponse({"sent": sent}, 202)

    async def easypost_raw(self, request: Request) -> Response:
        asked = RawWebhook.model_validate(await request.json())
        return JSONResponse({"sent": self._world.tracking.send_raw(asked.content())}, 202)

    async def warehouse_raw(self, request: Request) -> Response:
        asked = RawWebhook.model_validate(await request.json())
        if asked.location is None:
            raise ValueError("location is required")
        sent = self._world.warehouse.send_raw(asked.location, asked.content())
        return JSONResponse({"sent": sent}, 202)

    async def scan(self, request: Request) -> Response:
        """A scan out of plan; a final one ends the parcel's way."""
        asked = Scan.model_validate(await request.json())
        end = "from_address" if asked.status == "return_to_sender" else "to_address"
        wanted = {
            "status": asked.status,
            "status_detail": asked.status_detail,
            "message": asked.message or asked.status.replace("_", " "),
            "end": end,
        }
        tracker = self._tracker(asked)
        for _ in range(asked.times):
            self._world.tracking.scan(tracker, wanted, at=asked.datetime)
        return JSONResponse({"tracker": tracker["id"], "status": tracker["status"]}, 202)

    async def replay(self, request: Request) -> Response:
        asked = Replay.model_validate(await request.json())
        try:
            sent = self._world.tracking.replay(self._tracker(asked), asked.index, asked.times)
        except LookupError:
            raise ValueError("no such event of this parcel") from None
        return JSONResponse({"sent": sent}, 202)

    async def customs(self, request: Request) -> Response:
        asked = Customs.model_validate(await request.json())
        stuck = self._world.tracking.stuck
        (stuck.add if asked.stuck else stuck.discard)(asked.match)
        return JSONResponse({"stuck": sorted(stuck)})

    async def reject(self, request: Request) -> Response:
        rejection = Rejection.model_validate(await request.json())
        self._world.warehouse.stockroom.reject_next(rejection)
        return JSONResponse({"rejections": self._world.warehouse.stockroom.rejections()}, 201)

    async def weights(self, request: Request) -> Response:
        asked = Weights.model_validate(await request.json())
        self._world.warehouse.stockroom.unit_weights_g |= asked.unit_weights_g
        return JSONResponse({"unit_weights_g": self._world.warehouse.stockroom.unit_weights_g})

    async def boxes(self, request: Request) -> Response:
        boxes = self._world.warehouse.stockroom.boxes
        boxes.append(Boxes.model_validate(await request.json()))
        return JSONResponse({"boxes": [box.model_dump() for box in boxes]}, 201)

    def _tracker(self, asked: Parcel) -> dict[str, Any]:
        """The newest tracker that fits."""
        carrier = self._world.carrier
        for tracker in reversed(carrier.trackers.values()):
            reference = str(carrier.shipments[tracker["shipment_id"]]["reference"])
            by_code = asked.tracking_code in (None, tracker["tracking_code"])
            if by_code and (asked.match is None or asked.match in reference):
                return tracker
        raise ValueError("no parcel fits")


def _checked(call: Handler) -> Handler:
    async def checked(request: Request) -> Response:
        try:
            return await call(request)
        except ValidationError as error:
            return JSONResponse({"errors": json.loads(error.json(include_url=False))}, 422)
        except ValueError as error:
            return JSONResponse({"errors": [{"msg": str(error)}]}, 422)

    return checked
