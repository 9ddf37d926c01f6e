"""POST /admin/api/2026-07/graphql.json: tokens, faults, cost, and the call itself."""

import json
import re
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulators import answers
from simulators.faults import Fault
from simulators.shopify import cost
from simulators.shopify.errors import misasked, shown
from simulators.shopify.schema import Root, load, mutations
from simulators.shopify.shop import Shop

REMEMBERED = 200
API_VERSION = "2026-07"
GID = re.compile(r"gid://shopify/(?P<kind>\w+)/(?P<number>\d+)")
KINDS = {
    "OrderTransaction": "transaction",
    "FulfillmentOrder": "fulfilment_order",
    "Fulfillment": "fulfilment",
    "Refund": "refund",
}
LIMITS = "https://shopify.dev/api/usage/rate-limits"


class Endpoint:
    """As <https://shopify.dev/docs/api/admin-graphql>."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._schema = load()
        self._validated: dict[str, list[GraphQLError]] = {}
        self._bucket = cost.Bucket(shop.settings)
        self._queries = Root(shop.settings, shop.ledger, shop.views).queries()

    async def graphql(self, request: Request) -> Response:
        """As <https://shopify.dev/docs/api/admin-graphql#status_and_error_codes>."""
        raw = (await request.body()).decode(errors="replace")
        if request.headers.get("x-shopify-access-token") != self._shop.settings.shop_token:
            words = "[API] Invalid API key or access token (unrecognized login or wrong password)"
            return JSONResponse({"errors": words}, 401)
        try:
            call = _Call(json.loads(raw))
        except ValueError as error:
            return JSONResponse({"errors": str(error)}, 400)
        except GraphQLError as error:
            return JSONResponse({"errors": [shown(error)]})
        fault = self._fault(call, raw)
        early = await answers.delay(request, fault) or self._failed_first(fault, call)
        if early is not None:
            return early
        answer = JSONResponse(self._run(call, fault))
        return answers.after(fault, answer, _unavailable)

    def _fault(self, call: "_Call", raw: str) -> Fault | None:
        text = " ".join([raw, *self._named(raw)])
        for name in call.root_fields:
            fault = self._shop.faults.fire("shopify", name, text)
            if fault is not None:
                return fault
        return None

    def _named(self, raw: str) -> list[str]:
        """The orders that the ids in this body belong to, by id and name."""
        names: list[str] = []
        for found in GID.finditer(raw):
            wanted = int(found["number"])
            kind = KINDS.get(found["kind"])
            ledger = self._shop.ledger
            order = ledger.owner(kind, wanted) if kind else ledger.orders.get(wanted)
            if order is not None:
                names += [str(order.id), str(order.payload["name"])]
        return names

    def _failed_first(self, fault: Fault | None, call: "_Call") -> Response | None:
        match fault.mode if fault else None:
            case "down":
                return _unavailable(503)
            case "throttle" if fault is not None:
                wait_s = 1 if fault.seconds is None else fault.seconds
                throttled = self._throttled(call.points)
                return JSONResponse(throttled, headers={"Retry-After": f"{wait_s:g}"})
            case "refuse" if fault is not None and not call.writes:
                error = {
                    "message": fault.message or "Access denied",
                    "extensions": {"code": fault.code or "ACCESS_DENIED"},
                }
                return JSONResponse({"errors": [error]})
            case _:
                return None

    def _run(self, call: "_Call", fault: Fault | None) -> dict[str, Any]:
        problems = self._problems(call.query, call.document)
        if problems:
            return {"errors": [misasked(problem, call.document) for problem in problems]}
        dear = cost.too_dear(call.points)
        if dear is not None:
            return {"errors": [shown(dear)]}
        if not self._bucket.take(call.points):
            return self._throttled(call.points)
        refused = fault is not None and fault.mode == "refuse"
        words = (fault.message or "Refused") if fault is not None and refused else None
        root = self._queries | mutations(
            self._shop.payments, self._shop.fulfilling, lambda _name: words
        )
        result = execute_sync(
            self._schema,
            call.document,
            root_value=root,
            variable_values=call.variables,
            operation_name=call.operation_name,
        )
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [shown(error, call.variables) for error in result.errors]
        if result.data is not None or not result.errors:
            answer["data"] = result.data
        spent = min(cost.spent(call.operation, result.data), call.points)
        self._bucket.give_back(call.points - spent)
        return answer | {"extensions": {"cost": self._cost(call.points, spent)}}

    def _problems(self, query: str, document: DocumentNode) -> list[GraphQLError]:
        """What is wrong with a query; callers send the same few again and again."""
        if query not in self._validated:
            if len(self._validated) >= REMEMBERED:
                self._validated.clear()
            self._validated[query] = validate(self._schema, document)
        return self._validated[query]

    def _throttled(self, asked: int) -> dict[str, Any]:
        """As <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits>."""
        extensions = {"code": "THROTTLED", "documentation": LIMITS}
        return {
            "errors": [{"message": "Throttled", "extensions": extensions}],
            "extensions": {"cost": self._cost(asked, None)},
        }

    def _cost(self, asked: int, actual: int | None) -> dict[str, Any]:
        return {
            "requestedQueryCost": asked,
            "actualQueryCost": actual,
            "throttleStatus": self._bucket.status(),
        }


class _Call:
    """A GraphQL request, parsed; raises `ValueError` or `GraphQLError` if it is none."""

    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict) or not isinstance(body.get("query"), str):
            raise ValueError("query: Required parameter missing or invalid")  # noqa: TRY004
        self.variables: dict[str, Any] = body.get("variables") or {}
        self.operation_name: str | None = body.get("operationName")
        self.query: str = body["query"]
        self.document = parse(self.query)
        operation = get_operation_ast(self.document, self.operation_name)
        if operation is None:
            raise GraphQLError("An operation name is required")
        self.operation = operation
        self.writes = operation.operation is OperationType.MUTATION
        self.points = cost.points(operation, self.variables)
        self.root_fields = _root_fields(operation)


def _root_fields(operation: OperationDefinitionNode) -> list[str]:
    selections = operation.selection_set.selections
    return [field.name.value for field in selections if hasattr(field, "name")]


def _unavailable(status: int) -> Response:
    return JSONResponse({"errors": "Service Unavailable"}, status)


async def unknown_version(_request: Request) -> Response:
    """As <https://shopify.dev/docs/api/usage/versioning>."""
    return JSONResponse({"errors": "Not Found"}, 404)
