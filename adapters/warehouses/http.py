"""A warehouse that speaks docs/warehouse-protocol.md."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from adapters.http import Answer, OutsideHttp, short_code
from adapters.warehouses.protocol import Fulfilment, Fulfilments, explain, request_body, ship_to
from domain.addresses import Address
from domain.errors import Refused, Unavailable
from domain.fulfilments import (
    FulfilmentRef,
    HandedOver,
    HandOverRequest,
    NotThere,
    PackAccepted,
    Packed,
    PackRejected,
    PackRequest,
    Recalled,
)
from domain.orders import Order
from storage.effects import Begun, Effects

SYSTEM = "warehouse"
CONFLICT = frozenset({409})

M = TypeVar("M", bound=BaseModel)

_PACKING: TypeAdapter[PackAccepted | PackRejected] = TypeAdapter(PackAccepted | PackRejected)
_RECALL: TypeAdapter[Recalled | HandedOver] = TypeAdapter(Recalled | HandedOver)
_READDRESS: TypeAdapter[Packed | HandedOver] = TypeAdapter(Packed | HandedOver)
_HAND_OVER: TypeAdapter[HandedOver | Recalled] = TypeAdapter(HandedOver | Recalled)


def warehouse_http(base_url: str, key: str, *, call_s: float) -> OutsideHttp:
    headers = {"Authorization": f"Bearer {key}"}
    return OutsideHttp(SYSTEM, base_url, call_s=call_s, explain=explain, headers=headers)


class HttpWarehouse:
    """The port `Warehouse`. Each of its calls may be repeated: they are the same call then."""

    def __init__(self, http: OutsideHttp, effects: Effects) -> None:
        self._http = http
        self._effects = effects
        self._deed_s = 2 * http.call_s  # a deed is two calls: find the fulfilment, and the deed

    async def request(self, request: PackRequest, order: Order) -> PackAccepted | PackRejected:
        async def act(begun: Begun) -> PackAccepted | PackRejected:
            answer = await self._http.send(
                "POST",
                f"v1/locations/{_quoted(request.location)}/fulfilments",
                json=request_body(request, order.address),
                headers={"Idempotency-Key": request.reference},
                until=begun.until,
            )
            made = _read(answer, Fulfilment, fate_unknown=True)
            return _ours(made, request.reference, fate_unknown=True).answer()

        async def look(_begun: Begun) -> PackAccepted | PackRejected | None:
            found = await self._find(request.location, request.reference)
            return found.answer() if found else None

        return await self._effects.once(
            request.reference, SYSTEM, call_s=self._deed_s, act=act, look=look, model=_PACKING
        )

    async def look(
        self, ref: FulfilmentRef
    ) -> PackAccepted | PackRejected | Packed | Recalled | HandedOver | NotThere:
        found = await self._find(ref.location, ref.reference)
        return found.standing() if found else NotThere()

    async def recall(self, ref: FulfilmentRef) -> Recalled | HandedOver:
        async def act(begun: Begun) -> Recalled | HandedOver:
            found = await self._find(ref.location, ref.reference, until=begun.until)
            if found is None:
                return Recalled()
            answer = await self._call(found, "recall", None, begun)
            conflict = _conflict(answer, {"handed_over"})
            return HandedOver() if conflict else _whither(answer, ref.reference)

        asked = await self._effects.withdraw(ref.reference, SYSTEM)
        if not asked.possible:
            return Recalled()
        await asyncio.sleep(asked.wait_s)
        return await self._effects.once(
            ref.key, SYSTEM, call_s=self._deed_s, act=act, look=_same_again, model=_RECALL
        )

    async def readdress(self, ref: FulfilmentRef, address: Address) -> Packed | HandedOver:
        """`Packed` without parcels: it is not packed yet, and will be for the new address."""

        async def act(begun: Begun) -> Packed | HandedOver:
            found = await self._known(ref.location, ref.reference, begun)
            answer = await self._call(found, "ship-to", ship_to(address), begun)
            if _conflict(answer, {"handed_over"}):
                return HandedOver()
            changed = _read(answer, Fulfilment, fate_unknown=True)
            return Packed(parcels=_ours(changed, ref.reference, fate_unknown=True).packed_parcels())

        return await self._effects.once(
            ref.key, SYSTEM, call_s=self._deed_s, act=act, look=_same_again, model=_READDRESS
        )

    async def hand_over(self, request: HandOverRequest) -> HandedOver | Recalled:
        parcels = [
            {
                "carrier": label.carrier,
                "tracking_number": label.tracking_number,
                "label_url": label.label_url,
            }
            for label in request.labels
        ]

        async def act(begun: Begun) -> HandedOver | Recalled:
            found = await self._known(request.location, request.reference, begun)
            answer = await self._call(found, "hand-over", {"parcels": parcels}, begun)
            conflict = _conflict(answer, {"recalled"})
            return Recalled() if conflict else _whither(answer, request.reference)

        return await self._effects.once(
            request.key, SYSTEM, call_s=self._deed_s, act=act, look=_same_again, model=_HAND_OVER
        )

    async def _find(
        self, location: str, reference: str, until: float | None = None
    ) -> Fulfilment | None:
        answer = await self._http.send(
            "GET",
            f"v1/locations/{_quoted(location)}/fulfilments",
            params={"reference": reference},
            until=until,
        )
        found = _read(answer, Fulfilments).fulfilments
        return _ours(found[0], reference) if found else None

    async def _known(self, location: str, reference: str, begun: Begun) -> Fulfilment:
        found = await self._find(location, reference, until=begun.until)
        if found is None:
            raise Refused(SYSTEM, "not_there", reference)
        return found

    async def _call(
        self, found: Fulfilment, verb: str, body: Mapping[str, object] | None, begun: Begun
    ) -> Answer:
        path = f"v1/fulfilments/{_quoted(found.id)}/{verb}"
        return await self._http.send("POST", path, json=body, until=begun.until, also=CONFLICT)


async def _same_again(_begun: Begun) -> None:
    """No look is needed before a call that changes nothing the second time."""


def _conflict(answer: Answer, known: set[str]) -> bool:
    """Whether it is a conflict that the business knows.

    Raises:
        Refused: it is another one.
    """
    if answer.status not in CONFLICT:
        return False
    code, words = explain(answer.content)
    if code not in known:
        raise Refused(SYSTEM, short_code(code) or "conflict", words)
    return True


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _ours(found: Fulfilment, reference: str, *, fate_unknown: bool = False) -> Fulfilment:
    """What is said of another fulfilment is no answer: acted upon, it would be the wrong goods."""
    if found.reference != reference:
        raise Unavailable(SYSTEM, "another_fulfilment", fate_unknown=fate_unknown)
    return found


def _whither(answer: Answer, reference: str) -> Recalled | HandedOver:
    """Where the goods are now; a yes that shows them as they were is none, and is asked again."""
    shown = _ours(_read(answer, Fulfilment, fate_unknown=True), reference, fate_unknown=True)
    match shown.status:
        case "recalled" | "rejected":
            return Recalled()
        case "handed_over":
            return HandedOver()
        case "accepted" | "packed":
            raise Unavailable(SYSTEM, "unreadable_answer", f"is {shown.status}", fate_unknown=True)


def _read(answer: Answer, model: type[M], *, fate_unknown: bool = False) -> M:
    try:
        return model.model_validate(answer.content)
    except ValidationError as error:
        raise Unavailable(
            SYSTEM, "unreadable_answer", str(error), fate_unknown=fate_unknown
        ) from error
