"""Turns values into JSON that PostgreSQL can hold: it takes neither NUL nor half a character."""

import re
from typing import Any

from pydantic import BaseModel, TypeAdapter

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
_ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)


def document(value: BaseModel) -> str:
    """The value's JSON; NUL characters in its texts become U+FFFD."""
    return _without_nul(value.model_dump_json())


def json_text(value: Any) -> str:
    """The same for plain data that may hold models."""
    return _without_nul(_ANYTHING.dump_json(value).decode())


def storable(text: str) -> str:
    """A text for a text column."""
    return text.replace("\0", "\ufffd")


def _without_nul(text: str) -> str:
    return _NUL.sub(r"\1\\ufffd", text) if "\\u0000" in text else text
