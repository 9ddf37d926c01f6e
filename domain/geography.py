"""Where a postal code lies and how far apart two places are, offline: what sourcing measures by.

The data are GeoNames' under CC BY 4.0 (NOTICE, `data/SOURCE.txt`), made by `make postal-codes`.
The first look-up in a country reads its codes (Portugal and Japan take some 10 ms); whoever serves
an event loop calls `load` first, in a thread. Workflows do not look up: an activity does.
"""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from zipfile import ZipFile

from domain.postal_codes import PostalCodes, postal_key
from domain.values import Value

_DATA = files("domain") / "data"
_EARTH_RADIUS_KM = 6371.0088
"""The mean radius of the IUGG; a great circle on this sphere is within 0.6 % of the ellipsoid."""


class Precision(StrEnum):
    """How much of the address the place was found by."""

    EXACT = "exact"
    """The whole code."""
    PREFIX = "prefix"
    """The known code that agrees with it longest: an outward code, a sorting area, a region."""
    COUNTRY = "country"
    """Nothing but the country: where its people live on average."""


class Located(Value):
    """A place in degrees (WGS 84), to a hundredth of a degree."""

    latitude: float
    longitude: float
    precision: Precision


def coordinates(country: str, postal_code: str) -> Located | None:
    """Locate a postal code, or as much of it as is known, or at least the country.

    `country` is an ISO 3166 alpha-2 code (or XK). None only if there is no such country.
    """
    code = country.strip().upper()
    centre = _centres().get(code)
    if centre is None:
        return None
    codes = _codes(code)
    match = None if codes is None else codes.find(postal_key(code, postal_code))
    if match is None:
        return centre
    return Located(
        latitude=match.latitude,
        longitude=match.longitude,
        precision=Precision.EXACT if match.exact else Precision.PREFIX,
    )


def distance_km(one: Located, other: Located) -> float:
    """Measure the great circle between two places (haversine: good for short ways too)."""
    here, there = math.radians(one.latitude), math.radians(other.latitude)
    northward = math.sin((there - here) / 2) ** 2
    eastward = math.sin(math.radians(other.longitude - one.longitude) / 2) ** 2
    chord = northward + math.cos(here) * math.cos(there) * eastward
    return 2 * _EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(chord)))


def load(countries: Iterable[str]) -> None:
    """Read these countries' codes now, once for the life of the process; unknown ones are none."""
    for country in countries:
        coordinates(country, "")


def countries() -> frozenset[str]:
    """Name every country that has coordinates."""
    return frozenset(_centres())


@cache
def _centres() -> Mapping[str, Located]:
    lines = (_DATA / "countries.csv").read_text(encoding="ascii").splitlines()
    rows = (line.split(",") for line in lines)
    return {
        country: Located(
            latitude=float(latitude), longitude=float(longitude), precision=Precision.COUNTRY
        )
        for country, latitude, longitude in rows
    }


@cache
def _codes(country: str) -> PostalCodes | None:
    """Read a country's codes; None if it has none. Called for known countries alone: it caches."""
    with (_DATA / "postal_codes.zip").open("rb") as file, ZipFile(file) as archive:
        if country not in archive.namelist():
            return None
        return PostalCodes(archive.read(country))
