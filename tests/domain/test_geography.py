"""A postal address lies where its code does, or what that begins with, or at least its country."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.geography import Located, Precision, coordinates, countries, distance_km, load
from domain.postal_codes import PostalCodes, pack, postal_key

QUANTUM_KM = 0.8
"""Half a hundredth of a degree, both ways."""


def place(latitude: float, longitude: float) -> Located:
    return Located(latitude=latitude, longitude=longitude, precision=Precision.EXACT)


def located(country: str, postal_code: str) -> Located:
    found = coordinates(country, postal_code)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("country", "code", "where", "within_km", "precision"),
    [
        ("DE", "10115", (52.532, 13.385), 2, "exact"),
        ("FR", "75001", (48.861, 2.341), 2, "exact"),
        ("US", "10001", (40.750, -73.997), 2, "exact"),
        ("US", "10001-1234", (40.750, -73.997), 2, "prefix"),
        ("GB", "SW1A", (51.501, -0.132), 2, "exact"),
        ("GB", "SW1A 1AA", (51.501, -0.142), 2, "prefix"),
        ("GB", "N1 5AA", (51.537, -0.09), 2, "prefix"),
        ("NL", "1012 AB", (52.377, 4.898), 2, "prefix"),
        ("CA", "M5V 2T6", (43.642, -79.397), 2, "prefix"),
        ("CA", "K1A0B1", (45.424, -75.70), 3, "prefix"),
        ("IE", "D02 X285", (53.339, -6.25), 3, "prefix"),
        ("BR", "01001-000", (-23.550, -46.634), 12, "prefix"),
        ("BR", "22041-001", (-22.97, -43.18), 20, "prefix"),
        ("JP", "100-0001", (35.684, 139.753), 2, "exact"),
        ("AU", "2000", (-33.865, 151.209), 3, "exact"),
        ("PT", "1100-148", (38.711, -9.137), 3, "exact"),
        ("AE", "28119 95762", (25.268, 55.293), 2, "exact"),
        ("HK", "", (22.32, 114.17), 15, "country"),
        ("TW", "100", (24.2, 121.0), 60, "country"),
    ],
)
def test_known_addresses_lie_where_they_are(
    country: str, code: str, where: tuple[float, float], within_km: float, precision: str
) -> None:
    found = located(country, code)
    assert distance_km(found, place(*where)) <= within_km
    assert found.precision == precision


@pytest.mark.parametrize(
    ("country", "written", "otherwise"),
    [
        ("GB", "SW1A 1AA", " sw1a1aa "),
        ("CA", "M5V 2T6", "m5v-2t6"),
        ("NL", "1012 AB", "1012ab"),
        ("IE", "D02 X285", "d02x285"),
        ("BR", "01001-000", "01001000"),
        ("JP", "100-0001", "１００−０００１"),  # noqa: RUF001 as a Japanese keyboard writes it
        ("SE", "114 55", "SE-11455"),
        ("DE", "10115", "D-10115"),
        ("LV", "LV-1050", "1050"),
        ("LU", "L-2611", "2611"),
        ("AD", "AD500", "500"),
        ("FR", "75008", "75008 CEDEX 08"),
        ("AR", "1001", "C1001"),
    ],
)
def test_a_code_may_be_written_as_people_write_it(
    country: str, written: str, otherwise: str
) -> None:
    assert located(country, written) == located(country.lower(), otherwise)
    assert located(country, written).precision is not Precision.COUNTRY


def test_a_code_that_nobody_knows_lies_near_its_likest() -> None:
    unknown = located("DE", "10116")
    assert unknown.precision is Precision.PREFIX
    assert distance_km(unknown, located("DE", "10115")) < 5


def test_half_of_an_areas_letters_mean_nothing() -> None:
    britain = located("GB", "")
    assert britain.precision is Precision.COUNTRY
    assert located("GB", "SX1 1AA") == britain, "neither Sheffield nor London"
    assert located("GB", "GIR 0AA") == britain, "not Glasgow"


def test_an_outward_code_is_not_read_into_its_inward_code() -> None:
    assert located("GB", "N1 5AA") != located("GB", "N15")
    assert located("GB", "N15 5AA").latitude == located("GB", "N15").latitude


def test_who_numbers_an_island_knows_where_it_is() -> None:
    assert located("US", "00901") == located("PR", "00901")
    assert located("FR", "97110") == located("GP", "97110")
    assert distance_km(located("GB", "JE2 3AB"), located("JE", "JE2 3AB")) < 5


def test_santa_claus_has_no_warehouse_on_the_pole() -> None:
    assert located("CA", "H0H 0H0").latitude < 60


@pytest.mark.parametrize("country", ["", "XX", "U", "USA", "ZZ", "Ünited"])
def test_an_unknown_country_is_nowhere(country: str) -> None:
    assert coordinates(country, "10115") is None


def test_every_country_lies_somewhere_and_reads_its_codes() -> None:
    assert len(countries()) == 250
    assert {"US", "GB", "GR", "TW", "XK", "AQ", "BV"} <= countries()
    load(countries())
    for country in countries():
        centre = located(country, "")
        assert -90 <= centre.latitude <= 90
        assert -180 <= centre.longitude <= 180


def test_loading_skips_what_is_no_country() -> None:
    load(["XX", "DE"])
    assert located("DE", "10115").precision is Precision.EXACT


@given(st.one_of(st.text(), st.sampled_from(sorted(countries()))), st.text())
def test_no_text_is_too_odd_to_look_up(country: str, code: str) -> None:
    found = coordinates(country, code)
    assert (found is None) == (country.strip().upper() not in countries())


@given(
    st.sampled_from(["GB", "DE", "US", "CA", "BR", "AE", "MT"]),
    st.text(alphabet="0123456789ABSWZ -", max_size=12),
)
def test_a_reduced_code_stays_as_it_is(country: str, code: str) -> None:
    key = postal_key(country, code)
    assert postal_key(country, key) == key or country == "AE"


def test_london_and_paris_are_344_km_apart() -> None:
    centres = place(51.5074, -0.1278), place(48.8566, 2.3522)
    assert distance_km(*centres) == pytest.approx(343.6, abs=0.5)
    by_code = distance_km(located("GB", "SW1A 1AA"), located("FR", "75001"))
    assert by_code == pytest.approx(344, abs=3)


def test_the_shortest_way_crosses_the_date_line_and_the_poles() -> None:
    assert distance_km(place(0, 179.5), place(0, -179.5)) == pytest.approx(111.2, abs=0.1)
    assert distance_km(place(90, 0), place(-90, 50)) == pytest.approx(20015.1, abs=0.1)
    assert distance_km(place(10, 20), place(-10, -160)) == pytest.approx(20015.1, abs=0.1)


places = st.builds(place, st.floats(-90, 90), st.floats(-180, 180))


@given(places, places)
def test_there_is_as_far_as_back(here: Located, there: Located) -> None:
    assert distance_km(here, there) == distance_km(there, here)
    assert 0 <= distance_km(here, there) <= 20015.2
    assert distance_km(here, here) == 0


tables = st.dictionaries(
    st.text(alphabet="01289ABZ", min_size=1, max_size=5),
    st.tuples(st.floats(-85, 85), st.floats(-180, 180)),
    min_size=1,
    max_size=30,
)


@given(tables)
def test_every_packed_code_is_found_again_within_a_hundredth_of_a_degree(
    table: dict[str, tuple[float, float]],
) -> None:
    codes = PostalCodes(pack(table))
    assert len(codes) == len(table)
    for key, (latitude, longitude) in table.items():
        match = codes.find(key)
        assert match is not None
        assert match.exact
        assert distance_km(place(*match[:2]), place(latitude, longitude)) <= QUANTUM_KM


@given(st.sets(st.text(alphabet="0129", min_size=1, max_size=5), min_size=1), st.text("0129"))
def test_no_known_code_agrees_longer_than_the_one_found(known: set[str], sought: str) -> None:
    numbered = {code: (number / 100, 0.0) for number, code in enumerate(sorted(known))}
    match = PostalCodes(pack(numbered)).find(sought)

    def agreement(code: str) -> int:
        return next(
            (length for length in range(len(code), 0, -1) if sought.startswith(code[:length])), 0
        )

    best = max(map(agreement, known))
    if best == 0:
        assert match is None
    else:
        assert match is not None
        found = sorted(known)[round(match.latitude * 100)]
        assert agreement(found) == best
        assert match.exact == (found == sought) == (sought in known)
