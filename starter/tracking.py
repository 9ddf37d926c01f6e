"""The customer's page: where each parcel is, for whoever has the unguessable token."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from domain.lifecycles import HAS_LEFT, SENTENCES, FulfilmentStatus, OrderStatus
from domain.tracking import Course
from domain.views import FulfilmentView, OrderView, ParcelView
from starter.composition import Composition, composition_of
from starter.problems import not_found

router = APIRouter(prefix="/track", tags=["tracking"])

TOKEN = re.compile(r"[A-Za-z0-9_-]{16,100}")
PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
_STYLE = (
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}"
    "li{margin:.25rem 0}small{color:#555}"
)


COURSES = {
    Course.EXPECTED: "The carrier expects the parcel.",
    Course.MOVING: "The parcel is on its way.",
    Course.CUSTOMS: "The parcel is at customs.",
    Course.EXCEPTION: "The carrier reports a problem.",
    Course.RETURNING: "The parcel is on its way back to us.",
    Course.DELIVERED: "The parcel has been delivered.",
    Course.RETURNED: "The parcel has come back to us.",
}


OF_SEVERAL = {
    OrderStatus.SHIPPED: "The carrier has the parcels.",
    OrderStatus.DELIVERED: "All parcels have arrived.",
    OrderStatus.UNDELIVERED: "The carrier could not deliver every parcel.",
}
"""Where an order has several parcels, its status has other words."""


class TrackedScan(BaseModel):
    at: datetime
    said: str
    place: str


class TrackedParcel(BaseModel):
    carrier: str
    tracking_number: str
    tracking_url: str
    sentence: str
    scans: tuple[TrackedScan, ...]


class TrackedShipment(BaseModel):
    """What one place sends: these lines, in these parcels; none of what left without a label."""

    lines: tuple[str, ...]
    parcels: tuple[TrackedParcel, ...]


class Tracked(BaseModel):
    """What a customer may see: it names no person and no address.

    `parcels` are those of all `shipments`, `to_come` what no shipment has, `cancelled` what will
    not be sent.
    """

    number: str
    status: str
    sentence: str
    lines: tuple[str, ...]
    parcels: tuple[TrackedParcel, ...]
    shipments: tuple[TrackedShipment, ...]
    to_come: tuple[str, ...]
    cancelled: tuple[str, ...]
    updated_at: datetime


@router.get("/{token}.json")
async def track_json(request: Request, response: Response, token: str) -> Tracked:
    """The same as the page, for programs."""
    response.headers.update(PRIVATE)
    return await _found(composition_of(request), token)


@router.get("/{token}", response_class=HTMLResponse)
async def track(request: Request, token: str) -> HTMLResponse:
    """Where the order stands."""
    return HTMLResponse(_page(await _found(composition_of(request), token)), headers=PRIVATE)


async def _found(on: Composition, token: str) -> Tracked:
    order = await on.wired.queries.by_track_token(token) if TOKEN.fullmatch(token) else None
    if order is None:
        raise not_found("order")
    return _tracked(order)


def _tracked(order: OrderView) -> Tracked:
    under_way = [
        (part, parcels)
        for part in order.fulfilments
        if (parcels := _parcels(part)) or part.status in HAS_LEFT
    ]
    ordered = Counter({line.line_id: line.quantity for line in order.lines})
    cancelled = Counter({line.line_id: line.cancelled for line in order.lines})
    sent = [_pieces(part) for part, _ in under_way]
    to_come = ordered - cancelled
    for pieces in sent:
        to_come -= pieces
    over = order.status in (OrderStatus.CANCELLING, OrderStatus.CANCELLED)
    return Tracked(
        number=order.number,
        status=order.status,
        sentence=_sentence(order),
        lines=_lines(order, ordered),
        parcels=tuple(parcel for _, parcels in under_way for parcel in parcels),
        shipments=tuple(
            TrackedShipment(lines=_lines(order, pieces), parcels=parcels)
            for pieces, (_, parcels) in zip(sent, under_way, strict=True)
        ),
        to_come=() if over else _lines(order, to_come),
        cancelled=_lines(order, cancelled),
        updated_at=order.updated_at,
    )


def _pieces(part: FulfilmentView) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for line in part.lines:
        pieces[line.line_id] += line.quantity
    return pieces


def _lines(order: OrderView, pieces: Counter[str]) -> tuple[str, ...]:
    return tuple(
        f"{pieces[line.line_id]} x {line.title or line.sku}"
        for line in order.lines
        if pieces[line.line_id] > 0
    )


def _parcels(part: FulfilmentView) -> tuple[TrackedParcel, ...]:
    return tuple(made for parcel in part.parcels if (made := _tracked_parcel(parcel)))


def _sentence(order: OrderView) -> str:
    """The status in words, for one parcel or for several.

    Of a closed order it says how it went: that nothing more happens tells a customer nothing.
    """
    gone = [part for part in order.fulfilments if part.status in HAS_LEFT]
    arrived = {part.status for part in gone} == {FulfilmentStatus.DELIVERED}
    several = sum(max(len(part.parcels), 1) for part in gone) > 1
    status = order.status
    if status is OrderStatus.CLOSED:
        status = OrderStatus.DELIVERED if arrived else OrderStatus.UNDELIVERED
    elif status is OrderStatus.PARTLY_SHIPPED and arrived:
        return "A part of the order has arrived; the rest follows."
    return (OF_SEVERAL if several else SENTENCES).get(status, SENTENCES[status])


def _tracked_parcel(parcel: ParcelView) -> TrackedParcel | None:
    """A parcel without a live label has nothing that could be followed, and would only confuse."""
    label = parcel.label
    if label is None:
        return None
    return TrackedParcel(
        carrier=label.carrier,
        tracking_number=label.tracking_number,
        tracking_url=label.tracking_url,
        sentence=COURSES[parcel.course],
        scans=tuple(
            TrackedScan(at=scan.claimed_at, said=scan.message, place=scan.place)
            for scan in parcel.scans
        ),
    )


def _page(tracked: Tracked) -> str:
    parcels = "".join(_shipments(tracked))
    rest = _listed("Still to come", tracked.to_come) if tracked.shipments else ""
    rest += _listed("Cancelled", tracked.cancelled)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Order {escape(tracked.number)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Order {escape(tracked.number)}</h1><p><strong>{escape(tracked.sentence)}</strong></p>"
        f"{_items(tracked.lines)}{parcels}{rest}"
        f"<p><small>As of {tracked.updated_at:%Y-%m-%d %H:%M} UTC</small></p></body></html>"
    )


def _shipments(tracked: Tracked) -> Iterable[str]:
    """Each parcel with its number and, where there is more than one shipment, what is in it."""
    number, many = 0, len(tracked.parcels)
    whole = len(tracked.shipments) == 1 and not tracked.to_come and not tracked.cancelled
    for shipment in tracked.shipments:
        if not shipment.parcels and not whole:
            yield _listed("Without a tracking number", shipment.lines)
        together = f"In these {len(shipment.parcels)} parcels" if shipment.parcels[1:] else "In it"
        for place, parcel in enumerate(shipment.parcels):
            number += 1
            inside = "" if whole or place else f"<p>{together}:</p>{_items(shipment.lines)}"
            heading = f"Parcel {number} of {many}" if many > 1 else "Parcel"
            yield f"<h2>{heading}</h2>{inside}{_parcel_part(parcel)}"


def _listed(heading: str, lines: tuple[str, ...]) -> str:
    return f"<h2>{heading}</h2>{_items(lines)}" if lines else ""


def _items(lines: tuple[str, ...]) -> str:
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>"


def _parcel_part(parcel: TrackedParcel) -> str:
    scans = "".join(
        f"<li>{scan.at:%Y-%m-%d %H:%M} UTC: {escape(scan.said)} {escape(scan.place)}</li>"
        for scan in parcel.scans
    )
    number = escape(parcel.tracking_number)
    if parcel.tracking_url.startswith(("https://", "http://")):
        number = f'<a href="{escape(parcel.tracking_url)}" rel="noreferrer">{number}</a>'
    said = f"<p>{escape(parcel.carrier)} {number}: {escape(parcel.sentence)}</p>"
    return f"{said}<ol>{scans}</ol>"
