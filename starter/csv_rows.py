"""Reads a CSV file as people's spreadsheets write it, row by row."""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

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

    What is not `readable` has empty cells, and counts as one row for each of its lines.
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
    columns = _columns(lines[0].cells if lines else [], required, known)
    return list(_rows(columns, lines[1:]))


class _Read(NamedTuple):
    """A row, or why it is none, and from which to which line of the file it goes."""

    number: int
    cells: list[str] | csv.Error
    lines: tuple[int, int]


def _lines(text: str) -> Iterator[_Read]:
    """The rows; after one that is none, the next begins on the next line.

    That one may have swallowed others, by a quote that is not closed: where a spreadsheet would go
    on nobody can say, so that each of its lines counts.
    """
    first, _, rest = text.partition("\n")
    said = SEPARATOR.fullmatch(first.strip())
    delimiter = said[1] if said else max(DELIMITERS, key=first.count)
    file = io.StringIO(rest if said else text, newline="")
    rows = csv.reader(file, delimiter=delimiter, strict=True)
    before, number = (1 if said else 0), 1
    while True:
        begins = rows.line_num + 1
        cells: list[str] | csv.Error
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            cells = error
        yield _Read(number, cells, (before + begins, before + rows.line_num))
        number += rows.line_num + 1 - begins if isinstance(cells, csv.Error) else 1


def _columns(
    header: list[str] | csv.Error, required: Collection[str], known: Collection[str]
) -> list[str]:
    if isinstance(header, csv.Error):
        raise invalid_field("header", "not_csv", f"is no CSV: {header}")
    columns = [cell.strip().lower() for cell in header]
    while columns and not columns[-1]:
        columns.pop()  # a spreadsheet writes separators as far as any cell was ever filled
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


def _rows(columns: list[str], read: Sequence[_Read]) -> Iterator[CsvRow]:
    for number, told, lines in read:
        if isinstance(told, csv.Error):
            wrong = Problem(field="row", reason="not_csv", message=_no_csv(told, *lines))
            yield CsvRow(number, dict.fromkeys(columns, ""), [wrong], readable=False)
            continue
        cells = [cell.strip() for cell in told]
        if not any(cells):
            continue
        row = CsvRow(number, dict(zip(columns, cells + [""] * len(columns), strict=False)))
        if any(cells[len(columns) :]):
            message = f"has more cells than the header, {len(columns)}"
            row.problems.append(Problem(field="row", reason="too_long", message=message))
        yield row


def _no_csv(error: csv.Error, first: int, last: int) -> str:
    swallowed = f"; it goes from line {first} to line {last} of the file" if last > first else ""
    return f"is no CSV: {error}{swallowed}"
