"""The known postal codes of one country with their places, searched without being unpacked.

`scripts/postal_codes.py` writes what this module reads: one member a country in
`data/postal_codes.zip`. Its first byte is the width of a code; then come the bytes of all rows,
column by column, because columns of sorted codes and of neighbouring places compress well. A row is
a code, filled up with spaces, then latitude and longitude as signed little-endian hundredths of a
degree (at most 0.8 km off).
"""

import re
import struct
import unicodedata
from bisect import bisect_left
from typing import NamedTuple

HUNDREDTHS = struct.Struct("<hh")

_LENGTH_LIMIT = 20
_NOT_CODE = re.compile(r"[^0-9A-Z]")
_LEADING_LETTERS = re.compile(rb"[A-Z]*")
_INWARD = re.compile(r"[0-9][A-Z]{2}$")

_OUTWARD = frozenset({"GB", "GG", "IM", "JE"})
"""Whose codes end in an inward code, which the data lacks. The space stays: "N1 5AA" is in N1."""
_LETTERED = _OUTWARD | {"BM", "CA", "IE", "MT"}
"""Whose codes begin with letters that name an area. Elsewhere letters before the digits say the
country or a province ("D-10115", "LV-1050", "C1425" in Argentina) and the digits say it all."""
_MAKANI = re.compile(r"([0-9]{2})[0-9]{3}([0-9]{2})[0-9]{3}")
"""The Emirates have no postal codes. The data gives Makani numbers, metres east and metres north
of buildings, which we round to square kilometres."""


def postal_key(country: str, postal_code: str) -> str:
    """Reduce a code to what the data knows it by, however people write it; "" if nothing is left.

    Case, spaces, hyphens and wide digits do not matter, nor does CEDEX and what follows it.
    """
    text = unicodedata.normalize("NFKC", postal_code[:_LENGTH_LIMIT]).upper()
    code = _NOT_CODE.sub("", text.partition("CEDEX")[0])
    if country in _OUTWARD:
        return _INWARD.sub(r" \g<0>", code)
    if country in _LETTERED:
        return code
    digits = code.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return _MAKANI.sub(r"\1\2", digits) if country == "AE" else digits


class Match(NamedTuple):
    latitude: float
    longitude: float
    exact: bool


class PostalCodes:
    """Rows of one country in the order of their codes.

    A search by halves over the bytes themselves takes some microseconds and no memory beyond them;
    a dict of Portugal's codes would take 40 MB and be built anew in each process.
    """

    def __init__(self, packed: bytes) -> None:
        self._width = packed[0]
        self._row = self._width + HUNDREDTHS.size
        self._count = (len(packed) - 1) // self._row
        columns = memoryview(packed)[1:]
        rows = bytearray(len(columns))
        for number in range(self._row):
            rows[number :: self._row] = columns[number * self._count :][: self._count]
        self._rows = bytes(rows)

    def __len__(self) -> int:
        return self._count

    def find(self, key: str) -> Match | None:
        """Find a code or, if it is not known, the one that agrees with it longest from the start.

        Of two that agree as long, the earlier: many countries name a town by the first code of its
        range (20000-000 is Rio de Janeiro up to 23799-999). With known codes left out one by one
        this was as near as the mean of the prefix or nearer in 21 of 27 countries. None if nothing
        agrees; half an area's letters agree with nothing ("SX1" has naught to do with "SW1").
        """
        code = key.encode("ascii")
        after = bisect_left(range(self._count), code, key=self._code)
        neighbours = range(max(after - 1, 0), min(after + 1, self._count))
        alike = max(neighbours, key=lambda row: _shared(self._code(row), code))
        known = self._code(alike)
        if not _shared(known, code) or _area(known) != _area(code):
            return None
        latitude, longitude = HUNDREDTHS.unpack_from(self._rows, alike * self._row + self._width)
        return Match(latitude / 100, longitude / 100, known == code)

    def _code(self, row: int) -> bytes:
        start = row * self._row
        return self._rows[start : start + self._width].rstrip()


def pack(places: dict[str, tuple[float, float]]) -> bytes:
    """Write a country's places by key as `PostalCodes` reads them."""
    width = max(map(len, places))
    rows = [
        key.ljust(width).encode("ascii")
        + HUNDREDTHS.pack(round(latitude * 100), round(longitude * 100))
        for key, (latitude, longitude) in sorted(places.items())
    ]
    return bytes([width]) + b"".join(bytes(column) for column in zip(*rows, strict=True))


def _shared(one: bytes, other: bytes) -> int:
    """Count the characters at the start that two codes have in common."""
    for number, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine != theirs:
            return number
    return min(len(one), len(other))


def _area(code: bytes) -> bytes:
    letters = _LEADING_LETTERS.match(code)
    return letters[0] if letters else b""
