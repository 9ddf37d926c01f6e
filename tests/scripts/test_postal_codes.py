"""What ships of GeoNames' rows: one place a code, territories in both numberings, always alike."""

from pathlib import Path
from typing import Any

import pytest

from domain.postal_codes import PostalCodes, pack
from scripts.postal_codes import (
    SHARED,
    Sighting,
    by_country,
    centres_of,
    middle,
    with_shared,
    write,
)


def row(country: str, code: str, latitude: float, longitude: float, accuracy: float | None) -> Any:
    return {
        "country_code": country,
        "postal_code": code,
        "latitude": latitude,
        "longitude": longitude,
        "accuracy": accuracy,
    }


def town(country: str, latitude: float, longitude: float, people: int) -> Any:
    return {
        "countrycode": country,
        "latitude": latitude,
        "longitude": longitude,
        "population": people,
    }


def test_a_misplaced_village_does_not_move_its_code() -> None:
    rows = [row("DE", "D-10115", 52.5, 13.4, 4), row("DE", "10115", 52.6, 13.4, 4)]
    rows += [row("DE", "10 115", 10.0, 99.0, 4), row("DE", "10115", 0.0, 0.0, None)]
    assert by_country(rows) == {"DE": {"10115": (52.5, 13.4)}}


def test_the_best_known_places_count_alone() -> None:
    sightings = [Sighting(1, (1, 1)), Sighting(6, (5, 7)), Sighting(6, (7, 9))]
    assert middle(sightings) == (6, 8)


def test_santa_claus_is_left_out() -> None:
    assert by_country([row("CA", "H0H", 90.0, 0.0, 0)]) == {}


def test_a_territory_is_in_its_own_table_and_in_the_motherlands() -> None:
    others = {other for group in SHARED.values() for other in group.split()}
    tables = {country: {f"{country}1": (1.0, 1.0)} for country in others | set(SHARED)}
    tables["PR"] = {"00901": (18.5, -66.1), "10001": (0.0, 0.0)}
    tables["US"] = {"10001": (40.8, -74.0)}
    joined = with_shared(tables)
    assert joined["PR"] == tables["PR"]
    assert joined["US"]["00901"] == (18.5, -66.1)
    assert joined["US"]["10001"] == (40.8, -74.0), "its own stand"


def test_a_centre_lies_among_the_people_even_across_the_date_line() -> None:
    centres = centres_of([town("FJ", 0, 179, 500), town("FJ", 0, -177, 500)])
    assert centres["FJ"] == pytest.approx((0, -179))
    centres = centres_of([town("DE", 50, 8, 0), town("DE", 52, 8, 999)])
    assert centres["DE"] == pytest.approx((52, 8), abs=0.01)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_data_makes_the_same_bytes(tmp_path: Path) -> None:
    germany = {"10115": (52.53, 13.38), "01067": (51.06, 13.72)}
    tables = {"DE": germany, "AD": {"100": (42.6, 1.7)}}
    centres = {"DE": (51.0, 10.0), "AD": (42.5, 1.5)}
    write(tmp_path, tables, centres)
    made = contents(tmp_path)
    backwards = {"AD": tables["AD"], "DE": dict(reversed(germany.items()))}
    write(tmp_path, backwards, dict(reversed(centres.items())))
    assert contents(tmp_path) == made


def test_a_country_of_one_code_can_be_read() -> None:
    assert PostalCodes(pack({"98000": (43.73, 7.42)})).find("98000") == (43.73, 7.42, True)
