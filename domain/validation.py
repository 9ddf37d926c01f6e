"""Whether an order can be fulfilled as it came: lines, totals, contacts, address."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Literal

from domain.addresses import (
    Address,
    AddressAccepted,
    AddressNormalised,
    AddressProblems,
    check_address,
)
from domain.contacts import check_email, check_phone
from domain.money import Money
from domain.orders import Destination, Order, Totals
from domain.problems import Problem
from domain.values import Message


class HoldReason(StrEnum):
    """The holds that the system itself sets."""

    ADDRESS = "address"
    DATA = "data"
    PAYMENT = "payment"


class Verdict(Message):
    """What checking found. `address` is the normalised address where it differs from what came."""

    outcome: Literal["accepted", "normalised", "problems"]
    address: Address | None = None
    address_problems: tuple[Problem, ...] = ()
    data_problems: tuple[Problem, ...] = ()


def validate(order: Order, known_skus: frozenset[str]) -> Verdict:
    """Check everything and report every problem at once, by field."""
    data = (*_trial(order), *_lines(order, known_skus), *_totals(order), *_contacts(order))
    match check_address(order.address):
        case AddressProblems(problems=problems):
            return Verdict(outcome="problems", address_problems=problems, data_problems=data)
        case AddressNormalised(address=address):
            outcome: Literal["normalised", "problems"] = "problems" if data else "normalised"
            return Verdict(outcome=outcome, address=address, data_problems=data)
        case AddressAccepted():
            return Verdict(outcome="problems" if data else "accepted", data_problems=data)


def _trial(order: Order) -> list[Problem]:
    """What tries the shop out is sent only if somebody says so."""
    said = Problem(field="test", reason="true", message="the channel marks the order as a test")
    return [said] if order.test else []


def _lines(order: Order, known_skus: frozenset[str]) -> list[Problem]:
    if not order.lines:
        return [Problem(field="lines", reason="empty", message="the order has no lines")]
    found = []
    for n, line in enumerate(order.lines):
        if line.quantity <= 0:
            found.append(
                Problem(
                    field=f"lines.{n}.quantity",
                    reason="not_positive",
                    message="the quantity must be at least 1",
                )
            )
        if line.weight_g < 0:
            found.append(
                Problem(
                    field=f"lines.{n}.weight_g",
                    reason="negative",
                    message="the weight is below zero",
                )
            )
        if line.sku not in known_skus:
            found.append(
                Problem(
                    field=f"lines.{n}.sku",
                    reason="unknown",
                    message="the catalogue has no such SKU",
                )
            )
    return found


def _totals(order: Order) -> list[Problem]:
    totals = order.totals
    if len({amount.currency for amount in _amounts(order)}) > 1:
        return [Problem(field="totals", reason="currencies", message="the currencies differ")]
    found = []
    if sum(line.unit_price.amount_minor * line.quantity for line in order.lines) != (
        totals.lines.amount_minor
    ):
        found.append(
            Problem(
                field="totals.lines", reason="sum", message="the lines do not sum to their total"
            )
        )
    if not _adds_up(totals):
        found.append(
            Problem(field="totals.total", reason="sum", message="the parts do not sum to the total")
        )
    if totals.total.amount_minor < 0:
        found.append(
            Problem(field="totals.total", reason="negative", message="the total is below zero")
        )
    if order.paid_total is not None and order.paid_total.amount_minor < 0:
        found.append(
            Problem(field="paid_total", reason="negative", message="what was paid is below zero")
        )
    return found


def _amounts(order: Order) -> Iterator[Money]:
    for line in order.lines:
        yield from (line.unit_price, line.discount, line.tax)
    for _, said in order.totals:
        if isinstance(said, Money):
            yield said


def _adds_up(totals: Totals) -> bool:
    try:
        return totals.expected() == totals.total
    except ValueError:  # on the way to a sum that is larger than any amount
        return False


def _contacts(order: Order) -> list[Problem]:
    phone = order.phone or order.address.phone
    checked = (
        check_email(order.email) if order.email else None,
        check_phone(phone, order.address.country) if phone else None,
    )
    return [found for found in checked if isinstance(found, Problem)]


class Validated(Message):
    """The order may go on with this version of its address; nothing personal."""

    kind: Literal["validated"] = "validated"
    address_version: int
    destination: Destination


class Invalid(Message):
    """What must be put right, `field: reason` each, without the values."""

    kind: Literal["invalid"] = "invalid"
    address: tuple[str, ...] = ()
    data: tuple[str, ...] = ()
