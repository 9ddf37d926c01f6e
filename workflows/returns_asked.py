"""Which pieces of an order were asked to be returned, and which may still be."""

from collections import Counter

from temporalio import workflow

from domain.lifecycles import OrderStatus
from domain.verbs import RequestReturn
from workflows.state import OrderState

_AT_THE_DOOR = (OrderStatus.DELIVERED, OrderStatus.UNDELIVERED)
"""Until its life hears of a delivery, what was delivered has no window yet."""


class ReturnsAsked:
    """The requests to return of one order, each piece once."""

    def __init__(self, state: OrderState) -> None:
        self._state = state
        self._ids: set[str] = set()
        self._pieces: Counter[str] = Counter()

    def add(self, asked: RequestReturn) -> None:
        self._ids.add(asked.return_id)
        for line in asked.lines:
            self._pieces[line.line_id] += line.quantity

    def refusal(self, asked: RequestReturn) -> str:
        """Why these pieces cannot be returned now; empty if they can."""
        until = self._state.returns_until
        if until is None and self._state.status not in _AT_THE_DOOR:
            ended = f"too_late: the order is {self._state.status}"
            return ended if self._state.ended else "too_early: the order has not arrived yet"
        if until is not None and (self._state.ended or workflow.now() >= until):
            return f"too_late: returns could be asked for until {until:%Y-%m-%d %H:%M} UTC"
        if asked.return_id in self._ids:
            return "return_id: this return has been asked for"
        bought = {line.line_id: line for line in self._state.order.lines}
        wanted = self._pieces.copy()
        for cancelled in self._state.cancelled_lines:
            wanted[cancelled.line_id] += cancelled.quantity
        for line in asked.lines:
            if line.line_id not in bought or bought[line.line_id].sku != line.sku:
                return "lines: the order has no such line"
            wanted[line.line_id] += line.quantity
            if line.quantity < 1 or wanted[line.line_id] > bought[line.line_id].quantity:
                return "lines: more than was bought and not yet returned"
        return ""

    def give_back(self, asked: RequestReturn) -> None:
        """Nothing came of a return: its pieces may be asked for again."""
        for line in asked.lines:
            self._pieces[line.line_id] -= line.quantity
