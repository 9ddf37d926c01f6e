"""What orders do with stock, drawn at random and done to a pair: take, wait, ship, give back."""

from typing import Any, ClassVar

from hypothesis import strategies as st

from domain.ids import OrderId
from domain.orders import Destination
from domain.stock import (
    Claim,
    Part,
    ReservationRef,
    ReserveRequest,
    ShortPick,
    ShortPickRequest,
    ShortReason,
)
from tests.storage.drawn import DRAWN, ITEMS, LINES, RANKED
from tests.storage.stock_claims import claimed
from tests.storage.stock_model import Shares, Units, Waiting
from tests.storage.stock_pair import Pair, line_refs

DESTINATION = Destination(country="DE", postal_code="10115")


class OrderDeeds:
    """The names of the deeds are the methods'; `asked` holds the lines of each key."""

    DEEDS: ClassVar[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
        "reserve": {
            "drawn": DRAWN,
            "lines": LINES,
            "first": st.integers(0, 3),
            "ranked": RANKED,
            "expired": st.sampled_from([False, False, True]),
        },
        "want": {
            "drawn": DRAWN,
            "asked": LINES,
            "ranked": RANKED,
            "rules": st.tuples(st.integers(1, 2), st.integers(0, 1)),
            "looks": st.integers(0, 5),
        },
        "release": {"drawn": DRAWN, "part": st.integers(0, 2)},
        "ship": {"drawn": DRAWN, "part": st.integers(0, 2)},
        "short_pick": {
            "drawn": DRAWN,
            "part": st.integers(1, 2),
            "sku": ITEMS,
            "found": st.integers(0, 2),
            "reason": st.sampled_from(ShortReason),
        },
        "expire": {},
    }

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.asked: dict[str, Units] = {}

    def key(self, drawn: int) -> str:
        """Two keys an order; one in four is a key that was used already."""
        if drawn < 3 and self.asked:
            return list(self.asked)[-1 - drawn % len(self.asked)]
        number = len(self.asked)
        return f"a-{number // 2}/{number % 2}"

    def request(self, drawn: int, lines: Units, *, expired: bool) -> ReserveRequest:
        key = self.key(drawn)
        if drawn < 2:
            lines = self.asked.get(key, lines)
        self.asked.setdefault(key, lines)
        return ReserveRequest(
            order_id=OrderId(key.split("/")[0]),
            key=key,
            lines=line_refs(lines),
            destination=DESTINATION,
            expires_in_s=0 if expired else None,
        )

    def reserve(
        self, drawn: int, lines: Units, first: int, ranked: tuple[str, ...], *, expired: bool
    ) -> None:
        """At most `first` units of each line at the first place, the rest at the last."""
        wanted = self.request(drawn, lines, expired=expired)
        shares: Shares = {place: {} for place in ranked}
        for line in wanted.lines:
            near = min(first, line.quantity)
            for place, many in ((ranked[0], near), (ranked[-1], line.quantity - near)):
                if many:
                    shares[place][line.sku] = shares[place].get(line.sku, 0) + many
        self.reserves(wanted, {place: share for place, share in shares.items() if share})

    def reserves(self, wanted: ReserveRequest, shares: Shares) -> None:
        parts = tuple(Part(location=p, lines=line_refs(share)) for p, share in shares.items())
        lines = {line.sku: line.quantity for line in wanted.lines}
        expired = wanted.expires_in_s is not None
        self.pair.same(
            claimed(self.pair.stock, wanted, Claim(parts=parts)),
            lambda: self.pair.model.reserve(wanted.key, shares, lines, expired=expired),
        )

    def want(
        self, drawn: int, asked: Units, ranked: tuple[str, ...], rules: tuple[int, int], looks: int
    ) -> None:
        """Takes it where all is, or waits; who does not look is told to."""
        wanted = self.request(drawn, asked, expired=False)
        lines = {line.sku: line.quantity for line in wanted.lines}
        seen = self.pair.model.seen(ranked, lines) if looks else {}
        near = [place for place in ranked if looks and self.pair.model.fits(place, lines)]
        if near:
            self.reserves(wanted, {near[0]: lines})
            return
        claim = Claim(seen=seen, ranked=ranked, parts_max=rules[0], priority=rules[1])
        waits = Waiting(lines, ranked, *rules, next(self.pair.model.positions))
        self.pair.same(
            claimed(self.pair.stock, wanted, claim),
            lambda: self.pair.model.wait(wanted.key, waits, seen),
        )

    def ref(self, drawn: int, part: int) -> ReservationRef:
        """Mostly of what is still reserved: a part of it or, as part 0, all under its key."""
        known = self.pair.model.held
        held = [key for key, one in known.items() if one.state == "reserved"]
        if held and drawn > 1:
            key = held[drawn % len(held)]
            key = key if part else known[key].base
        else:
            bases = list(self.asked) or ["a-0/0"]
            base = bases[drawn % len(bases)]
            key = f"{base}/{part}" if f"{base}/{part}" in known else base
        return ReservationRef(order_id=OrderId(key.split("/")[0]), key=key)

    def release(self, drawn: int, part: int) -> None:
        ref = self.ref(drawn, part)
        self.pair.same(self.pair.stock.release(ref), lambda: self.pair.model.release(ref.key))

    def ship(self, drawn: int, part: int) -> None:
        ref = self.ref(drawn, part)
        self.pair.same(self.pair.stock.ship(ref), lambda: self.pair.model.ship(ref.key))

    def short_pick(self, drawn: int, part: int, sku: str, found: int, reason: ShortReason) -> None:
        ref = self.ref(drawn, part)
        said = ShortPickRequest(
            order_id=ref.order_id,
            key=ref.key,
            short=(ShortPick(sku=sku, found=found, reason=reason),),
        )
        self.pair.same(
            self.pair.stock.short_pick(said),
            lambda: self.pair.model.short_pick(ref.key, sku, found, reason),
        )

    def expire(self) -> None:
        assert self.pair.run(self.pair.stock.expire()) == self.pair.model.expire()
