"""Whether our money and our words to a channel are what its shop did and heard."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal

from domain.lifecycles import RETURN_ENDED, OrderStatus
from starter.audit.findings import Checked, Finding
from starter.audit.journal import Effects, ShopOrder
from starter.audit.world import BEFORE_LEAVING, World, checked, each
from storage.audit.facts import MoneyFact, OrderFact


def all_shop(world: World) -> list[Checked]:
    checks = (captures_agree, refunds_agree, shop_told_once, shop_lines_agree)
    found = [captured_once(world), channel_told(world)]
    return found + each(checks, world, world.effects, "no journal")


def captured_once(world: World) -> Checked:
    """An order's money is taken at most once, in our ledger and at the shop."""
    ours = _money(world, "captured")
    shops = world.effects.shop if world.effects else {}

    def twice() -> Iterator[Finding]:
        for order_id, rows in ours.items():
            if len(rows) > 1:
                yield _of("captured_once", order_id, "1 capture", f"{len(rows)}", rows)
        for own_id, made in shops.items():
            if len(made.taken) > 1:
                order = world.by_shop_id.get(own_id)
                yield Finding(
                    "captured_once", f"{own_id} at the shop", "1 capture", str(len(made.taken)),
                    order.order_id if order else None,
                    tuple(deed.shown() for deed in made.deeds if deed.effect == "captured"),
                )  # fmt: skip

    looked = len(ours) + sum(bool(made.taken) for made in shops.values())
    return checked(captured_once, looked, twice())


def captures_agree(world: World, effects: Effects) -> Checked:
    """What we hold as captured is what the shop took, but for what it has not told us yet."""
    ours = _money(world, "captured")

    def wrong() -> Iterator[Finding]:
        for order, made in world.sold:
            rows = ours.get(order.order_id, [])
            if len(rows) > 1 or len(made.taken) > 1:
                continue  # told of once, by `captured_once`
            taken = sum((amount for _, amount, _ in made.taken), Decimal(0))
            untold = made.paid_there and (order.being_told or made.order in effects.unheard)
            lags = _capturing(order) or untold
            if _differ(order, made, rows, taken, len(made.taken), lags=lags):
                yield _disagree("captures_agree", order, made, rows, taken)

    return checked(captures_agree, len(world.sold), wrong())


def refunds_agree(world: World, effects: Effects) -> Checked:  # noqa: ARG001 - one shape a check
    """What we hold as refunded is what the shop gave back, but for what it gave by hand or more."""
    ours = _money(world, "refunded")
    returning = {one.order_id for one in world.facts.returns if one.status not in RETURN_ENDED}

    def wrong() -> Iterator[Finding]:
        for order, made in world.sold:
            rows = ours.get(order.order_id, [])
            unbooked = order.order_id in returning or order.order_id in world.facts.by_hand
            lags = _capturing(order) or unbooked
            if _differ(order, made, rows, made.refunded, made.refunds, lags=lags):
                yield _disagree("refunds_agree", order, made, rows, made.refunded)

    return checked(refunds_agree, len(world.sold), wrong())


def channel_told(world: World) -> Checked:
    """A fulfilment that left and waits for others has told its shop of each parcel."""
    due = [
        label
        for label in world.facts.labels
        if label.live
        and label.told
        and (order := world.facts.orders.get(label.order_id))
        and order.channel in world.shops
    ]
    findings = (
        Finding(
            "channel_told",
            label.parcel_id,
            "done",
            world.facts.told.get(_tell_key(label.parcel_id), "never begun"),
            label.order_id,
            ({"tracking_number": label.tracking_number, "shipment_ref": label.shipment_ref},),
        )
        for label in due
        if world.facts.told.get(_tell_key(label.parcel_id)) != "done"
    )
    return checked(channel_told, len(due), findings)


def _tell_key(parcel_id: str) -> str:
    """A shop hears of a fulfilment's parcels in one call."""
    return f"{parcel_id.rpartition('/')[0]}/tell-shipped"


