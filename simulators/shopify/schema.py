"""The schema and the functions behind its root fields."""

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from graphql import (
    DirectiveNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    StringValueNode,
    VariableNode,
    build_schema,
)

from simulators.settings import Settings
from simulators.shopify.fulfilments import Fulfilling
from simulators.shopify.ledger import Ledger, ShopOrder
from simulators.shopify.payments import Payments
from simulators.shopify.refusals import RefusedError
from simulators.shopify.shapes import View, connection, number
from simulators.shopify.views import Views

TERM = re.compile(
    r"(?P<field>created_at|updated_at|name|id):(?P<sign>>=|<=|>|<|)(?P<value>'[^']*'|\"[^\"]*\"|\S+)"
)
NO_KEY = "The @idempotent directive is required for this mutation but was not provided."
REFUSE_FIELD = {"orderCancel": "orderCancelUserErrors"}


def load() -> GraphQLSchema:
    return build_schema(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"))


class Root:
    """The root value of a call: what each query and mutation does."""

    def __init__(self, settings: Settings, ledger: Ledger, views: Views) -> None:
        self._settings = settings
        self._ledger = ledger
        self._views = views

    def queries(self) -> dict[str, Any]:
        return {
            "shop": self._shop(),
            "order": self._order,
            "orders": self._orders,
            "fulfillment": lambda _info, id: self._thing("fulfilment", "Fulfillment", id),  # noqa: A006
            "fulfillmentOrder": lambda _info, id: self._thing(  # noqa: A006
                "fulfilment_order", "FulfillmentOrder", id
            ),
            "refund": lambda _info, id: self._thing("refund", "Refund", id),  # noqa: A006
            "job": lambda _info, id: self._views.job(id),  # noqa: A006
        }

    def _shop(self) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/objects/Shop>."""
        domain = self._settings.shop_domain
        return {
            "id": "gid://shopify/Shop/548380009",
            "name": domain.split(".")[0],
            "myshopifyDomain": domain,
            "currencyCode": "EUR",
        }

    def _order(self, _info: GraphQLResolveInfo[Any], id: str) -> View | None:  # noqa: A002
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/queries/order>."""
        wanted = number("Order", id)
        if wanted is None:
            raise GraphQLError(
                f"Invalid global id '{id}'", extensions={"code": "argumentLiteralsIncompatible"}
            )
        order = self._ledger.orders.get(wanted)
        return None if order is None else self._views.order(order)

    def _orders(
        self,
        info: GraphQLResolveInfo[Any],
        query: str | None = None,
        sortKey: str = "PROCESSED_AT",  # noqa: N803
        reverse: bool = False,
        **page: Any,
    ) -> View:
        """As <https://shopify.dev/docs/api/admin-graphql/2026-07/queries/orders>."""
        if page.get("first") is None and page.get("last") is None:
            raise GraphQLError(
                "you must provide one of first or last", extensions={"code": "BAD_REQUEST"}
            )
        wanted = [order for order in self._ledger.orders.values() if _fits(order, query or "")]
        wanted.sort(key=_sort_key(sortKey), reverse=reverse)
        shown: View = connection(wanted, self._views.order)(info, **page)
        return shown

    def _thing(self, kind: str, type_name: str, given: str) -> View | None:
        wanted = number(type_name, given)
        order = None if wanted is None else self._ledger.owner(kind, wanted)
        if order is None:
            return None
        if kind == "fulfilment":
            found = next(entry for entry in order.fulfilments if entry.id == wanted)
            return self._views.fulfilment(order, found)
        if kind == "refund":
            refund = next(entry for entry in order.refunds if entry.id == wanted)
            return self._views.refund(order, refund)
        made = next(entry for entry in order.fulfilment_orders if entry.id == wanted)
        return self._views.fulfilment_order(order, made)


def mutations(
    payments: Payments, fulfilling: Fulfilling, refusal: Callable[[str], str | None]
) -> dict[str, Any]:
    """Each mutation; `refusal` says whether a fault makes the shop refuse it, and in what words."""

    def guarded(name: str, deed: Callable[..., View]) -> Callable[..., View]:
        field = REFUSE_FIELD.get(name, "userErrors")

        def resolve(info: GraphQLResolveInfo[Any], **arguments: Any) -> View:
            words = refusal(name)
            if words is not None:
                return {"userErrors": [], field: [{"field": None, "message": words}]}
            try:
                done = deed(info, **arguments)
            except RefusedError as refused:
                return {"userErrors": [refused.error], field: [refused.error]} | refused.beside
            return {"userErrors": [], field: []} | done

        return resolve

    return {
        "orderCapture": guarded("orderCapture", lambda _info, input: payments.capture(input)),  # noqa: A006
        "transactionVoid": guarded(
            "transactionVoid",
            lambda _info, parentTransactionId: payments.void(parentTransactionId),  # noqa: N803
        ),
        "refundCreate": guarded(
            "refundCreate",
            lambda info, input: payments.refund(input, idempotency_key(info)),  # noqa: A006
        ),
        "orderCancel": guarded("orderCancel", lambda _info, **asked: payments.cancel(asked)),
        "fulfillmentCreate": guarded(
            "fulfillmentCreate",
            lambda _info, fulfillment, **_rest: fulfilling.create(fulfillment),
        ),
        "fulfillmentCancel": guarded(
            "fulfillmentCancel",
            lambda _info, id: fulfilling.cancel(id),  # noqa: A006
        ),
        "fulfillmentOrderClose": guarded(
            "fulfillmentOrderClose",
            lambda _info, id, **_rest: fulfilling.close(id),  # noqa: A006
        ),
    }


def idempotency_key(info: GraphQLResolveInfo[Any]) -> str:
    """As <https://shopify.dev/changelog/posts/making-idempotency-mandatory-for-inventory-adjustments-and-refund-mutations>."""
    for directive in info.field_nodes[0].directives or ():
        if directive.name.value == "idempotent":
            return _key(directive, info.variable_values.coerced)
    raise GraphQLError(NO_KEY, extensions={"code": "BAD_REQUEST"})


def _key(directive: DirectiveNode, variables: dict[str, Any]) -> str:
    """The directive's one argument; validation has seen to it that there is one."""
    key = next(iter(directive.arguments or ())).value
    if isinstance(key, VariableNode):
        return str(variables[key.name.value])
    if isinstance(key, StringValueNode):
        return key.value
    raise GraphQLError(NO_KEY, extensions={"code": "BAD_REQUEST"})


def _fits(order: ShopOrder, query: str) -> bool:
    """Whether an order fits a search by time, name or id; other filters are ignored.

    As <https://shopify.dev/docs/api/usage/search-syntax>.
    """
    for term in TERM.finditer(query):
        wanted = term["value"].strip("'\"")
        field, sign = term["field"], term["sign"]
        if field in ("name", "id"):
            actual = str(order.payload["name"] if field == "name" else order.id)
            if actual.lstrip("#") != wanted.lstrip("#"):
                return False
            continue
        text = order.updated_at if field == "updated_at" else order.payload["created_at"]
        if not _compare(_moment(text), sign, _moment(wanted)):
            return False
    return True


def _compare(actual: datetime, sign: str, wanted: datetime) -> bool:
    match sign:
        case ">":
            return actual > wanted
        case ">=":
            return actual >= wanted
        case "<":
            return actual < wanted
        case "<=":
            return actual <= wanted
        case _:
            return actual == wanted


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise GraphQLError(
            f"Invalid timestamp for query filter `{text}`.", extensions={"code": "BAD_REQUEST"}
        ) from None
    return moment.astimezone()


def _sort_key(name: str) -> Callable[[ShopOrder], Any]:
    match name:
        case "UPDATED_AT":
            return lambda order: (_moment(order.updated_at), order.id)
        case "CREATED_AT" | "PROCESSED_AT":
            return lambda order: (_moment(order.payload["created_at"]), order.id)
        case _:
            return lambda order: order.id
