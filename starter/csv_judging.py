"""Judges the rows of a CSV file one by one: what can be read, and what is wrong with the rest."""

import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from domain.problems import Problem
from domain.values import Value
from starter.csv_rows import CsvRow
from starter.problems import Refusal, invalid, problems_of
from storage.catalogue import Put

V = TypeVar("V", bound=Value)

LISTS = ("serves", "weekdays", "holidays")
"""Several in one cell, with spaces or semicolons between them."""
FORMS: Mapping[type, tuple[re.Pattern[str], str, str]] = {
    int: (re.compile(r"[+-]?[0-9]+"), "int_parsing", "must be a whole number, digits alone"),
    date: (
        re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"),
        "date_parsing",
        "must be a day such as 2026-12-25",
    ),
    time: (
        re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?"),
        "time_parsing",
        "must be a time such as 15:30",
    ),
}
"""How a cell is written, and what is wrong with others. Pydantic reads more: 1.000, a thousand to
many, as 1; and any number as a day."""


class RowProblem(Problem):
    """`row` is the row's number in a spreadsheet: the header is row 1."""

    row: int


class ImportReport(BaseModel):
    """What became of a file; where `applied` is false, nothing of it was taken."""

    kind: str
    rows: int
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    problems: list[RowProblem] = []
    applied: bool = True


@dataclass
class Judged(Generic[V]):
    """The rows that can be read, by number, and what is wrong with the others."""

    rows: int
    good: dict[int, V] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)

    def refuse(self, number: int, problems: Iterable[Problem]) -> None:
        told = [RowProblem(row=number, **one.model_dump()) for one in problems]
        if told:
            self.good.pop(number, None)
            self.problems += told

    def report(self, kind: str, became: Iterable[Put], *, applied: bool = True) -> ImportReport:
        counted = Counter(became)
        return ImportReport(
            kind=kind,
            rows=self.rows,
            added=counted[Put.ADDED],
            changed=counted[Put.CHANGED],
            unchanged=counted[Put.UNCHANGED],
            refused=len({one.row for one in self.problems}),
            problems=sorted(self.problems, key=lambda one: one.row),
            applied=applied,
        )

    def stops(self, *, strict: bool) -> bool:
        return strict and bool(self.problems)


def judge(
    rows: Sequence[CsvRow],
    read: Callable[[Mapping[str, str]], V],
    identity: Callable[[V], Hashable],
    named_by: str,
) -> Judged[V]:
    judged: Judged[V] = Judged(len(rows))
    first: dict[Hashable, int] = {}
    for row in rows:
        problems = list(row.problems)
        if not row.readable:
            judged.refuse(row.number, problems)
            continue
        try:
            made = read(row.cells)
        except ValidationError as error:
            problems += problems_of(error)
        except Refusal as error:
            problems += error.problems
        else:
            earlier = first.setdefault(identity(made), row.number)
            if earlier != row.number:
                message = f"is the same as in row {earlier}"
                problems.append(Problem(field=named_by, reason="repeated", message=message))
            judged.good[row.number] = made
        judged.refuse(row.number, map(_by_column, problems))
    return judged


def said_in(kind: type[Value], cells: Mapping[str, str]) -> dict[str, Any]:
    """Cells as fields: an empty one is the field's default, or missing where there is none.

    Raises:
        Refusal: 422, each number, day or time that is not written as one.
    """
    said: dict[str, Any] = {}
    wrong: list[Problem] = []
    for name, cell in cells.items():
        known = kind.model_fields.get(name)
        if known is None:
            continue
        if cell:
            parts = _parts(name, cell)
            wrong += _malformed(parts, known.annotation)
            said[name] = list(parts.values()) if name in LISTS else cell
        elif not known.is_required():
            said[name] = known.get_default(call_default_factory=True)
    if wrong:
        raise invalid(wrong)
    return said


def _parts(name: str, cell: str) -> Mapping[str, str]:
    """What the cell says, by the field that it says it of."""
    if name not in LISTS:
        return {name: cell}
    several = re.split(r"[;\s]+", cell.strip("; "))
    return {f"{name}.{n}": part for n, part in enumerate(several)}


def _malformed(parts: Mapping[str, str], annotation: Any) -> Iterator[Problem]:
    for kind in (known for known in _kinds(annotation) if known in FORMS):
        form, reason, message = FORMS[kind]
        for named, part in parts.items():
            if not form.fullmatch(part):
                yield Problem(field=named, reason=reason, message=message)


def _kinds(annotation: Any) -> Iterator[type]:
    """The types that an annotation is made of."""
    for inner in get_args(annotation):
        yield from _kinds(inner)
    if isinstance(annotation, type):
        yield annotation


def _by_column(problem: Problem) -> Problem:
    """A field of the address is a column of its own."""
    named = problem.field.removeprefix("address.")
    column = {"name": "contact"}.get(named, named) if named != problem.field else named
    return problem.model_copy(update={"field": column})
