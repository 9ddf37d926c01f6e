"""What people do with purchase orders, transfers and counts, drawn at random and done to a pair."""

from collections.abc import Callable, Coroutine
from datetime import date
from typing import Any, ClassVar

from hypothesis import strategies as st

from domain.supply import Arrival, Counted, NewSupply, OrderedLine, Supply
from tests.storage.drawn import DRAWN, ITEMS, PLACES
from tests.storage.stock_model import Units
from tests.storage.stock_pair import Pair

Way = tuple[str | None, str]
Lines = list[tuple[str, int, int]]
WAYS: list[Way] = [(None, "berlin"), (None, "lyon"), ("berlin", "lyon"), ("lyon", "berlin")]
ORDERED = st.lists(st.tuples(ITEMS, st.integers(1, 2), st.integers(0, 2)), min_size=1, max_size=3)
"""SKU, quantity and the day on which it is expected."""
CAME = st.lists(st.tuples(ITEMS, st.integers(1, 4), st.integers(0, 1)), min_size=1, max_size=2)
"""SKU, quantity and how much of it is damaged."""


def day(number: int) -> date:
    return date(2030, 1, 1 + number)


class SupplyDeeds:
    """The names of the deeds are the methods'; `said` holds what was done, to be said again."""

    DEEDS: ClassVar[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
        "go_on": {
            "drawn": DRAWN,
            "way": st.sampled_from(WAYS),
            "lines": ORDERED,
            "came": CAME,
            "all_of_it": st.booleans(),
        },
        "dispatch": {"drawn": DRAWN},
        "arrive": {"drawn": DRAWN, "came": CAME, "all_of_it": st.booleans()},
        "reschedule": {"drawn": DRAWN, "sku": st.sampled_from(["cup", "pot", None])},
        "end": {
            "drawn": DRAWN,
            "how": st.sampled_from(["closed", "closed", "cancelled"]),
            "reason": st.sampled_from(["", "lost", "lost"]),
        },
        "count": {
            "place": PLACES,
            "found": st.dictionaries(ITEMS, st.integers(0, 8), min_size=1),
        },
        "say_again": {"drawn": st.integers(0, 5), "otherwise": st.booleans()},
    }

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.ids: list[str] = []
        self.said: list[tuple[Callable[[str], Coroutine[Any, Any, object]], str, object]] = []

    def does(
        self,
        deed: Callable[[str], Coroutine[Any, Any, object]],
        modelled: Callable[[], object],
        reason: str = "",
    ) -> None:
        answered = self.pair.same(deed(reason), modelled)
        if not isinstance(answered, str):
            self.said.append((deed, reason, answered))

    def key(self) -> str:
        return f"deed-{next(self.pair.numbers)}"

    def living(self) -> list[int]:
        documents = self.pair.supply.documents
        return [n for n, one in enumerate(documents) if one.state in ("open", "dispatched")]

    def document(self, drawn: int) -> int:
        """Mostly of one that has not ended; where there is none at all, one that is not known."""
        living = self.living()
        if living and drawn < 9:
            return living[drawn % len(living)]
        return drawn % max(len(self.pair.supply.documents), 1)

    def go_on(self, drawn: int, way: Way, lines: Lines, came: Lines, *, all_of_it: bool) -> None:
        """The next step in the life of a document that has not ended; now and then, a new one."""
        documents, living = self.pair.supply.documents, self.living()
        to_come = [number for number in living if documents[number].on_its_way]
        to_leave = [number for number in living if not documents[number].on_its_way]
        if drawn > 8 or not living:
            self.open(way, lines)
        elif to_come and (drawn % 3 or not to_leave):
            self.arrives(to_come[drawn % len(to_come)], came, all_of_it=all_of_it)
        else:
            self.leaves(to_leave[drawn % len(to_leave)])

    def id(self, number: int) -> str:
        return self.ids[number] if number < len(self.ids) else "po-0"

    def open(self, way: Way, lines: Lines) -> None:
        key, number = self.key(), len(self.ids)
        ordered = tuple(
            OrderedLine(sku=sku, quantity=quantity, expected_on=day(expected))
            for sku, quantity, expected in lines
        )

        async def opened(reason: str) -> Supply:
            asked = NewSupply(origin=way[0], destination=way[1], lines=ordered, reason=reason)
            made = await self.pair.supplies.open(asked, key, "ann")
            self.ids[number:] = self.ids[number:] or [made.supply_id]
            assert made.supply_id == self.ids[number]
            return made

        self.does(opened, lambda: self.pair.supply.open(*way, lines))

    def dispatch(self, drawn: int) -> None:
        self.leaves(self.document(drawn))

    def leaves(self, number: int) -> None:
        key = self.key()
        self.does(
            lambda reason: self.pair.supplies.dispatch(self.id(number), key, "ann", reason),
            lambda: self.pair.supply.dispatch(number),
        )

    def arrive(self, drawn: int, came: Lines, *, all_of_it: bool) -> None:
        self.arrives(self.document(drawn), came, all_of_it=all_of_it)

    def arrives(self, number: int, came: Lines, *, all_of_it: bool) -> None:
        """What comes may be less than is on its way, or more, or nothing that was asked for."""
        key = self.key()
        if all_of_it and self.ids and (rest := self.pair.supply.documents[number].on_its_way):
            came = [(sku, quantity, 0) for sku, quantity in rest.items()]
        lines = [Arrival(sku=sku, quantity=many, damaged=bad) for sku, many, bad in came]
        arrived: Units = {}
        damaged: Units = {}
        for sku, many, bad in came:
            arrived[sku] = arrived.get(sku, 0) + many
            damaged[sku] = damaged.get(sku, 0) + bad
        self.does(
            lambda reason: self.pair.supplies.receive(self.id(number), lines, key, "ann", reason),
            lambda: self.pair.supply.receive(number, arrived, damaged),
        )

    def reschedule(self, drawn: int, sku: str | None) -> None:
        key, number = self.key(), self.document(drawn)
        self.does(
            lambda reason: self.pair.supplies.reschedule(
                self.id(number), day(drawn), key, "ann", sku=sku, reason=reason
            ),
            lambda: self.pair.supply.reschedule(number, sku),
        )

    def end(self, drawn: int, how: str, reason: str) -> None:
        key, number = self.key(), self.document(drawn)
        ends = self.pair.supplies.close if how == "closed" else self.pair.supplies.cancel
        ended = bool(self.ids) and self.pair.supply.documents[number].state == how
        self.does(
            lambda reason: ends(self.id(number), key, "ann", reason),
            lambda: self.pair.supply.end(number, how, reason),
            reason,
        )
        if ended:  # nothing was done under this key
            self.said.pop()

    def count(self, place: str, found: Units) -> None:
        key = self.key()
        lines = [Counted(sku=sku, quantity=quantity) for sku, quantity in found.items()]
        self.does(
            lambda reason: self.pair.supplies.count(place, lines, key, "ann", reason),
            lambda: self.pair.supply.count(place, found),
        )

    def say_again(self, drawn: int, *, otherwise: bool) -> None:
        """Under the key of one of the last deeds: answered as it was then, or refused; not done."""
        if self.said:
            deed, reason, answered = self.said[-1 - drawn % len(self.said)]
            self.pair.same(
                deed(reason + "?" if otherwise else reason),
                lambda: "key_reused" if otherwise else answered,
            )
