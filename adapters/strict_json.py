"""Reads JSON that others sent, and takes nothing that RFC 8259 does not know."""

import json
import math
from typing import NoReturn

_TOO_LARGE = "body: holds a number that is too large"


def strict_json(body: bytes | str) -> object:
    """Parse UTF-8 JSON; numbers must be finite and names in an object unique.

    Raises:
        ValueError: says what is wrong, never quoting the text, which may hold personal data.
    """
    try:
        return json.loads(
            body,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_whole,
            object_pairs_hook=_unique,
        )
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"body: is not JSON (at {_where(error)})") from None
    except RecursionError:
        raise ValueError("body: is nested too deeply") from None


def _where(error: json.JSONDecodeError | UnicodeDecodeError) -> int:
    return error.pos if isinstance(error, json.JSONDecodeError) else error.start


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"body: {name} is no JSON number")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # past Python's own limit of digits, which keeps this fast
        raise ValueError(_TOO_LARGE) from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(_TOO_LARGE)
    return number


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise ValueError("body: an object names a member twice")
    return read
