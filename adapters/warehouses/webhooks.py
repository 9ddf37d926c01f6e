"""What warehouses report of our fulfilments, signed as https://www.standardwebhooks.com says."""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from adapters.strict_json import strict_json
from adapters.warehouses.protocol import Fulfilment
from domain.ids import EFFECT_KEY_LIMIT, OrderId, parse_order_id
from domain.verbs import WarehouseSaid

EARLY_LIMIT = timedelta(minutes=5)
LATE_LIMIT = timedelta(hours=1)
"""More than the usual five minutes: some senders sign once and retry for long, and a repeated
message changes nothing here, as its `webhook-id` is kept for ever."""

_PREFIX = "whsec_"
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
_KEY_LIMIT = 200
_REFERENCE = re.compile(r"[!-.0-~]+(/[A-Za-z0-9_.~-]+)+")


class WarehouseReport(BaseModel):
    """`said` is for the workflow of `order_id`; who heard it adds `command_id` and `by`."""

    model_config = ConfigDict(frozen=True)

    order_id: OrderId
    said: WarehouseSaid


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    type: Literal["fulfilment.packed", "fulfilment.rejected", "fulfilment.handed_over"]
    data: Fulfilment


def verify(
    raw_body: bytes,
    headers: Mapping[str, str],
    secrets: Iterable[str],
    at: datetime | None = None,
) -> bool:
    """Whether one of the secrets signed these bytes, at about `at` (now unless told)."""
    given = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not message_id or not _is_timely(stamp, at or datetime.now(UTC)):
        return False
    signed = f"{message_id}.{stamp}.".encode(errors="replace") + raw_body
    signatures = list(_signatures(given.get("webhook-signature", "")))
    matches = [
        hmac.compare_digest(signature, hmac.digest(_key(secret), signed, hashlib.sha256))
        for secret in secrets
        for signature in signatures
    ]
    return any(matches)


def event_key(raw_body: bytes, headers: Mapping[str, str]) -> str:
    """The message's id, the same in every delivery of it."""
    given = {name.lower(): value for name, value in headers.items()}.get("webhook-id", "")
    usable = 0 < len(given) <= _KEY_LIMIT and given.isprintable()
    return given if usable else hashlib.sha256(raw_body).hexdigest()


def to_report(raw_body: bytes, location: str) -> WarehouseReport:
    """Read what the warehouse at `location` says of one fulfilment of its own.

    Raises:
        ValueError: names the field and the reason.
    """
    try:
        event = _Event.model_validate(strict_json(raw_body))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise ValueError(f"{where}: {first['msg']}") from None
    if event.data.location != location:
        raise ValueError("data.location: is not the location whose key signed this")
    parcels = event.data.packed_parcels()
    if event.type == "fulfilment.packed" and not parcels:
        raise ValueError("data.parcels: is empty, though the fulfilment is packed")
    rejected = event.type == "fulfilment.rejected"
    return WarehouseReport(
        order_id=_order_id(event.data.reference),
        said=WarehouseSaid(
            reference=event.data.reference,
            location=location,
            status=_status(event.type),
            reason=event.data.rejection() if rejected else "",
            short=event.data.short_picks() if rejected else (),
            parcels=parcels,
        ),
    )


def _status(
    kind: Literal["fulfilment.packed", "fulfilment.rejected", "fulfilment.handed_over"],
) -> Literal["rejected", "packed", "handed_over"]:
    match kind:
        case "fulfilment.packed":
            return "packed"
        case "fulfilment.rejected":
            return "rejected"
        case "fulfilment.handed_over":
            return "handed_over"


def _order_id(reference: str) -> OrderId:
    order = reference.partition("/")[0]
    try:
        parse_order_id(order)
        ours = len(reference) <= EFFECT_KEY_LIMIT and _REFERENCE.fullmatch(reference)
    except ValueError:
        ours = None
    if not ours:
        raise ValueError("data.reference: is none that we made") from None
    return OrderId(order)


def _is_timely(stamp: str, at: datetime) -> bool:
    if not _TIMESTAMP.fullmatch(stamp):
        return False
    age_s = at.timestamp() - int(stamp)
    return -EARLY_LIMIT.total_seconds() <= age_s <= LATE_LIMIT.total_seconds()


def _signatures(header: str) -> Iterator[bytes]:
    """Each `v1,<base64>` of a list that spaces separate; other versions are not ours."""
    for entry in header.split():
        version, _, signature = entry.partition(",")
        if version == "v1":
            try:
                yield base64.b64decode(signature, validate=True)
            except (binascii.Error, ValueError):
                continue


def _key(secret: str) -> bytes:
    """Decode `whsec_<base64>`, with or without padding; a setting that is none is a bug."""
    encoded = secret.removeprefix(_PREFIX)
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
