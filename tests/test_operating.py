"""docs/operating.md names every wait, hold, task and undo that the code knows, and no other."""

import ast
import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import pytest

from config.temporal import SEARCH_ATTRIBUTES
from domain.lifecycles import OPEN, OrderStatus
from domain.validation import HoldReason
from domain.waits import Owner
from starter.api import unannounced
from starter.channel_orders import REFUNDED
from storage import tasks
from workflows.strand import Strand

ROOT = Path(__file__).parents[1]
DOC = (ROOT / "docs" / "operating.md").read_text()
WORKFLOWS = sorted((ROOT / "workflows").glob("*.py"))
WAITS = {name: f for name, f in inspect.getmembers(Strand, inspect.isfunction) if "until" in name}
REFUSALS = {"refused:<system>:<code>", "failed:<kind>"}
HELD_BY_THE_STARTER = {f"hold:{REFUNDED}"}


def rows(*head: str) -> list[list[str]]:
    """The rows of every table of the document that begins with these columns."""
    found, within = [], False
    for line in DOC.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            within = False
        elif tuple(cells[: len(head)]) == head:
            within = True
        elif within and not set(line) <= set("|- "):
            found.append([cell.strip("`") for cell in cells])
    return found


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in WORKFLOWS:
        yield f"workflows.{path.stem}", ast.parse(path.read_text())


# -- waits


def waits() -> set[tuple[str, str]]:
    """Where each wait that workflows say is, and its code."""
    return {(where, code) for where, tree in trees() for code in _waits_in(where, tree)}


def _waits_in(where: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _beside_owner(where, node.args)
            if isinstance(node.func, ast.Attribute) and node.func.attr in WAITS:
                at = list(inspect.signature(WAITS[node.func.attr]).parameters).index("what") - 1
                yield from _codes(where, node.args[at])
            yield from (
                code
                for keyword in node.keywords
                if keyword.arg == "what"
                for code in _codes(where, keyword.value)
            )
        elif isinstance(node, ast.Tuple):
            yield from _beside_owner(where, node.elts)


def _beside_owner(where: str, values: list[ast.expr]) -> Iterator[str]:
    """An owner is always followed by what is waited for."""
    for owner, what in pairwise(values):
        if any(isinstance(n, ast.Name) and n.id == Owner.__name__ for n in ast.walk(owner)):
            yield from _codes(where, what)


def _codes(where: str, what: ast.expr) -> Iterator[str]:
    match what:
        case ast.IfExp(body=one, orelse=other):
            yield from _codes(where, one)
            yield from _codes(where, other)
        case ast.Constant(value=str(code)):
            yield code
        case ast.JoinedStr(values=[ast.Constant(value=kind), *_]):
            yield f"{kind}<reason>"
        case ast.Name(id=name) if isinstance(code := getattr(import_module(where), name, 0), str):
            yield code


WAITED_FOR = {code for _, code in waits()}
DOCUMENTED = [(row[0], row[1]) for row in rows("owner", "what")]


def test_the_code_is_read_as_it_is_meant():
    assert {"packing", "stock", "delivery", "processing", "hold:<reason>", "goods"} <= WAITED_FOR


@pytest.mark.parametrize(("where", "code"), sorted(waits()))
def test_each_wait_is_in_the_document(where, code):
    assert code in {what for _, what in DOCUMENTED}, f"{where} waits for {code}"


def test_the_document_tells_of_no_wait_that_is_not():
    held = {f"hold:{reason}" for reason in HoldReason} | HELD_BY_THE_STARTER
    assert {what for _, what in DOCUMENTED} - WAITED_FOR - held == REFUSALS


def test_each_wait_is_told_once_and_of_somebody_who_exists():
    assert len(DOCUMENTED) == len(set(DOCUMENTED))
    assert {owner for owner, _ in DOCUMENTED} <= set(Owner)


@pytest.mark.parametrize("reason", [*HoldReason, REFUNDED])
def test_each_hold_that_the_system_sets_is_in_the_document(reason):
    assert f"hold:{reason}" in {what for _, what in DOCUMENTED}


# -- undos, tasks, searches


def undos() -> set[str]:
    """What steps that say what comes of saying it again call themselves, up to the first name."""
    return {
        " ".join(word for word in _opening(keyword.value).split() if word != "of")
        for _, tree in trees()
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and "if_said_again" in {k.arg for k in call.keywords}
        for keyword in call.keywords
        if keyword.arg == "summary"
    }


def _opening(value: ast.expr) -> str:
    parts = value.values if isinstance(value, ast.JoinedStr) else [value]
    assert isinstance(parts[0], ast.Constant)
    return str(parts[0].value)


def test_what_helps_when_an_undo_is_refused_is_told_for_each():
    assert {row[0] for row in rows("the step that was refused")} == undos()


def test_each_kind_of_task_is_in_the_document_and_no_other():
    source = "".join(
        path.read_text() for part in ("starter", "storage") for path in (ROOT / part).rglob("*.py")
    )
    opened = set(re.findall(r'open_task\([^"]*?"(\w+)"', source))
    opened |= set(re.findall(r'tasks\.add\(\s*"(\w+)"', source))
    opened |= {unannounced.KIND}
    opened |= set(tasks.TOO_LATE.values())
    codes = re.findall(r"line\.code == (\w+)", inspect.getsource(tasks.asked_by))
    opened |= {getattr(tasks, code) for code in codes}
    assert {"unreadable", "undeliverable", "order_edited", "label_not_voided"} <= opened
    assert {row[0] for row in rows("kind", "what happened")} == opened


def test_saved_searches_ask_for_what_there_is():
    ours = {name for name, _ in SEARCH_ATTRIBUTES}
    temporals = {"WorkflowType", "ExecutionStatus", "TemporalReportedProblems"}
    queries = [row[1] for row in rows("what", "query")]
    assert len(queries) >= 7
    for query in queries:
        assert set(re.findall(r"\b([A-Z]\w+)(?: ?!?=| IN| IS)", query)) <= ours | temporals
    asked = set(re.findall(r'"(\w+)"', " ".join(q for q in queries if "OrderStatus" in q)))
    assert asked & set(OrderStatus) == {OrderStatus.PARTLY_SHIPPED, OrderStatus.SHIPPED} <= OPEN
