"""Reads a CSV file as people's spreadsheets write it, row by row."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from domain.problems import Problem
from starter.problems import invalid_field

ROWS_MAX = 100_000
NAMED_MAX = 40
DELIMITERS = ",;\t"
"""Spreadsheets of countries that write decimals with a comma separate cells by semicolons."""
SEPARATOR = re.compile(r"sep=([,;\t])")
"""What Excel writes, and reads, in a line before the header."""


@dataclass(frozen=True)
class CsvRow:
    """`number` is the row's in a spreadsheet: the header is row 1. Cells are stripped.

    What is not `readable` has empty cells.
    """

    number: int
    cells: dict[str, str]
    problems: list[Problem] = field(default_factory=list)
    readable: bool = True


def read_csv(body: bytes, required: Collection[str], known: Collection[str]) -> list[CsvRow]:
    """All rows that are not empty; columns may stand in any order, and be written in capitals.

    Raises:
        Refusal: 422 where no row could be understood: not UTF-8, an unknown, repeated or missing
            column, too many rows.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid_field("body", "not_utf8", f"is not UTF-8 at byte {error.start}") from None
    if "\0" in text:
        raise invalid_field("body", "bad_character", "holds a character that is none (NUL)")
    lines = list(_lines(text))
    if len(lines) > ROWS_MAX + 1:
        raise invalid_field("body", "too_many_rows", f"has more than {ROWS_MAX} rows")
    columns = _columns(lines[0] if lines else [], required, known)
    return list(_rows(columns, lines))


def _lines(text: str) -> Iterator[list[str] | csv.Error]:
    """The rows; for one that is none, why, and the next begins on the next line."""
    first, _, rest = text.partition("\n")
    if said := SEPARATOR.fullmatch(first.strip()):
        text = rest
    delimiter = said[1] if said else max(DELIMITERS, key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield error


def _columns(
    header: list[str] | csv.Error, required: Collection[str], known: Collection[str]
) -> list[str]:
    if isinstance(header, csv.Error):
        raise invalid_field("header", "not_csv", f"is no CSV: {header}")
    columns = [cell.strip().lower() for cell in header]
    for name in columns:
        if name not in known:
            message = f"names {name[:NAMED_MAX]!r}, which is none of: {', '.join(known)}"
            raise invalid_field("header", "unknown_column", message)
    if len(set(columns)) < len(columns):
        raise invalid_field("header", "repeated_column", "names a column twice")
    for name in required:
        if name not in columns:
            raise invalid_field("header", "missing_column", f"lacks the column {name}")
    return columns


def _rows(columns: list[str], lines: list[list[str] | csv.Error]) -> Iterator[CsvRow]:
    for number, line in enumerate(lines[1:], start=2):
        if isinstance(line, csv.Error):
            wrong = Problem(field="row", reason="not_csv", message=f"is no CSV: {line}")
            yield CsvRow(number, dict.fromkeys(columns, ""), [wrong], readable=False)
            continue
        cells = [cell.strip() for cell in line]
        if not any(cells):
            continue
        row = CsvRow(number, dict(zip(columns, cells + [""] * len(columns), strict=False)))
        if any(cells[len(columns) :]):
            message = f"has more cells than the header, {len(columns)}"
            row.problems.append(Problem(field="row", reason="too_long", message=message))
        yield row
