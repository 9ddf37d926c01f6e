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
    """A number that can be dialled, already written as E.164."""

    model_config = ConfigDict(frozen=True)


class PhoneNormalised(BaseModel):
    """A number that can be dialled and how E.164 writes it, such as "+4930901820"."""

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

    Numbers need only be possible (their length is one of the country's): numbering plans change
    faster than any data about them, and an order must not wait for a new area code.

    Reasons: `missing`, `too_long`, `unprintable`, `malformed` (no number, or no country for it),
    `impossible` (too short or too long for its country). An extension ("x12") is dropped from
    what is normalised: E.164 has none.
    """
    problem = _unreadable("phone", text, PHONE_LIMIT)
    if problem is not None:
        return problem
    region = default_country.upper() if len(default_country) == len("XX") else None
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return _problem("phone", "malformed", "is no number, or lacks its country's code")
    # A local number ("901820") is "possible" too, but only for those who live there.
    length = phonenumbers.is_possible_number_with_reason(number)
    if length != phonenumbers.ValidationResult.IS_POSSIBLE:
        return _problem("phone", "impossible", "has too few or too many digits for its country")
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
        checked = validate_email(
            text.strip(),
            check_deliverability=False,
            strict=True,  # RFC 5321's limit of 64 for the local part
            test_environment=True,  # takes the domain .test (RFC 6761), which is well formed
        )
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
