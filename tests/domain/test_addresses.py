"""An address is judged by its country's postal rules, quickly, and never altered silently."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.addresses import (
    Address,
    AddressAccepted,
    AddressNormalised,
    AddressProblems,
    check_address,
)
from domain.postal_formats import postal_format
from tests.passing_time import least_cpu_s


def address(country: str, city: str = "", region: str = "", postal_code: str = "") -> Address:
    return Address(
        name="Ann Buyer",
        lines=("1 High Street",),
        city=city,
        region=region,
        postal_code=postal_code,
        country=country,
    )


def problems(sent: Address) -> list[tuple[str, str]]:
    verdict = check_address(sent)
    assert isinstance(verdict, AddressProblems), verdict
    return [(problem.field, problem.reason) for problem in verdict.problems]


@pytest.mark.parametrize(
    "sent",
    [
        address("US", "Mountain View", "CA", "94043"),
        address("US", "Mountain View", "CA", "94043-1351"),
        address("GB", "London", "England", "SW1A 1AA"),
        address("DE", "Berlin", "", "10115"),
        address("FR", "Paris", "Île-de-France", "75001"),
        address("SE", "Stockholm", "", "114 55"),
        address("IE", "Dublin", "Dublin", ""),
        address("HK", "Central", "Hong Kong Island"),
        address("SG", "", "", "238859"),
        address("AE", "Dubai", "Dubai"),
        address("CN", "Haidian Qu", "Beijing Shi", "100084"),
        address("KR", "Gangnam-gu", "Seoul", "06000"),
        address("LV", "Rīga", "", "LV-1050"),
        address("PA", "Panamá"),
        address("XK", "Prishtina", "", "10000"),
    ],
    ids=lambda sent: sent.country,
)
def test_a_good_address_is_accepted_as_it_was_written(sent: Address) -> None:
    assert check_address(sent) == AddressAccepted()


@pytest.mark.parametrize(
    ("sent", "region", "postal_code"),
    [
        (address("US", "Mountain View", "California", "94043"), "CA", "94043"),
        (address("US", "Mountain View", "us-ca", "940431351"), "CA", "94043-1351"),
        (address("GB", "London", "", "sw1a1aa"), "", "SW1A 1AA"),
        (address("GB", "Manchester", "", "M25BQ"), "", "M2 5BQ"),
        (address("CA", "Montréal", "Québec", "h3z2y7"), "QC", "H3Z 2Y7"),
        (address("AU", "Sydney", "New South Wales", "2000"), "NSW", "2000"),
        (address("BR", "Sao Paulo", "São Paulo", "01310100"), "SP", "01310-100"),
        (address("CH", "Zürich", "", "CH-8001"), "", "8001"),
        (address("DE", "Berlin", "", "D-10115"), "", "10115"),
        (address("NL", "Amsterdam", "", "1012ab"), "", "1012 AB"),
        (address("PL", "Warszawa", "", "00950"), "", "00-950"),
        (address("PT", "Lisboa", "", "1000 001"), "", "1000-001"),
        (address("LV", "Rīga", "", "1050"), "", "LV-1050"),
        (address("IE", "Dublin", "", "d02x285"), "", "D02 X285"),
        (address("IT", "Roma", "Roma", "00118"), "RM", "00118"),
        (address("ES", "Madrid", "madrid", "28001"), "M", "28001"),
        (address("MX", "México", "Ciudad de México", "06000"), "CDMX", "06000"),
        (address("IN", "New Delhi", "DL", "110001"), "Delhi", "110001"),
        (address("AE", "Dubai", "DU"), "Dubai", ""),
        (
            address("JP", "Chiyoda", "JP-13", "\uff11\uff10\uff10\u2212\uff10\uff10\uff10\uff11"),
            "Tokyo",
            "100-0001",
        ),
        (address("JP", "千代田区", "東京都", "1000001"), "東京都", "100-0001"),
        (address("TW", "Da'an District", "TPE", "106"), "Taipei City", "106"),
    ],
    ids=lambda value: value.country if isinstance(value, Address) else None,
)
def test_regions_and_post_codes_are_written_as_the_post_does(
    sent: Address, region: str, postal_code: str
) -> None:
    expected = sent.model_copy(update={"region": region, "postal_code": postal_code})
    assert check_address(sent) == AddressNormalised(address=expected)
    assert check_address(expected) == AddressAccepted()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (address("US", "Mountain View", "CA", "10001"), [("postal_code", "mismatch")]),
        (address("US", "Mountain View", "CA", "9404"), [("postal_code", "malformed")]),
        (address("US", "Mountain View", "CA", ""), [("postal_code", "missing")]),
        (address("US", "Mountain View", "Kalifornia", "94043"), [("region", "unknown")]),
        (
            address("US"),
            [("city", "missing"), ("region", "missing"), ("postal_code", "missing")],
        ),
        (address("GB", "London"), [("postal_code", "missing")]),
        (address("GB", "London", "", "GIR0AAxyz"), [("postal_code", "malformed")]),
        (address("GB", "", "", "SW1A 1AA"), [("city", "missing")]),
        (address("DE", "Berlin", "", "1011"), [("postal_code", "malformed")]),
        (address("DE", "-", "", "10115"), [("city", "missing")]),
        (address("CA", "Toronto", "ON", "H3Z 2Y7"), [("postal_code", "mismatch")]),
        (address("ES", "Madrid", "M", "08001"), [("postal_code", "mismatch")]),
        (address("BR", "Lisboa", "SP", "01310-100"), [("city", "unknown")]),
        (address("BR", "Campinas", "SP", "20000-000"), [("postal_code", "mismatch")]),
        (address("CN", "", "北京市", "100084"), [("city", "missing")]),
        (address("JP", "", "", "100-0001"), [("region", "missing")]),
        (address("AE", "Dubai"), [("region", "missing")]),
        (address("FR", "Paris", "", "7500\u0661"), [("postal_code", "malformed")]),
        (address(""), [("country", "missing")]),
        (address("ZZ"), [("country", "unknown")]),
        (address("XX"), [("country", "unknown")]),
        (address("Germany"), [("country", "unknown")]),
        (address("../"), [("country", "unknown")]),
        (address("\uff24\uff25"), [("country", "unknown")]),
    ],
)
def test_what_is_wrong_is_named_by_field_and_reason(
    sent: Address, expected: list[tuple[str, str]]
) -> None:
    assert problems(sent) == expected


def test_macau_within_china_follows_its_own_rules() -> None:
    assert check_address(address("CN", "", "澳门", "999078")) == AddressAccepted()
    assert problems(address("CN", "", "澳门", "100084")) == [("postal_code", "malformed")]


def test_a_message_is_for_people_and_repeats_no_value() -> None:
    verdict = check_address(address("GB", "London", "", "secret"))
    assert isinstance(verdict, AddressProblems)
    assert [problem.message for problem in verdict.problems] == [
        "The post code is no post code of GB, which look like EC1Y 8SY."
    ]


def test_a_parcel_needs_somebody_and_somewhere() -> None:
    nobody = address("DE", "Berlin", "", "10115").model_copy(update={"name": "", "lines": ("",)})
    assert problems(nobody) == [("name", "missing"), ("lines", "missing")]
    company = nobody.model_copy(update={"company": "ACME", "lines": ("Weg 1",)})
    assert check_address(company) == AddressAccepted()
    faces = nobody.model_copy(update={"name": "😀", "lines": ("🏠",)})
    assert problems(faces) == [("name", "missing"), ("lines", "missing")]


def test_an_address_holds_what_a_channel_sends() -> None:
    sent = Address.model_validate(
        {
            "name": "  Ann\tBuyer \n",
            "company": None,
            "lines": ["Weg 1", None, " ", "2nd floor"],
            "city": "Ber\x00lin",
            "postal_code": 10115,
            "country": " de ",
            "phone": None,
            "latitude": 52.5,
        }
    )
    assert sent == Address(
        name="Ann Buyer",
        lines=("Weg 1", "2nd floor"),
        city="Ber\ufffdlin",
        postal_code="10115",
        country="DE",
    )
    assert problems(sent) == [("city", "unprintable")]
    assert Address.model_validate({"lines": []}).lines == ("",)
    assert Address(name="\ud800").name == "\ufffd"


@pytest.mark.parametrize(
    ("field", "value"),
    [("lines", ("a", "b", "c", "d")), ("city", "x" * 2001), ("lines", ("x" * 2001,))],
)
def test_what_an_address_cannot_hold_is_refused_and_never_cut(field: str, value: object) -> None:
    with pytest.raises(ValidationError, match=rf"\n{field}\b"):
        Address.model_validate({field: value})


def test_what_no_label_can_print_is_held_and_named() -> None:
    long = address("DE", "B" * 256, "", "10115")
    assert len(long.city) == 256
    assert problems(long) == [("city", "too_long")]


@given(
    st.builds(
        Address,
        name=st.text(max_size=30),
        lines=st.lists(st.text(max_size=30), max_size=3).map(tuple),
        city=st.text(max_size=30),
        region=st.text(max_size=30)
        | st.sampled_from(["CA", "US-NY", "Tokyo", "SP", "Beijing Shi"]),
        postal_code=st.from_regex(r"[A-Z]{0,3}[ -]?[0-9A-Za-z]{3,9}", fullmatch=True)
        | st.text(max_size=30),
        country=st.sampled_from(["US", "GB", "JP", "BR", "CN", "IE", "LV", "KR", "CA", "HK", "NL"])
        | st.text(max_size=3),
    )
)
@settings(max_examples=300, deadline=None)
def test_every_address_gets_a_verdict_and_a_normalised_one_is_accepted(sent: Address) -> None:
    assert Address.model_validate_json(sent.model_dump_json()) == sent
    verdict = check_address(sent)
    if isinstance(verdict, AddressNormalised):
        assert verdict.address != sent
        assert check_address(verdict.address) == AddressAccepted()
    if isinstance(verdict, AddressProblems):
        assert {problem.field for problem in verdict.problems} <= set(Address.model_fields)
        assert verdict.problems


COUNTRIES = [
    rules
    for first in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if (rules := postal_format(first + second)) is not None
]


def test_every_country_of_iso_3166_has_a_format() -> None:
    # The 249 of the standard, and Ascension, Tristan da Cunha and Kosovo, which have post as well.
    assert len(COUNTRIES) == 252


def test_every_countrys_own_examples_are_good_post_codes() -> None:
    for rules in COUNTRIES:
        if rules.postal_code is not None and rules.postal_code_example:
            example = rules.postal_code_example
            assert rules.postal_code.fullmatch(example), rules.country
            assert rules.tidy_postal_code(example) == example
            unspaced = example.replace(" ", "").replace("-", "").lower()
            assert rules.postal_code.fullmatch(rules.tidy_postal_code(unspaced)), rules.country


@pytest.mark.parametrize(
    "nonsense",
    ["9" * 2000, "\u202e" * 2000, "😀" * 2000, "\x01" * 2000, "- " * 1000, "\ufdfa" * 2000],
)
def test_nonsense_takes_no_longer_than_an_address(nonsense: str) -> None:
    def four() -> None:
        for country in ("CN", "US", "GB", nonsense):
            sent = address(country, nonsense, nonsense, nonsense)
            assert problems(sent)

    assert least_cpu_s(four) < 0.5


def test_a_check_takes_well_under_a_millisecond_once_the_country_is_read() -> None:
    sent = [
        address("CN", "海淀区", "北京市", "100084"),
        address("BR", "São Paulo", "SP", "01310100"),
        address("US", "Mountain View", "California", "94043"),
    ]

    def three_hundred() -> None:
        for _ in range(100):
            for each in sent:
                check_address(each)

    assert least_cpu_s(three_hundred) / 300 < 0.002
