"""Stock on one page: no locks, one deed after another; what PostgreSQL must do as well."""

from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count

Cell = tuple[str, str]
Units = dict[str, int]
Shares = dict[str, Units]
"""Lines or items by location."""

BUNDLES: dict[str, Units] = {"set": {"cup": 2, "pot": 1}}


def items_of(lines: Units) -> Units:
    total: Units = {}
    for sku, quantity in lines.items():
        for item, many in BUNDLES.get(sku, {sku: 1}).items():
            total[item] = total.get(item, 0) + quantity * many
    return total


class RefusedByModel(Exception):
    """Its text is the code."""


@dataclass(frozen=True)
class Held:
    base: str
    place: str
    lines: Units
    state: str = "reserved"
    expired: bool = False


@dataclass(frozen=True)
class Waiting:
    lines: Units
    ranked: tuple[str, ...]
    parts_max: int
    priority: int
    position: int


@dataclass
class Model:
    on_hand: dict[Cell, int] = field(default_factory=dict)
    damaged: dict[Cell, int] = field(default_factory=dict)
    safety: dict[Cell, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    """By key of the part; one that was released before it was reserved has no place."""
    queue: dict[str, Waiting] = field(default_factory=dict)
    told: dict[str, Shares] = field(default_factory=dict)
    positions: "count[int]" = field(default_factory=count)
    flows: Counter[tuple[str, str]] = field(default_factory=Counter)
    """What moved on hand, by the kind of movement and SKU."""

    # -- how it stands

    def reserved(self, cell: Cell) -> int:
        return sum(
            items_of(one.lines).get(cell[0], 0)
            for one in self.held.values()
            if one.state == "reserved" and one.place == cell[1]
        )

    def sound(self, cell: Cell) -> int:
        """On hand, neither promised nor damaged."""
        return self.on_hand.get(cell, 0) - self.reserved(cell) - self.damaged.get(cell, 0)

    def available(self, cell: Cell) -> int:
        return max(self.sound(cell) - self.safety.get(cell, 0), 0)

    def fits(self, place: str, lines: Units) -> bool:
        return all(self.available((sku, place)) >= n for sku, n in items_of(lines).items())

    def seen(self, places: tuple[str, ...], lines: Units) -> Shares:
        return {p: {sku: self.available((sku, p)) for sku in items_of(lines)} for p in places}

    def standing(self, key: str, lines: Units) -> Shares:
        parts = [one for one in self.held.values() if one.base == key]
        if any(one.state == "released" for one in parts):
            raise RefusedByModel("reservation_released")
        total: Units = {}
        for one in parts:
            for sku, quantity in one.lines.items():
                total[sku] = total.get(sku, 0) + quantity
        if parts and total != lines:
            raise RefusedByModel("key_reused")
        return {one.place: one.lines for one in parts}

    # -- what orders do

    def reserve(self, key: str, parts: Shares, lines: Units, *, expired: bool) -> Shares | str:
        gone = not all(self.fits(place, share) for place, share in parts.items())
        if not gone and key in self.queue and self.queue[key].lines != lines:
            raise RefusedByModel("key_reused")
        if earlier := self.standing(key, lines):
            for part, one in self.held.items():
                if one.base == key and one.state == "reserved":
                    self.held[part] = replace(one, expired=expired)
            return earlier
        if gone:
            return "changed"
        self.queue.pop(key, None)
        self.promise(key, parts, expired=expired)
        return parts

    def promise(self, key: str, parts: Shares, *, expired: bool = False) -> None:
        for number, (place, share) in enumerate(parts.items(), 1):
            self.held[f"{key}/{number}"] = Held(key, place, share, expired=expired)

    def wait(self, key: str, wanted: Waiting, seen: Shares) -> Shares | str:
        if self.expire({sku for place in seen.values() for sku in place}):
            return "changed"
        if earlier := self.standing(key, wanted.lines):
            return earlier
        now = self.seen(wanted.ranked, wanted.lines)
        if any(now[p][sku] > seen.get(p, {}).get(sku, 0) for p in now for sku in now[p]):
            return "changed"
        if before := self.queue.get(key):
            if before.lines != wanted.lines:
                raise RefusedByModel("key_reused")
            wanted = replace(wanted, position=before.position)
        self.queue[key] = wanted
        return "short"

    def expire(self, skus: set[str] | None = None) -> int:
        keys = [
            key
            for key, one in self.held.items()
            if one.state == "reserved"
            and one.expired
            and (skus is None or skus & set(items_of(one.lines)))
        ]
        self.free(keys)
        return len(keys)

    def release(self, key: str) -> None:
        self.queue.pop(key, None)
        of_key = {part: one for part, one in self.held.items() if key in (part, one.base)}
        if not of_key:
            self.held[key] = Held(key, "", {}, "released")
        elif all(one.state == "shipped" for one in of_key.values()):
            raise RefusedByModel("reservation_shipped")
        self.free([part for part, one in of_key.items() if one.state == "reserved"])

    def free(self, parts: list[str]) -> None:
        gained = {self.held[part].place for part in parts}
        skus = {sku for part in parts for sku in items_of(self.held[part].lines)}
        for part in parts:
            self.held[part] = replace(self.held[part], state="released")
        self.share_out(gained, skus)

    def ship(self, key: str) -> None:
        of_key = {part: one for part, one in self.held.items() if key in (part, one.base)}
        if not of_key:
            raise RefusedByModel("reservation_unknown")
        if any(one.state == "released" for one in of_key.values()):
            raise RefusedByModel("reservation_released")
        for part, one in of_key.items():
            if one.state == "reserved":
                self.held[part] = replace(one, state="shipped")
                for sku, quantity in items_of(one.lines).items():
                    self.move("shipped", (sku, one.place), -quantity)

    def short_pick(self, key: str, sku: str, found: int, reason: str) -> None:
        part = self.held.get(key)
        if part is None:
            raise RefusedByModel("reservation_unknown")
        if part.state == "shipped":
            raise RefusedByModel("reservation_shipped")
        if part.state == "released":
            return
        self.held[key] = replace(part, state="released")
        cell = (sku, part.place)
        if (missing := items_of(part.lines).get(sku, 0) - found) > 0:
            match reason:
                case "damaged":
                    self.damaged[cell] = self.damaged.get(cell, 0) + missing
                case "mismatch":
                    self.move("adjusted", cell, -missing)
                case _:
                    self.move("adjusted", cell, found - self.sound(cell))
        self.share_out({part.place}, set(items_of(part.lines)))

    # -- what people do

    def move(self, kind: str, cell: Cell, quantity: int) -> None:
        self.on_hand[cell] = self.on_hand.get(cell, 0) + quantity
        self.flows[kind, cell[0]] += quantity

    def change(self, kind: str, place: str, items: Units) -> None:
        """Moves what is on hand or, as `damaged`, what of it is; never into what is promised."""
        for sku, quantity in items.items():
            if kind == "damaged" and self.damaged.get((sku, place), 0) + quantity < 0:
                raise RefusedByModel("not_damaged")
            if self.sound((sku, place)) + (-quantity if kind == "damaged" else quantity) < 0:
                raise RefusedByModel("below_reserved")
        for sku, quantity in items.items():
            if kind == "damaged":
                self.damaged[sku, place] = self.damaged.get((sku, place), 0) + quantity
            else:
                self.move(kind, (sku, place), quantity)
        self.share_out({place}, set(items))

    def count(self, place: str, found: Units) -> None:
        self.change(
            "counted",
            place,
            {sku: n - self.on_hand.get((sku, place), 0) for sku, n in found.items()},
        )

    def write_off(self, cell: Cell, quantity: int) -> None:
        if self.damaged.get(cell, 0) + quantity < 0:
            raise RefusedByModel("not_damaged")
        self.move("adjusted", cell, quantity)
        self.damaged[cell] += quantity

    def set_safety(self, place: str, sku: str, quantity: int) -> None:
        self.safety[sku, place] = quantity
        self.share_out({place}, {sku})

    # -- the queue

    def share_out(self, gained: set[str], skus: set[str]) -> None:
        turn = sorted(self.queue.items(), key=lambda one: (-one[1].priority, one[1].position))
        for key, wanted in turn:
            if not skus & set(items_of(wanted.lines)) or not gained & set(wanted.ranked):
                continue
            if not any(self.available((sku, place)) for sku in skus for place in gained):
                break
            parts = self.whole(wanted, gained) or self.split(wanted)
            if parts:
                del self.queue[key]
                self.promise(key, parts)
                self.told[key] = parts

    def whole(self, wanted: Waiting, gained: set[str]) -> Shares:
        for place in wanted.ranked:
            if place in gained and self.fits(place, wanted.lines):
                return {place: wanted.lines}
        return {}

    def split(self, wanted: Waiting) -> Shares:
        if wanted.parts_max > 1:
            for place in wanted.ranked:
                if parts := self.split_from(place, wanted):
                    return parts
        return {}

    def split_from(self, place: str, wanted: Waiting) -> Shares:
        """Only ever two places here: the second gives all that the first cannot, or nothing."""
        taken = self.take(place, wanted.lines)
        rest = {sku: n - taken.get(sku, 0) for sku, n in wanted.lines.items()}
        rest = {sku: n for sku, n in rest.items() if n}
        others = [other for other in wanted.ranked if other != place]
        if taken and rest and others and self.take(others[0], rest) == rest:
            return {place: taken, others[0]: rest}
        return {place: taken} if taken and not rest else {}

    def take(self, place: str, lines: Units) -> Units:
        left = {sku: self.available((sku, place)) for sku in items_of(lines)}
        taken: Units = {}
        for sku in sorted(lines):
            unit = items_of({sku: 1})
            many = min(lines[sku], *(left[item] // n for item, n in unit.items()))
            if many:
                taken[sku] = many
                for item, n in unit.items():
                    left[item] -= n * many
        return taken
