"""Takes webhooks in: verified over their raw bytes, kept, and answered after the commit."""

import asyncio
from typing import Any

import structlog
from fastapi import APIRouter, Request

from config.inbound import Event, Sender
from starter.bodies import SMALL_BYTES, limited_body
from starter.composition import Composition, composition_of
from starter.problems import Refusal, not_found

router = APIRouter(prefix="/webhooks", tags=["webhooks"])
_log = structlog.get_logger(__name__)


@router.post("/carriers/{carrier}")
async def carrier_webhook(request: Request, carrier: str) -> dict[str, Any]:
    composition = composition_of(request)
    sender = composition.senders.carriers.get(carrier)
    return await _take(request, composition, f"carrier:{carrier}", sender)


@router.post("/warehouses/{location}")
async def warehouse_webhook(request: Request, location: str) -> dict[str, Any]:
    composition = composition_of(request)
    sender = composition.senders.warehouses.get(location)
    return await _take(request, composition, f"warehouse:{location}", sender)


@router.post("/{channel}")
async def channel_webhook(request: Request, channel: str) -> dict[str, Any]:
    composition = composition_of(request)
    sender = composition.senders.channels.get(channel)
    return await _take(request, composition, f"channel:{channel}", sender)


async def _take(
    request: Request, composition: Composition, source: str, sender: Sender | None
) -> dict[str, Any]:
    if sender is None:
        raise not_found(source.replace(":", " "))
    body = await limited_body(request, composition.settings.webhook_max_bytes)
    headers = dict(request.headers)
    if not sender.verify(headers, body):
        _log.warning("signature_refused", source=source)
        raise Refusal(401, "bad_signature", "The signature is missing or wrong.")
    event = await _event(sender, headers, body)
    receipt = await composition.wired.inbox.put(
        source,
        event.kind,
        event.event_key,
        body,
        order_id=event.order_id,
        tracking_number=event.tracking_number,
        by=source,
        task=event.unreadable,
    )
    if not receipt.duplicate:
        composition.awake.set()
    return {"event": receipt.event_id, "duplicate": receipt.duplicate}


async def _event(sender: Sender, headers: dict[str, str], body: bytes) -> Event:
    if len(body) <= SMALL_BYTES:
        return sender.event(headers, body)
    return await asyncio.to_thread(sender.event, headers, body)
