"""What people do with goods that are there, drawn at random and done to a pair."""

from typing import Any, ClassVar

from hypothesis import strategies as st

from domain.ids import OrderId
from domain.stock import RestockRequest, SkuQuantity, StockChange
from tests.storage.drawn import ITEMS, LINES, PLACES
from tests.storage.stock_model import Units, items_of
from tests.storage.stock_pair import Pair, answer

KINDS = {
    "receive": "received",
    "adjust": "adjusted",
    "move_to_damaged": "damaged",
    "write_off": "adjusted",
    "count": "counted",
}
"""What the movement of a change is called."""


class GoodsDeeds:
    """The names of the deeds are the methods'."""

    DEEDS: ClassVar[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
        "change": {
            "kind": st.sampled_from(sorted(KINDS)),
            "sku": ITEMS,
            "place": PLACES,
            "many": st.integers(1, 6),
            "up": st.booleans(),
        },
        "set_safety": {"sku": ITEMS, "place": PLACES, "quantity": st.integers(0, 3)},
        "restock": {
            "place": PLACES,
            "lines": LINES,
        },
    }

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    def change(self, kind: str, sku: str, place: str, many: int, *, up: bool) -> None:
        quantity = many if up or kind in ("receive", "count") else -many
        quantity = -many if kind == "write_off" else quantity
        said = self.said(sku, place, quantity)
        change = getattr(self.pair.stock, kind)
        self.pair.same(change(said), lambda: self.changed(kind, said))
        if up:  # once more with the same key: nothing happens
            self.pair.run(answer(change(said)))

    def changed(self, kind: str, said: StockChange) -> None:
        items = {said.sku: said.quantity}
        match kind:
            case "write_off":
                self.pair.model.write_off((said.sku, said.location), said.quantity)
            case "count":
                self.pair.model.count(said.location, items)
            case _:
                self.pair.model.change(KINDS[kind], said.location, items)

    def set_safety(self, sku: str, place: str, quantity: int) -> None:
        said = self.said(sku, place, quantity)
        self.pair.same(
            self.pair.stock.set_safety(said),
            lambda: self.pair.model.set_safety(place, sku, quantity),
        )

    def restock(self, place: str, lines: Units) -> None:
        back = RestockRequest(
            return_id="r",
            order_id=OrderId("a-1"),
            location=place,
            lines=tuple(SkuQuantity(sku=sku, quantity=many) for sku, many in lines.items()),
            key=f"back-{next(self.pair.numbers)}",
        )
        self.pair.same(
            self.pair.stock.restock(back),
            lambda: self.pair.model.change("restocked", place, items_of(lines)),
        )

    def said(self, sku: str, place: str, quantity: int) -> StockChange:
        key = f"change-{next(self.pair.numbers)}"
        return StockChange(
            key=key, sku=sku, location=place, quantity=quantity, reason="drawn", by="ann"
        )
