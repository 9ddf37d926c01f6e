"""Reads the canonical order from a request: strictly, and every problem at once."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

from adapters.strict_json import strict_json
from domain.ids import InvalidOrderId
from domain.orders import NAME_LIMIT, Order
from domain.problems import Problem
from starter.problems import Refusal, invalid, invalid_field, problems_of

LINES_MAX = 1_000
NUMBER_MAX = 10**9
TEXT_MAX = 2_000
NOTE_MAX = 10_000
FIRST_YEAR, LAST_YEAR = 1970, 9998


def read_order(body: bytes, channel: str, channels: Collection[str]) -> Order:
    """Parse an order whose channel is `channel` unless it names another of `channels`.

    What a channel could have sent is taken as it is: whether it can be fulfilled is found out
    later, and said by a hold.

    Raises:
        Refusal: 422, each field that is wrong with its reason.
    """
    said = _object(body)
    said.setdefault("channel", channel)
    try:
        order = Order.model_validate_json(json.dumps(said), strict=True)
    except ValidationError as error:
        raise invalid(problems_of(error)) from None
    except UnicodeEncodeError:
        raise invalid_field("body", "unprintable", "holds half a surrogate pair") from None
    problems = list(_unusable(order, channels))
    if problems:
        raise invalid(problems)
    return order


def canonical(order: Order) -> bytes:
    """The same bytes for the same order, however it was written."""
    return json.dumps(order.model_dump(mode="json"), sort_keys=True).encode()


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = strict_json(body)
    except ValueError as error:
        raise _not_json(str(error)) from None
    if not isinstance(said, dict):
        raise _not_json("body: is not a JSON object")
    return said


def _not_json(why: str) -> Refusal:
    reason = why.removeprefix("body: ")
    return invalid_field("body", "json_invalid", reason[:200])


def _unusable(order: Order, channels: Collection[str]) -> Iterator[Problem]:
    """What no table of ours could hold, or what could never be spoken of again."""
    if order.channel not in channels:
        yield _problem("channel", "unknown", "is not one of ours")
    try:
        _ = order.order_id
    except InvalidOrderId as error:
        field = "channel" if error.field == "channel" else "channel_order_id"
        yield _problem(field, "malformed", error.reason)
    if not order.number.strip():
        yield _problem("number", "missing", "must not be empty")
    for field in ("placed_at", "channel_updated_at"):
        at = getattr(order, field)
        if at is not None and not FIRST_YEAR <= at.year <= LAST_YEAR:
            yield _problem(field, "out_of_range", "is no year of trade")
    if order.paid_total and order.paid_total.currency != order.totals.total.currency:
        yield _problem("paid_total", "currency", "is not in the order's currency")
    yield from _unusable_lines(order)
    for field in ("number", "email", "phone", "cancel_reason"):
        if len(getattr(order, field)) > TEXT_MAX:
            yield _problem(field, "too_long", f"has more than {TEXT_MAX} characters")
    if len(order.note) > NOTE_MAX:
        yield _problem("note", "too_long", f"has more than {NOTE_MAX} characters")


def _unusable_lines(order: Order) -> Iterator[Problem]:
    if len(order.lines) > LINES_MAX:
        yield _problem("lines", "too_many", f"has more than {LINES_MAX}")
    seen: set[str] = set()
    for n, line in enumerate(order.lines[:LINES_MAX]):
        if line.line_id in seen:
            yield _problem(f"lines.{n}.line_id", "repeated", "is another line's too")
        seen.add(line.line_id)
        for field in ("quantity", "weight_g"):
            if abs(getattr(line, field)) > NUMBER_MAX:
                yield _problem(f"lines.{n}.{field}", "out_of_range", "is out of range")
        for field, most in (("line_id", NAME_LIMIT), ("sku", NAME_LIMIT), ("title", TEXT_MAX)):
            if len(getattr(line, field)) > most:
                yield _problem(f"lines.{n}.{field}", "too_long", f"has more than {most}")


def _problem(field: str, reason: str, message: str) -> Problem:
    return Problem(field=field, reason=reason, message=message)
