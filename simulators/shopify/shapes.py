"""How Shopify's GraphQL API writes ids, amounts, addresses and lists."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from simulators.shopify.ledger import ShopOrder

View = dict[str, Any]
DEFAULT_FIRST = 50


def gid(kind: str, number: int | str) -> str:
    return f"gid://shopify/{kind}/{number}"


def number(kind: str, value: str) -> int | None:
    """The number in a global id of this kind; None for anything else."""
    prefix = f"gid://shopify/{kind}/"
    tail = value.removeprefix(prefix).split("?")[0]
    return int(tail) if value.startswith(prefix) and tail.isascii() and tail.isdigit() else None


def decimal(amount: Decimal) -> str:
    """As Shopify's `Decimal` prints it: no padding, but always one place (`10.0`, `7.25`)."""
    text = f"{amount.normalize():f}"
    return text if "." in text else f"{text}.0"


def connection(items: Sequence[Any], show: Callable[[Any], View]) -> Callable[..., View]:
    """A page of nodes: <https://shopify.dev/docs/api/usage/pagination-graphql>."""

    def resolve(  # noqa: PLR0913, RUF100 - GraphQL's own argument list
        _info: object,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> View:
        start = int(after) if after and after.isdigit() else 0
        stop = int(before) - 1 if before and before.isdigit() else len(items)
        if last is not None:
            start = max(start, stop - last)
        else:
            stop = min(stop, start + (DEFAULT_FIRST if first is None else first))
        edges = [
            {"cursor": str(place + 1), "node": show(items[place])} for place in range(start, stop)
        ]
        return {
            "nodes": [edge["node"] for edge in edges],
            "edges": edges,
            "pageInfo": {
                "hasNextPage": stop < len(items),
                "hasPreviousPage": start > 0,
                "startCursor": edges[0]["cursor"] if edges else None,
                "endCursor": edges[-1]["cursor"] if edges else None,
            },
        }

    return resolve


def some(items: Sequence[Any], show: Callable[[Any], View]) -> Callable[..., list[View]]:
    """A plain list that takes `first`."""
    return lambda _info, first=None: [show(item) for item in items[:first]]


def set_view(order: ShopOrder, bag: dict[str, Any] | None, plain: object) -> View:
    """A `…_set` of the REST payload, or its plain amount in the shop's currency, as a MoneyBag."""
    if not bag:
        shown = {"amount": str(plain or "0.00"), "currency_code": order.currency}
        bag = {"shop_money": shown, "presentment_money": shown}
    sides = {"shopMoney": bag["shop_money"], "presentmentMoney": bag["presentment_money"]}
    return {
        name: {
            "amount": decimal(Decimal(str(side["amount"]))),
            "currencyCode": side["currency_code"],
        }
        for name, side in sides.items()
    }


def address(given: dict[str, Any] | None) -> View | None:
    """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/MailingAddress>."""
    if given is None:
        return None
    plain = (
        "name", "company", "address1", "address2", "city", "province", "zip", "country", "phone"
    )  # fmt: skip
    return {name: given.get(name) for name in plain} | {
        "firstName": given.get("first_name"),
        "lastName": given.get("last_name"),
        "provinceCode": given.get("province_code"),
        "countryCodeV2": given.get("country_code"),
    }
