"""The customer's page: where the parcel is, for whoever has the unguessable token."""

import re
from datetime import datetime
from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel

from domain.lifecycles import SENTENCES, OrderStatus
from domain.tracking import Course
from domain.views import OrderView, ParcelView
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


class Tracked(BaseModel):
    """What a customer may see: it names no person and no address."""

    number: str
    status: str
    sentence: str
    lines: tuple[str, ...]
    parcels: tuple[TrackedParcel, ...]
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
    parcels = (parcel for part in order.fulfilments for parcel in part.parcels)
    return Tracked(
        number=order.number,
        status=order.status,
        sentence=_sentence(order),
        lines=tuple(f"{line.quantity} x {line.title or line.sku}" for line in order.lines),
        parcels=tuple(made for parcel in parcels if (made := _tracked_parcel(parcel))),
        updated_at=order.updated_at,
    )


def _sentence(order: OrderView) -> str:
    """Of a closed order it says how it went: that nothing more happens tells a customer nothing."""
    if order.status is not OrderStatus.CLOSED:
        return order.sentence
    courses = {
        parcel.course for part in order.fulfilments for parcel in part.parcels if parcel.label
    }
    delivered = courses == {Course.DELIVERED}
    return SENTENCES[OrderStatus.DELIVERED if delivered else OrderStatus.UNDELIVERED]


def _tracked_parcel(parcel: ParcelView) -> TrackedParcel | None:
    """A parcel without a live label is not under way and would only confuse."""
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
    lines = "".join(f"<li>{escape(line)}</li>" for line in tracked.lines)
    parcels = "".join(map(_parcel_part, tracked.parcels))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Order {escape(tracked.number)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>Order {escape(tracked.number)}</h1><p><strong>{escape(tracked.sentence)}</strong></p>"
        f"<ul>{lines}</ul>{parcels}"
        f"<p><small>As of {tracked.updated_at:%Y-%m-%d %H:%M} UTC</small></p></body></html>"
    )


def _parcel_part(parcel: TrackedParcel) -> str:
    scans = "".join(
        f"<li>{scan.at:%Y-%m-%d %H:%M} UTC: {escape(scan.said)} {escape(scan.place)}</li>"
        for scan in parcel.scans
    )
    number = escape(parcel.tracking_number)
    if parcel.tracking_url.startswith(("https://", "http://")):
        number = f'<a href="{escape(parcel.tracking_url)}" rel="noreferrer">{number}</a>'
    said = f"<p>{escape(parcel.carrier)} {number}: {escape(parcel.sentence)}</p>"
    return f"<h2>Parcel</h2>{said}<ol>{scans}</ol>"
