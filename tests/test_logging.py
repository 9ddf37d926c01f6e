"""Logs: one format for all, and no personal data where a call site slips."""

import json
import logging

import pytest
import structlog

from config.logging import configure_logging
from config.settings import Settings


@pytest.fixture(autouse=True)
def _restore():
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def _lines(capsys) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_our_line_and_a_librarys_have_one_form(capsys):
    configure_logging(Settings(log_format="json"), "worker")
    structlog.get_logger("holdfast").info("order reserved", order_id="demo-1")
    logging.getLogger("library").warning("slow %s", "call")
    ours, theirs = _lines(capsys)
    assert {k: ours[k] for k in ("event", "level", "order_id", "process")} == {
        "event": "order reserved", "level": "info", "order_id": "demo-1", "process": "worker",
    }  # fmt: skip
    assert (theirs["event"], theirs["level"], theirs["process"]) == (
        "slow call",
        "warning",
        "worker",
    )
    assert str(ours["timestamp"]).endswith("Z")


def test_bodies_and_people_are_withheld(capsys):
    configure_logging(Settings(log_format="json"), "starter")
    structlog.get_logger("holdfast").info(
        "webhook", body="Ada Lovelace", Email="ada@example.org", order_id="demo-1"
    )
    (line,) = _lines(capsys)
    assert (line["body"], line["Email"], line["order_id"]) == ("(withheld)", "(withheld)", "demo-1")


def test_an_exception_keeps_its_traceback_in_one_line(capsys):
    configure_logging(Settings(log_format="json"), "worker")
    try:
        {}["broken"]
    except KeyError:
        structlog.get_logger("holdfast").exception("a bug")
    (line,) = _lines(capsys)
    assert "KeyError: 'broken'" in str(line["exception"])


def test_the_level_is_kept(capsys):
    configure_logging(Settings(log_format="json", log_level="error"), "worker")
    structlog.get_logger("holdfast").warning("not said")
    assert capsys.readouterr().out == ""


def test_people_can_read_the_console_form(capsys):
    configure_logging(Settings(log_format="console"), "worker")
    structlog.get_logger("holdfast").info("worker ready")
    assert "worker ready" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_does_not_show_what_a_function_worked_on(capsys, form):
    configure_logging(Settings(log_format=form), "worker")

    def fail(told: str) -> None:
        raise ValueError(len(told))

    person = "Erika Mustermann"
    try:
        fail(person)
    except ValueError:
        structlog.get_logger("holdfast").exception("bug")
    said = capsys.readouterr().out
    assert "ValueError" in said
    assert "Mustermann" not in said