def shop_told_once(world: World, effects: Effects) -> Checked:
    """A shop hears of a parcel once; of none that has not left."""
    standing = {own: made.fulfilments.values() for own, made in effects.shop.items()}
    gone: dict[str, dict[str, bool]] = defaultdict(dict)
    for label in world.facts.labels:
        if label.live and label.gone:
            gone[label.order_id][label.tracking_number] = label.told

    def wrong() -> Iterator[Finding]:
        for own_id, deeds in standing.items():
            order = world.by_shop_id.get(own_id)
            heard = Counter(n for deed in deeds for n in deed.data["tracking_numbers"])
            told = gone[order.order_id] if order else {}
            for number in sorted({*heard, *told}):
                times, most = heard[number], int(number in told)
                if times > most or (told.get(number) and times < most):
                    rows = (d.shown() for d in deeds if number in d.data["tracking_numbers"])
                    yield Finding(
                        "shop_told_once", f"{own_id} {number}", f"told {most} times",
                        f"told {times} times, order {order.status if order else 'unknown'}",
                        order.order_id if order else None, tuple(rows),
                    )  # fmt: skip

    looked = sum(len(deeds) for deeds in standing.values())
    return checked(shop_told_once, looked, wrong())


def shop_lines_agree(world: World, effects: Effects) -> Checked:  # noqa: ARG001 - one shape a check
    """Of an order that left, its shop holds each line as we do, but for what was left to people."""
    ours: dict[str, dict[str, tuple[int, int]]] = defaultdict(dict)
    for line in world.facts.pieces:
        ours[line.order_id][line.line_id] = (line.sent, line.cancelled)
    due = [(order, made) for order, made in world.sold if order.told]

    def wrong() -> Iterator[Finding]:
        for order, made in due:
            mine, theirs = ours[order.order_id], made.lines()
            untold = world.facts.by_hand.get(order.order_id, False)
            shown = tuple(d.shown() for d in made.deeds if d.effect in ("fulfilled", "refunded"))
            for line_id in sorted({*mine, *theirs}):
                us, them = mine.get(line_id, (0, 0)), theirs.get(line_id, (0, 0))
                unheard = untold and us[0] == them[0] and us[1] > them[1]
                if us != them and not unheard:
                    yield Finding(
                        "shop_lines_agree", f"{order.order_id} line {line_id}",
                        "{} sent, {} cancelled".format(*us),
                        "{} sent, {} cancelled at the shop".format(*them), order.order_id, shown,
                    )  # fmt: skip

    return checked(shop_lines_agree, len(due), wrong())


def _money(world: World, kind: str) -> dict[str, list[MoneyFact]]:
    by_order: dict[str, list[MoneyFact]] = defaultdict(list)
    for entry in world.facts.money:
        if entry.kind == kind:
            by_order[entry.order_id].append(entry)
    return by_order


def _capturing(order: OrderFact) -> bool:
    """What the shop did may not be written down yet."""
    return order.status in BEFORE_LEAVING or order.status == OrderStatus.CANCELLING


def _differ(
    order: OrderFact,
    made: ShopOrder,
    rows: list[MoneyFact],
    theirs: Decimal,
    deeds: int,
    *,
    lags: bool,
) -> bool:
    """Exactly, in one currency; across two, each deed may round by one minor unit."""
    ours = sum(row.amount_minor for row in rows)
    same = not rows or made.currency == rows[0].currency
    exponent = rows[0].exponent if rows else 2
    rate = Decimal(1) if made.currency == order.currency else made.shop_rate
    difference = ours - theirs * rate * 10**exponent
    slack = Decimal(0) if same else Decimal(max(deeds, len(rows)))
    return difference > slack or (difference < -slack and not lags)


def _disagree(
    invariant: str, order: OrderFact, made: ShopOrder, rows: list[MoneyFact], theirs: Decimal
) -> Finding:
    ours = sum(row.amount_minor for row in rows)
    exponent = rows[0].exponent if rows else 2
    took = {seq for seq, *_ in made.taken}
    deeds = [d for d in made.deeds if d.seq in took or d.effect in ("refunded", "cancelled")]
    return Finding(
        invariant,
        order.order_id,
        f"{theirs} {made.currency} at the shop",
        f"{Decimal(ours).scaleb(-exponent)} {order.currency} in our ledger",
        order.order_id,
        (*(_row(row) for row in rows), *(deed.shown() for deed in deeds)),
    )


def _of(invariant: str, order_id: str, expected: str, found: str, rows: list[MoneyFact]) -> Finding:
    return Finding(invariant, order_id, expected, found, order_id, tuple(_row(row) for row in rows))


def _row(entry: MoneyFact) -> dict[str, object]:
    return {
        "key": entry.key,
        "kind": entry.kind,
        "amount_minor": entry.amount_minor,
        "currency": entry.currency,
    }
