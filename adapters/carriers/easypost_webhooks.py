"""EasyPost's events, as they come in (https://docs.easypost.com/guides/webhooks-guide)."""

import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Mapping

from adapters.carriers.easypost_scans import read_tracker, scans_of
from adapters.strict_json import strict_json
from domain.tracking import Scan

SIGNATURE = "x-hmac-signature"
PREFIX = "hmac-sha256-hex="


def verify(raw_body: bytes, headers: Mapping[str, str], secrets: Iterable[str]) -> bool:
    """Whether EasyPost signed these bytes with one of the secrets (two are valid in a rotation)."""
    given = {name.lower(): value for name, value in headers.items()}.get(SIGNATURE, "")
    # As bytes: compare_digest raises on text that is not ASCII.
    signature = given.strip().encode(errors="replace")
    expected = [_signature(raw_body, secret) for secret in secrets if secret]
    matches = [hmac.compare_digest(signature, one) for one in expected]
    return any(matches)


def event_key(raw_body: bytes) -> str:
    """The event's own id, the same in every delivery; of what has none, a hash of its bytes."""
    try:
        event = strict_json(raw_body)
    except ValueError:
        event = None
    found = event.get("id") if isinstance(event, dict) else None
    if isinstance(found, str) and 0 < len(found) <= 200 and found.isprintable():  # noqa: PLR2004
        return found
    return hashlib.sha256(raw_body).hexdigest()


def to_scans(raw_body: bytes) -> tuple[Scan, ...]:
    """The scans in an event about a tracker; none in any other event.

    Raises:
        ValueError: names the field and the reason.
    """
    event = strict_json(raw_body)
    if not isinstance(event, dict):
        raise ValueError("body: is no object")  # noqa: TRY004 - what was sent is wrong, not our type
    result = event.get("result")
    if not isinstance(result, dict):
        raise ValueError("result: is no object")  # noqa: TRY004 - as above
    kind = result.get("object")
    if not isinstance(kind, str):
        raise ValueError("result.object: is missing")  # noqa: TRY004 - as above
    if kind != "Tracker":
        return ()
    return scans_of(read_tracker(result, "result"), "result")


def _signature(raw_body: bytes, secret: str) -> bytes:
    key = unicodedata.normalize("NFKD", secret).encode()
    return f"{PREFIX}{hmac.new(key, raw_body, hashlib.sha256).hexdigest()}".encode()
