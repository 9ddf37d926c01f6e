"""Reads what a channel sent, strictly, and names the field and the reason where it cannot."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from adapters.strict_json import strict_json
from domain.money import InvalidMoney, Money

DEPTH_LIMIT = 64
TEXT_LIMIT = 2_000
NUMBER_LIMIT = 10**9
ID_DIGITS_LIMIT = 20
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_FIRST_YEAR, _LAST_YEAR = 1970, 9998


class Unreadable(ValueError):
    """An authentic body that we cannot read; neither its `field`, a path, nor `reason` quote it."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def parse_body(raw: bytes) -> Mapping[str, object]:
    """Parse a webhook's body: one JSON object in UTF-8, at most 64 levels deep.

    Numbers must be finite and names in an object unique; whole numbers of any size stay exact.

    Raises:
        Unreadable: of the field `body`.
    """
    try:
        parsed = strict_json(raw.decode())
    except UnicodeDecodeError:
        raise Unreadable("body", "is not UTF-8") from None
    except ValueError as error:
        said = str(error)
        ours = said.startswith("body: ")
        reason = said.removeprefix("body: ") if ours else "holds a number that is too large"
        raise Unreadable("body", reason) from None
    if not isinstance(parsed, dict):
        raise Unreadable("body", "is not a JSON object")
    if _is_too_deep(parsed):
        raise Unreadable("body", "is nested too deeply")
    return parsed


def _is_too_deep(parsed: object) -> bool:
    level = [parsed]
    for _ in range(DEPTH_LIMIT):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return False
    return True


def _inside(outer: object) -> Iterator[object]:
    if isinstance(outer, dict):
        yield from outer.values()
    elif isinstance(outer, list):
        yield from outer


def mended(text: str) -> str:
    """The text with U+FFFD for what PostgreSQL cannot hold: NUL, and half a surrogate pair."""
    return _UNSTORABLE.sub("\ufffd", text)


class Reader:
    """An object in a payload, which knows its own path. Null and missing are the same."""

    def __init__(self, fields: Mapping[str, object], path: str = "") -> None:
        self._fields = fields
        self._path = path

    def path(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def has(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def refuse(self, name: str, reason: str) -> Unreadable:
        """What to raise about the field `name`."""
        return Unreadable(self.path(name), reason)

    def text(self, name: str, *, limit: int = TEXT_LIMIT) -> str:
        """A text, `mended`, without space around it; "" if there is none. A number is one too."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < NUMBER_LIMIT**2:
            value = str(value)
        if not isinstance(value, str):
            raise self.refuse(name, "is not a text")
        if len(value) > limit:
            raise self.refuse(name, f"has more than {limit} characters")
        return mended(value).strip()

    def some_text(self, name: str) -> str:
        """A text that must be there."""
        found = self.text(name)
        if not found:
            raise self.refuse(name, "is missing")
        return found

    def number(self, name: str) -> int:
        """A whole number that must be there."""
        value = self._fields.get(name)
        if value is None:
            raise self.refuse(name, "is missing")
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.refuse(name, "is not a whole number")
        if abs(value) > NUMBER_LIMIT:
            raise self.refuse(name, "is out of range")
        return value

    def own_id(self, name: str) -> str:
        """An id of the channel's: a positive whole number, exact however large."""
        value = self._fields.get(name)
        if value is None:
            raise self.refuse(name, "is missing")
        text = value.strip() if isinstance(value, str) else _digits(value)
        if not (text.isascii() and text.isdigit() and len(text) <= ID_DIGITS_LIMIT and int(text)):
            raise self.refuse(name, "is not a positive whole number")
        return str(int(text))

    def flag(self, name: str, *, unless_said: bool) -> bool:
        value = self._fields.get(name)
        if value is None:
            return unless_said
        if not isinstance(value, bool):
            raise self.refuse(name, "is neither true nor false")
        return value

    def moment(self, name: str) -> datetime | None:
        """A time with its offset (RFC 3339), in UTC."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self.refuse(name, "is not a time")
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            raise self.refuse(name, "is not a time") from None
        if read.tzinfo is None:
            raise self.refuse(name, "has no offset from UTC")
        if not _FIRST_YEAR <= read.year <= _LAST_YEAR:
            raise self.refuse(name, "is out of range")
        return read.astimezone(UTC)

    def inner(self, name: str) -> "Reader | None":
        """The object in this field, if there is one."""
        value = self._fields.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            raise self.refuse(name, "is not an object")
        return Reader(value, self.path(name))

    def items(self, name: str) -> "list[Reader]":
        """The objects in this field's list; a missing list is an empty one."""
        value = self._fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list | tuple):
            raise self.refuse(name, "is not a list")
        found = []
        for place, item in enumerate(value):
            if not isinstance(item, Mapping):
                raise self.refuse(f"{name}[{place}]", "is not an object")
            found.append(Reader(item, self.path(f"{name}[{place}]")))
        return found

    def money(self, name: str, currency: str) -> Money:
        """A decimal text (or a whole number) in this currency; it must be there."""
        value = self._fields.get(name)
        if value is None:
            raise self.refuse(name, "is missing")
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < NUMBER_LIMIT**2:
            value = str(value)
        if not isinstance(value, str):
            raise self.refuse(name, "is not a decimal text")
        try:
            return Money.parse(value, currency)
        except InvalidMoney:
            raise self.refuse(name, f"is no plain decimal amount of {currency}") from None


def _digits(value: object) -> str:
    """A whole number as its digits; "" for anything else and for what is far too long."""
    if not isinstance(value, int) or isinstance(value, bool) or value.bit_length() > 4 * TEXT_LIMIT:
        return ""
    return str(value)
