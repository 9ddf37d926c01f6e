"""Phone numbers and e-mail addresses: are they well formed, and how are they written properly?"""

import unicodedata

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from pydantic import BaseModel, ConfigDict

from domain.problems import Problem

PHONE_LIMIT = 40
EMAIL_LIMIT = 254
"""RFC 5321's limit for a path, less its angle brackets."""


class PhoneAccepted(BaseModel):
    """A possible number, already written as E.164."""

    model_config = ConfigDict(frozen=True)


class PhoneNormalised(BaseModel):
    """A valid number and how E.164 writes it, such as "+4930901820"."""

    model_config = ConfigDict(frozen=True)

    e164: str


class EmailAccepted(BaseModel):
    """An address that mail can be sent to as it is written."""

    model_config = ConfigDict(frozen=True)


class EmailNormalised(BaseModel):
    """A good address and how mail servers take it: stripped, domain in lower case, NFC."""

    model_config = ConfigDict(frozen=True)

    email: str


PhoneVerdict = PhoneAccepted | PhoneNormalised | Problem
EmailVerdict = EmailAccepted | EmailNormalised | Problem


def check_phone(text: str, default_country: str) -> PhoneVerdict:
    """Judge a number; one without a country's code is read as one of `default_country`.

    Reasons: `missing`, `too_long`, `unprintable`, `malformed` (no number at all), `unknown` (a
    number that no network has). An extension ("x12") is dropped: E.164 has none.
    """
    problem = _unreadable("phone", text, PHONE_LIMIT)
    if problem is not None:
        return problem
    region = default_country.upper() if len(default_country) == len("XX") else None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return _problem("phone", "malformed", "is no phone number with a country's code")
    if not phonenumbers.is_valid_number(number):
        return _problem("phone", "unknown", "is not in any country's numbering plan")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return PhoneAccepted() if e164 == text else PhoneNormalised(e164=e164)


def check_email(text: str) -> EmailVerdict:
    """Judge an address by its shape alone: no name server is asked.

    Reasons: `missing`, `too_long`, `unprintable`, `malformed`.
    """
    problem = _unreadable("email", text, EMAIL_LIMIT)
    if problem is not None:
        return problem
    try:
        checked = validate_email(text.strip(), check_deliverability=False)
    except EmailNotValidError:
        return _problem("email", "malformed", "is no address such as ann@example.com")
    return (
        EmailAccepted() if checked.normalized == text else EmailNormalised(email=checked.normalized)
    )


def _unreadable(field: str, text: str, limit: int) -> Problem | None:
    """Refuse cheaply what the libraries need not see: their time grows with the text."""
    if len(text) > limit:
        return _problem(field, "too_long", f"has more than {limit} characters")
    if not text.strip():
        return _problem(field, "missing", "is empty")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text.strip()):
        return _problem(field, "unprintable", "holds control characters")
    return None


def _problem(field: str, reason: str, complaint: str) -> Problem:
    called = {"email": "e-mail address"}.get(field, field)
    return Problem(field=field, reason=reason, message=f"The {called} {complaint}.")
