"""What an order hears, by the name of its signal or update."""

from collections.abc import Mapping, Sequence

from temporalio import workflow
from temporalio.common import RawValue

from domain.verbs import (
    Cancel,
    FixAddress,
    Hold,
    InvalidVerb,
    ParcelMoved,
    PaymentChanged,
    Release,
    RequestReturn,
    Retry,
    StockAssigned,
    Verb,
    WarehouseSaid,
    parse_verb,
)

KINDS: Mapping[str, type[Verb]] = {
    "hold": Hold,
    "release": Release,
    "fix_address": FixAddress,
    "cancel": Cancel,
    "retry": Retry,
    "payment_changed": PaymentChanged,
    "stock_assigned": StockAssigned,
    "warehouse_said": WarehouseSaid,
    "parcel_moved": ParcelMoved,
    "request_return": RequestReturn,
}


def parse(kinds: Mapping[str, type[Verb]], name: str, args: Sequence[RawValue]) -> Verb:
    """The message of that name.

    Raises:
        InvalidVerb: there is none of that name, or its fields are not right.
    """
    kind = kinds.get(name)
    if kind is None:
        raise InvalidVerb(
            f"{name}: there is no such signal or update; there are {', '.join(kinds)}"
        )
    raw = None
    if args:
        try:
            raw = workflow.payload_converter().from_payload(args[0].payload)
        except Exception as error:  # noqa: BLE001 - whatever the payload was, it is not ours
            raise InvalidVerb(f"{name}: unreadable payload: {type(error).__name__}") from None
    return parse_verb(kind, raw)


def name_of(verb: Verb) -> str:
    return next(name for name, kind in KINDS.items() if type(verb) is kind)
