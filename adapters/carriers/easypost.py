"""Labels and scans from EasyPost's REST API (https://docs.easypost.com)."""

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from pydantic import TypeAdapter, ValidationError

from adapters.carriers.easypost_scans import tracker_scans
from adapters.carriers.easypost_wire import Rate, Shipment, explain, shipment_body
from adapters.http import Answer, OutsideHttp
from domain.errors import Refused, Unavailable
from domain.fulfilments import Label, LabelRef, LabelRequest, Voided
from domain.locations import Location
from domain.orders import Order
from domain.tracking import Scan
from storage.effects import Begun, Effects

SYSTEM = "easypost"
NOT_FOUND = 404
POSTAGE_EXISTS = "shipment.postage.exists"
GIVEN_BACK = frozenset({"submitted", "refunded", "not_applicable"})
"""Refunds under way or through; `not_applicable`: the carrier only charges what it scans."""

_LABEL: TypeAdapter[Label] = TypeAdapter(Label)
_VOIDED: TypeAdapter[Voided] = TypeAdapter(Voided)


def easypost_http(base_url: str, key: str, *, call_s: float) -> OutsideHttp:
    """Speak to `base_url`, which is without the version (https://api.easypost.com)."""
    return OutsideHttp(SYSTEM, base_url, call_s=call_s, explain=explain, auth=(key, ""))


class EasyPostCarrier:
    """The port `Carrier`.

    Buying has no idempotency key, but a shipment can only be bought once. So the shipment's id is
    committed before it is bought, and a repeat looks at that shipment and buys no other. Creating
    shipments costs nothing; one whose id was lost is left behind.
    """

    def __init__(self, http: OutsideHttp, effects: Effects) -> None:
        self._http = http
        self._effects = effects
        self._deed_s = 2 * http.call_s  # a deed is two calls: create and buy, or look and refund

    async def buy(self, request: LabelRequest, sender: Location, order: Order) -> Label:
        async def act(begun: Begun) -> Label:
            shipment = await self._to_buy(begun, request, sender, order)
            label = _label(shipment)
            if label is not None:
                return label
            rate = shipment.cheapest(order.totals.total.currency)
            if rate is None:
                raise Refused(SYSTEM, "no_rates", str(shipment.messages))
            return await self._bought(begun, shipment, rate)

        async def look(begun: Begun) -> Label | None:
            shipment = await self._find(begun.outside_ref)
            return _label(shipment) if shipment else None

        return await self._effects.once(
            request.key, SYSTEM, call_s=self._deed_s, act=act, look=look, model=_LABEL
        )

    async def void(self, ref: LabelRef) -> Voided:
        bought = await self._effects.withdraw(ref.bought_key, SYSTEM)
        shipment_id = (bought.result or {}).get("shipment_ref") or bought.outside_ref
        if not bought.possible or shipment_id is None:
            return Voided()
        await asyncio.sleep(bought.wait_s)
        return await self._effects.once(
            ref.key,
            SYSTEM,
            call_s=self._deed_s,
            act=self._refund(shipment_id),
            look=lambda _begun: self._look_voided(shipment_id),
            model=_VOIDED,
        )

    async def track(self, tracking_number: str) -> tuple[Scan, ...]:
        answer = await self._http.send(
            "GET", "v2/trackers", params={"tracking_code": tracking_number}
        )
        try:
            return tracker_scans(answer.content, tracking_number)
        except ValueError as error:
            raise Unavailable(SYSTEM, "unreadable_answer", str(error)) from error

    async def _to_buy(
        self, begun: Begun, request: LabelRequest, sender: Location, order: Order
    ) -> Shipment:
        """The shipment to buy: the noted one, unless nothing in it could be bought."""
        noted = await self._find(begun.outside_ref, until=begun.until)
        if noted and (noted.postage_label or noted.cheapest(order.totals.total.currency)):
            return noted
        answer = await self._http.send(
            "POST",
            "v2/shipments",
            json=shipment_body(request, sender, order),
            until=begun.until,
            changes=False,  # nothing that anybody would miss or pay for
        )
        shipment = _shipment(answer)
        if shipment.reference not in (None, request.key):
            raise Unavailable(SYSTEM, "another_shipment")
        await self._effects.note_ref(begun.key, begun.fence, shipment.id)
        return shipment

    async def _bought(self, begun: Begun, shipment: Shipment, rate: Rate) -> Label:
        path, body = f"{_path(shipment.id)}/buy", {"rate": {"id": rate.id}}
        try:
            answer = await self._http.send("POST", path, json=body, until=begun.until)
            label = _label(_shipment(answer, shipment.id, fate_unknown=True))
        except Refused as refused:
            if refused.code != POSTAGE_EXISTS:
                raise
            shipment_now = await self._find(shipment.id, until=begun.until)
            label = _label(shipment_now) if shipment_now else None
        if label is None:
            raise Unavailable(SYSTEM, "unreadable_answer", fate_unknown=True)
        return label

    def _refund(self, shipment_id: str) -> Callable[[Begun], Awaitable[Voided]]:
        async def act(begun: Begun) -> Voided:
            voided = await self._look_voided(shipment_id, until=begun.until)
            if voided is not None:
                return voided
            answer = await self._http.send(
                "POST", f"{_path(shipment_id)}/refund", until=begun.until
            )
            if not _is_void(_shipment(answer, shipment_id, fate_unknown=True)):
                raise Refused(SYSTEM, "refund_rejected")
            return Voided()

        return act

    async def _look_voided(self, shipment_id: str, until: float | None = None) -> Voided | None:
        shipment = await self._find(shipment_id, until=until)
        return Voided() if shipment is None or _is_void(shipment) else None

    async def _find(self, shipment_id: str | None, until: float | None = None) -> Shipment | None:
        if shipment_id is None:
            return None
        answer = await self._http.send(
            "GET", _path(shipment_id), until=until, also=frozenset({NOT_FOUND})
        )
        return None if answer.status == NOT_FOUND else _shipment(answer, shipment_id)


def _path(shipment_id: str) -> str:
    return f"v2/shipments/{quote(shipment_id, safe='')}"


def _is_void(shipment: Shipment) -> bool:
    return shipment.postage_label is None or shipment.refund_status in GIVEN_BACK


def _shipment(
    answer: Answer, shipment_id: str | None = None, *, fate_unknown: bool = False
) -> Shipment:
    """The shipment that was asked for: the label of another would go onto the wrong parcel."""
    try:
        shown = Shipment.model_validate(answer.content)
    except ValidationError as error:
        raise _unreadable(error, fate_unknown=fate_unknown) from error
    if shipment_id not in (None, shown.id):
        raise Unavailable(SYSTEM, "another_shipment", fate_unknown=fate_unknown)
    return shown


def _label(shipment: Shipment) -> Label | None:
    try:
        return shipment.label()
    except ValueError as error:
        raise _unreadable(error, fate_unknown=True) from error


def _unreadable(error: ValueError, *, fate_unknown: bool) -> Unavailable:
    return Unavailable(SYSTEM, "unreadable_answer", str(error), fate_unknown=fate_unknown)
