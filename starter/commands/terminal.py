"""What `oms` writes on a terminal: words of others are text there, whatever they hold."""

import os
from typing import Any

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

CONTROLS = {
    code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
"""A customer's words could clear the screen, or write over what stands there."""
PIPED = 10_000
"""Characters a row: what no one looks at on a terminal is searched line by line."""


class _Plain(Console):
    """Takes no markup and no emoji's code out of a text, and shows control characters as codes."""

    def __init__(self) -> None:
        super().__init__(soft_wrap=True, markup=False, emoji=False, highlight=False)
        if not self.is_terminal and "COLUMNS" not in os.environ:
            self.width = PIPED

    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(text.translate(CONTROLS), **how)


def print_plain(*what: str | Text | Table) -> None:
    """Print each on lines of its own."""
    console = _Plain()
    for one in what:
        console.print(one)


def plain_table(*columns: str | Column, title: str | None = None) -> Table:
    """One whose cells are folded where they are too long, and never cut: an id is to be copied."""
    made = Table(*columns, title=title)
    for column in made.columns:
        column.overflow = "fold"
    return made


def number(name: str) -> Column:
    return Column(name, justify="right")
