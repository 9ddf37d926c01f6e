"""What one sees of the day while it runs: a bar, how the orders stand, and what happens."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.stage import ENDED, Stage
from domain.lifecycles import OrderStatus

HAPPENINGS = 9
BAR = 22
WAITS = 10
PLAIN_EVERY_S = 10.0
REFRESH_HZ = 4
STATUSES = tuple(OrderStatus)
COLOURS = {
    OrderStatus.CLOSED: "green",
    OrderStatus.DELIVERED: "green",
    OrderStatus.CANCELLED: "yellow",
    OrderStatus.CANCELLING: "yellow",
    OrderStatus.UNDELIVERED: "red",
}
OWNERS = {"operator": "magenta", "customs": "yellow", "supplier": "yellow", "customer": "cyan"}


class Screen:
    """A live picture on a terminal; plain lines, one for each thing that happens, elsewhere."""

    def __init__(self, console: Console, stage: Stage, orders: int) -> None:
        self._console = console
        self._stage = stage
        self._orders = orders
        self._told_at = 0.0
        self._live: Live | None = None

    @contextmanager
    def playing(self) -> Iterator[None]:
        if not self._console.is_terminal:
            self._stage.happenings.listener = self._happened
            yield
            return
        with Live(
            console=self._console, refresh_per_second=REFRESH_HZ, get_renderable=self.picture
        ) as self._live:
            yield

    def looked(self) -> None:
        """The books were read again."""
        if self._live is None and self._elapsed_s() - self._told_at > PLAIN_EVERY_S:
            self._told_at = self._elapsed_s()
            counts = Counter(row.status for row in self._stage.standings.values())
            so_far = ", ".join(f"{counts[s]} {s}" for s in STATUSES if counts[s])
            self._happened(self._told_at, "", f"{self._ended()} of {self._orders} ended: {so_far}")

    def picture(self) -> RenderableType:
        """The day as it stands now."""
        columns = Columns([self._statuses(), self._waits()], padding=(0, 4))
        return Padding(Group(self._head(), "", columns, "", self._happenings()), (1, 1))

    def _head(self) -> RenderableType:
        ended = self._ended()
        head = Table.grid(padding=(0, 2), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True, justify="right")
        bar = ProgressBar(self._orders, ended, complete_style="cyan", finished_style="green")
        sold = len(self._stage.sold)
        said = f"{sold} sold, {ended} of {self._orders} ended"
        head.add_row(f"[bold]A day of trade[/bold]  {self._elapsed_s():4.0f} s", bar, said)
        return head

    def _statuses(self) -> RenderableType:
        counts = Counter(row.status for row in self._stage.standings.values())
        table = Table.grid(padding=(0, 1))
        for status in STATUSES:
            count = counts[status]
            width = round(BAR * count / self._orders) if count else 0
            bar = "━" * max(width, bool(count))
            style = COLOURS.get(status, "cyan") if count else "dim"
            table.add_row(
                Text(status, style), Text(f"{count:3}", style), Text(f"{bar:<{BAR}}", style)
            )
        return table

    def _waits(self) -> RenderableType:
        rows = self._stage.standings.values()
        waits = Counter(row.waits_on for row in rows if any(row.waits_on))
        table = Table.grid(padding=(0, 1))
        for _ in range(3):
            table.add_column(no_wrap=True)
        table.add_row(Text("waits on", "bold"), Text("for", "bold"), "")
        for (owner, what), count in sorted(waits.items())[:WAITS]:
            style = OWNERS.get(owner, "")
            table.add_row(Text(owner, style), Text(what, style), Text(f"{count:3}", style))
        return table

    def _happenings(self) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        table.add_column(justify="right", style="dim", no_wrap=True, min_width=6)
        table.add_column(style="bold", no_wrap=True, min_width=5)
        table.add_column(no_wrap=True, overflow="ellipsis")
        latest = self._stage.happenings.said[-HAPPENINGS:]
        for at_s, who, what in latest:
            table.add_row(f"{at_s:.1f} s", who, Text(what))
        for _ in range(HAPPENINGS - len(latest)):
            table.add_row("", "", "")
        return table

    def _happened(self, at_s: float, who: str, what: str) -> None:
        self._console.print(f"{at_s:6.1f} s  {who:5}  {what}", markup=False, soft_wrap=True)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._stage.happenings.began

    def _ended(self) -> int:
        return sum(row.status in ENDED for row in self._stage.standings.values())
