"""The screen shows how the orders stand, on a terminal and elsewhere."""

import io
import time

from rich.console import Console

from demo.books import Standing
from demo.screen import Screen
from demo.stage import Stage


def _standing(order_id, status, owner="", what="", failing=("", "")):
    return Standing(order_id, status, owner, what, *failing, attention="")


STANDINGS = [
    _standing("demo-1", "closed"),
    _standing("demo-2", "fulfilling", "us", "processing", ("carrier", "buy_label")),
    _standing("demo-3", "fulfilling", "warehouse", "packing"),
]


def _screen(*, terminal):
    stage = Stage("demo", None, None, None)
    stage.standings = {one.order_id: one for one in STANDINGS}
    console = Console(width=80, file=io.StringIO(), force_terminal=terminal, color_system=None)
    return Screen(console, stage, orders=4), stage, console


def test_a_terminal_gets_a_picture_of_what_is_so_now():
    screen, stage, console = _screen(terminal=True)
    stage.say(None, "the carrier is down")
    console.print(screen.picture())
    said = console.file.getvalue()
    assert "0 sold, 1 of 4 ended" in said
    rows = {line.split()[0]: line for line in said.splitlines() if line.strip()}
    assert rows["closed"].split()[1] == "1"
    assert rows["fulfilling"].split()[1] == "2"
    assert "carrier   buy_label, retried   1" in said
    assert "warehouse packing              1" in said
    assert "the carrier is down" in said


def test_elsewhere_each_happening_is_a_line_and_the_state_comes_now_and_then():
    screen, stage, console = _screen(terminal=False)
    with screen.playing():
        stage.say(None, "a [bracket] stays")
        screen.looked()
        assert len(console.file.getvalue().splitlines()) == 1
        stage.happenings.began = time.monotonic() - 11
        screen.looked()
        screen.looked()
    first, second = console.file.getvalue().splitlines()
    assert first.endswith("a [bracket] stays")
    assert second.endswith("1 of 4 ended: 2 fulfilling, 1 closed")
