"""Reads what people say of SKUs, locations and bundles: each problem with its field."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from domain.geography import countries
from domain.locations import Location
from domain.problems import Problem
from domain.values import Value
from starter.problems import invalid, invalid_field, problems_of

V = TypeVar("V", bound=Value)

LOCATION = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LOCATION_MAX = 100
COUNTRY = re.compile(r"[A-Z]{2}")
NAME_MAX = 200


def entry(kind: type[V], key: str, name: str, body: Mapping[str, Any]) -> V:
    """An entry whose `key` is `name`, from a body that need not repeat it.

    Raises:
        Refusal: 422, each field that is wrong with its reason.
    """
    if body.get(key, name) != name:
        raise invalid_field(key, "differs", "is not the one that the address names")
    try:
        made = kind.model_validate_json(json.dumps({**body, key: name}), strict=True)
    except ValidationError as error:
        raise invalid(problems_of(error)) from None
    if isinstance(made, Location):
        refuse(location_problems(made))
    return made


def refuse(problems: Iterator[Problem]) -> None:
    """Raise `Refusal` if there are any."""
    found = list(problems)
    if found:
        raise invalid(found)


def location_problems(said: Location) -> Iterator[Problem]:
    """What could be kept but never shipped from, or never be named in an address of ours."""
    if len(said.location) > LOCATION_MAX or not LOCATION.fullmatch(said.location):
        message = f"must be [a-z0-9]+ with single hyphens, of at most {LOCATION_MAX} characters"
        yield Problem(field="location", reason="malformed", message=message)
    if not said.name.strip() or len(said.name) > NAME_MAX or not said.name.isprintable():
        message = f"must be a printable text of 1 to {NAME_MAX} characters"
        yield Problem(field="name", reason="malformed", message=message)
    yield from country_problems("address.country", said.address.country)
    for n, country in enumerate(said.serves):
        yield from country_problems(f"serves.{n}", country)


def country_problems(field: str, country: str) -> Iterator[Problem]:
    """What is wrong with a country's code; one that none has would never match."""
    if not COUNTRY.fullmatch(country):
        message = "must be two capital letters (ISO 3166)"
        yield Problem(field=field, reason="malformed", message=message)
    elif country not in countries():
        message = f"{country} is no country (ISO 3166)"
        yield Problem(field=field, reason="unknown_country", message=message)
