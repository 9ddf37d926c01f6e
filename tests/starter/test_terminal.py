"""What `oms` prints, on a terminal and into a pipe."""

import pytest

from starter.commands.terminal import plain_table, print_plain

LONG_ID = "api-0123456789abcdef0123456789abcdef"


def test_words_of_others_are_neither_markup_nor_control_codes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = plain_table("[red]SKU", title="[/x] may sell")
    table.add_row("[/red] :mug: \x1b[2J\x9b31m\x07")
    print_plain("[bold]a[/bold]\r[/b]", table)
    said = capsys.readouterr().out
    assert said.startswith("[bold]a[/bold]\\x0d[/b]\n")
    assert "[red]SKU" in said
    assert "[/x] may sell" in said
    assert "[/red] :mug: \\x1b[2J\\x9b31m\\x07" in said


def test_an_id_is_folded_where_there_is_no_room_and_never_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    table = plain_table("order", "number")
    table.add_row(LONG_ID, "#1")
    print_plain(table)
    rows = [line.split("│")[1].strip() for line in capsys.readouterr().out.splitlines()[3:-1]]
    assert len(rows) > 1
    assert "".join(rows) == LONG_ID


def test_what_is_piped_has_a_line_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    table = plain_table("order", "why")
    table.add_row(LONG_ID, "because " * 40)
    print_plain(table)
    assert len(capsys.readouterr().out.splitlines()) == 5
