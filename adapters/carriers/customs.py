"""What customs must be told of a parcel: which goods, of what worth, weight and origin."""

from domain.errors import Refused
from domain.fulfilments import LabelRequest
from domain.money import Money, apportion
from domain.orders import LineRef, Order, OrderLine
from domain.values import Value

SYSTEM = "customs"
_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MC MT NL PL PT RO SE SI SK"
CUSTOMS_UNION = frozenset(_EU.split())
"""The EU's customs union; territories of its members that are outside of it go as inside."""


class CustomsItem(Value):
    """One line's share of the parcel; value and weight are for all `quantity` together."""

    sku: str
    title: str
    quantity: int
    value: Money
    weight_g: int
    hs_code: str | None
    origin_country: str


def crosses_customs(origin: str, destination: str) -> bool:
    return origin != destination and not {origin, destination} <= CUSTOMS_UNION


def customs_items(request: LabelRequest, order: Order, sender_country: str) -> list[CustomsItem]:
    """Declare the lines in the parcel; goods of unknown origin count as the sender country's.

    The weights never sum to more than the parcel's: carriers refuse a declaration that does.
    """
    by_id = {line.line_id: line for line in order.lines}
    shares = [(ref, by_id[ref.line_id]) for ref in request.lines]
    weights_g = _weights_g(shares, request.parcel.weight_g)
    return [
        CustomsItem(
            sku=ref.sku,
            title=line.title or ref.sku,
            quantity=ref.quantity,
            value=_value(ref, line),
            weight_g=weight_g,
            hs_code=line.hs_code,
            origin_country=line.origin_country or sender_country,
        )
        for (ref, line), weight_g in zip(shares, weights_g, strict=True)
    ]


def _value(ref: LineRef, line: OrderLine) -> Money:
    """What was paid for the share; a gift has its price without discount, at least a minor unit.

    Raises:
        Refused: the amounts are of two currencies, or make more than an amount can be.
    """
    rest = max(line.quantity - ref.quantity, 0)
    try:
        full = line.unit_price * ref.quantity
        paid = full - apportion(line.discount, [ref.quantity, rest])[0]
    except ValueError as error:
        raise Refused(SYSTEM, "no_value", f"line {line.line_id}: {error}") from None
    least = Money(amount_minor=1, currency=full.currency)
    return next((value for value in (paid, full) if value >= least), least)


def _weights_g(shares: list[tuple[LineRef, OrderLine]], parcel_g: int) -> list[int]:
    known = [line.weight_g * ref.quantity for ref, line in shares]
    if all(known) and sum(known) <= parcel_g:
        return known
    weights = known if all(known) else [ref.quantity for ref, _ in shares]
    whole = sum(weights)
    return [parcel_g * weight // whole for weight in weights]
