"""Phones become E.164 and e-mail addresses what mail servers take, or the problem is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contacts import (
    EmailAccepted,
    EmailNormalised,
    PhoneAccepted,
    PhoneNormalised,
    check_email,
    check_phone,
)
from domain.problems import Problem
from tests.passing_time import least_cpu_s


@pytest.mark.parametrize(
    ("country", "text", "e164"),
    [
        ("AE", "050 123 4567", "+971501234567"),
        ("AU", "0412 345 678", "+61412345678"),
        ("BR", "(11) 91234-5678", "+5511912345678"),
        ("CN", "138 0013 8000", "+8613800138000"),
        ("DE", "030 901820", "+4930901820"),
        ("ES", "612 34 56 78", "+34612345678"),
        ("FR", "01 23 45 67 89", "+33123456789"),
        ("GB", "020 7946 0958", "+442079460958"),
        ("IN", "098765 43210", "+919876543210"),
        ("IT", "06 698 12345", "+390669812345"),  # Italy keeps its zero
        ("JP", "03-1234-5678", "+81312345678"),
        ("KR", "010-1234-5678", "+821012345678"),
        ("MX", "55 1234 5678", "+525512345678"),
        ("US", "555-625-1199", "+15556251199"),  # as in Shopify's documentation
        ("us", "+49 30 901820 ext 12", "+4930901820"),
        ("Narnia", "+49 (0)30 901820", "+4930901820"),
        ("DE", "٠٣٠ ٩٠١٨٢٠", "+4930901820"),
    ],
)
def test_a_number_is_normalised_to_e164(country: str, text: str, e164: str) -> None:
    assert check_phone(text, country) == PhoneNormalised(e164=e164)
    assert check_phone(e164, "") == PhoneAccepted()


@pytest.mark.parametrize(
    ("country", "text", "reason"),
    [
        ("DE", "", "missing"),
        ("DE", "  ", "missing"),
        ("DE", "abc", "malformed"),
        ("DE", "😀", "malformed"),
        ("DE", "\u202e\u202e", "malformed"),
        ("", "030 901820", "malformed"),
        ("XX", "030 901820", "malformed"),
        ("US", "625-1199", "impossible"),
        ("US", "555-625-11999", "impossible"),
        ("DE", "+999 123 456 789", "malformed"),
        ("DE", "030\x00901820", "unprintable"),
        ("DE", "030\n901820", "unprintable"),
        ("DE", "1" * 41, "too_long"),
    ],
)
def test_what_cannot_be_dialled_is_named(country: str, text: str, reason: str) -> None:
    verdict = check_phone(text, country)
    assert isinstance(verdict, Problem)
    assert (verdict.field, verdict.reason) == ("phone", reason)


@pytest.mark.parametrize(
    "text",
    ["ann@example.com", "ann+tag@mail.example.co.uk", "jörg@müller.de", "a.b@shop.test"],
)
def test_a_good_address_is_accepted(text: str) -> None:
    assert check_email(text) == EmailAccepted()


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Ann@EXAMPLE.com", "Ann@example.com"),
        (" ann@example.com\n", "ann@example.com"),
        ("jo\u0308rg@example.de", "j\u00f6rg@example.de"),
        ("ann@xn--mller-kva.de", "ann@müller.de"),
    ],
)
def test_an_address_is_normalised_but_its_local_part_keeps_its_case(text: str, email: str) -> None:
    assert check_email(text) == EmailNormalised(email=email)
    assert check_email(email) == EmailAccepted()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "missing"),
        (" ", "missing"),
        ("@", "malformed"),
        ("ann", "malformed"),
        ("ann@", "malformed"),
        ("ann@localhost", "malformed"),
        ("ann@example", "malformed"),
        ("ann@@example.com", "malformed"),
        (".ann@example.com", "malformed"),
        ("ann@exa mple.com", "malformed"),
        ("Ann <ann@example.com>", "malformed"),
        ("ann@example.com,bob@example.com", "malformed"),
        ("ann@[127.0.0.1]", "malformed"),
        ("\u202eann@example.com", "malformed"),
        ("a\x00nn@example.com", "unprintable"),
        ("ann@example.com\nBcc: bob@example.com", "unprintable"),
        ("a" * 65 + "@example.com", "malformed"),
        ("a" * 250 + "@b.de", "too_long"),
    ],
)
def test_an_address_that_takes_no_mail_is_named(text: str, reason: str) -> None:
    verdict = check_email(text)
    assert isinstance(verdict, Problem)
    assert (verdict.field, verdict.reason) == ("email", reason)


@given(st.text(max_size=300), st.text(max_size=3))
def test_every_text_gets_a_verdict(text: str, country: str) -> None:
    assert isinstance(check_phone(text, country), PhoneAccepted | PhoneNormalised | Problem)
    assert isinstance(check_email(text), EmailAccepted | EmailNormalised | Problem)


@pytest.mark.parametrize("character", ["1", "a", "@", ".", "+", "😀", "\u202e", "\x00", "٣"])
def test_ten_kilobytes_of_anything_are_refused_at_once(character: str) -> None:
    def a_hundred() -> None:
        for _ in range(100):
            assert check_phone(character * 10_000, "DE") == Problem(
                field="phone", reason="too_long", message="The phone has more than 40 characters."
            )
            assert isinstance(check_email(character * 10_000), Problem)

    assert least_cpu_s(a_hundred) < 0.1
