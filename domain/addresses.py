"""Addresses as channels send them, and whether a parcel could reach them by the country's rules."""

import unicodedata
from collections.abc import Iterator
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from domain.postal_formats import Area, PostalFormat, postal_format
from domain.problems import Problem

HELD_LIMIT = 2_000
"""What a field can hold: far more than an address needs, so that nonsense is kept and shown."""

PRINTED_LIMIT = 255
"""What a field may have to be delivered to; the same as Shopify's own limit."""

_REPLACED = "\ufffd"


def _storable(value: object) -> object:
    """Make a text that PostgreSQL, JSON and a page can hold, and show where it was broken.

    Line breaks and tabs become spaces; other control characters and halves of surrogate pairs
    become U+FFFD, which `check_address` then names. The channel's own bytes stay in the inbox.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    spaced = value.translate({9: " ", 10: " ", 11: " ", 12: " ", 13: " ", 0x85: " "})
    return "".join(
        _REPLACED if unicodedata.category(character) in ("Cc", "Cs") else character
        for character in spaced
    ).strip()


Text = Annotated[str, BeforeValidator(_storable), Field(max_length=HELD_LIMIT)]


class Address(BaseModel):
    """Where somebody wants a parcel, as they wrote it: stripped, but otherwise unjudged.

    `region` is a code or a name, `country` should be ISO 3166 alpha-2 (upper-cased here), and
    neither need be: `check_address` judges. Blank lines are dropped; one always remains.
    """

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)

    name: Text = ""
    company: Text = ""
    lines: Annotated[tuple[Text, ...], Field(min_length=1, max_length=3)] = ("",)
    city: Text = ""
    region: Text = ""
    postal_code: Text = ""
    country: Text = ""
    phone: Text | None = None

    @field_validator("lines", mode="before")
    @classmethod
    def _drop_blank_lines(cls, value: object) -> object:
        if not isinstance(value, (list, tuple)):
            return value
        kept = tuple(line for line in value if line is not None and str(line).strip())
        return kept or ("",)

    @field_validator("country")
    @classmethod
    def _capital_country(cls, country: str) -> str:
        return country.upper() if country.isascii() else country


class AddressAccepted(BaseModel):
    """Deliverable as it was written."""

    model_config = ConfigDict(frozen=True)


class AddressNormalised(BaseModel):
    """Deliverable; `address` writes the same place as the country's post does."""

    model_config = ConfigDict(frozen=True)

    address: Address


class AddressProblems(BaseModel):
    """Not deliverable as it stands: at least one problem, in the order of the fields."""

    model_config = ConfigDict(frozen=True)

    problems: tuple[Problem, ...]


AddressVerdict = AddressAccepted | AddressNormalised | AddressProblems


def check_address(address: Address) -> AddressVerdict:
    """Judge an address by its country's postal rules; the phone is `check_phone`'s.

    Reasons: `missing` (also where there is neither letter nor digit), `too_long`, `unprintable`
    (control characters), `unknown` (no such country, region or city), `malformed` (no such post
    code), `mismatch` (a post code of another region or city).
    """
    problems = tuple(_unprintable(address))
    if problems:
        return AddressProblems(problems=problems)
    rules = postal_format(address.country)
    if rules is None:
        return AddressProblems(problems=(*_nobody(address), _nowhere(address)))
    written = _as_the_post_writes(address, rules)
    problems = (*_nobody(written), *_undeliverable(written, rules))
    if problems:
        return AddressProblems(problems=problems)
    return AddressAccepted() if written == address else AddressNormalised(address=written)


def _unprintable(address: Address) -> Iterator[Problem]:
    for field in Address.model_fields:
        texts = address.lines if field == "lines" else (getattr(address, field) or "",)
        if any(len(text) > PRINTED_LIMIT for text in texts):
            yield _problem(field, "too_long", f"has more than {PRINTED_LIMIT} characters")
        elif any(_REPLACED in text for text in texts):
            yield _problem(field, "unprintable", "holds characters that cannot be printed")


def _nobody(address: Address) -> Iterator[Problem]:
    if not _says_something(address.name + address.company):
        yield _problem("name", "missing", "or a company is required")


def _nowhere(address: Address) -> Problem:
    if not address.country:
        return _problem("country", "missing", "is required, as an ISO 3166 code such as DE")
    return _problem("country", "unknown", "is no ISO 3166 code of two letters, such as DE")


def _as_the_post_writes(address: Address, rules: PostalFormat) -> Address:
    changes = {"postal_code": rules.tidy_postal_code(address.postal_code)}
    region = rules.region(address.region)
    if region is not None:
        changes["region"] = _region_as_written(address.region, region)
    return address.model_copy(update=changes)


def _region_as_written(text: str, region: Area) -> str:
    """Prefer the post's own code or name, but never turn a Latin name into another script."""
    if region.key.isascii():
        return region.key
    return region.name if region.is_code(text) else text


def _undeliverable(address: Address, rules: PostalFormat) -> Iterator[Problem]:
    region = rules.region(address.region)
    required = (region.required if region else None) or rules.required
    country = rules.country
    for field in ("lines", "city", "region", "postal_code"):
        if field in required and not _says_something("".join(getattr(address, field))):
            yield _problem(field, "missing", f"is required in {country}")
        elif field == "city" and region and _city_is_unknown(address, region, required):
            yield _problem(field, "unknown", f"is none of the region that is given in {country}")
        elif field == "region" and field in required and region is None and rules.lists_regions:
            yield _problem(field, "unknown", f"is none of {country}")
        elif field == "postal_code" and _says_something(address.postal_code):
            yield from _wrong_postal_code(address, rules, region)


def _city_is_unknown(address: Address, region: Area, required: frozenset[str]) -> bool:
    """Judge a city only where the post requires one and the data lists the region's cities."""
    return "city" in required and region.lists_cities and region.city(address.city) is None


def _wrong_postal_code(
    address: Address, rules: PostalFormat, region: Area | None
) -> Iterator[Problem]:
    code = address.postal_code
    pattern = (region.postal_code if region else None) or rules.postal_code
    if pattern is None:
        return
    if not pattern.fullmatch(code):
        like = f", which look like {rules.postal_code_example}" if rules.postal_code_example else ""
        yield _problem("postal_code", "malformed", f"is no post code of {rules.country}{like}")
        return
    city = region.city(address.city) if region else None
    for field, area in (("region", region), ("city", city)):
        if area and area.postal_code_start and not area.postal_code_start.match(code):
            yield _problem("postal_code", "mismatch", f"is not of the {field} that is given")
            return


def _says_something(text: str) -> bool:
    return any(character.isalnum() for character in text)


def _problem(field: str, reason: str, complaint: str) -> Problem:
    called = {"lines": "street", "postal_code": "post code"}.get(field, field)
    return Problem(field=field, reason=reason, message=f"The {called} {complaint}.")
