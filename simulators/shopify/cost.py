"""Points for a call and the bucket they are drawn from, as Shopify throttles its GraphQL API."""

import math
import time
from typing import Any

from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType

from simulators.settings import Settings

MUTATION_POINTS = 10
SINGLE_CALL_POINTS = 1_000
LISTS = frozenset({"nodes", "edges"})


def points(operation: OperationDefinitionNode, variables: dict[str, object]) -> int:
    """An object costs one point, a connection as many as it may return, a mutation ten.

    As <https://shopify.dev/docs/api/usage/limits>.
    """
    if operation.operation is OperationType.MUTATION:
        return MUTATION_POINTS
    return max(1, _points(operation, variables))


def _points(node: OperationDefinitionNode | FieldNode, variables: dict[str, object]) -> int:
    if node.selection_set is None:
        return 0
    fields = [field for field in node.selection_set.selections if isinstance(field, FieldNode)]
    inner = sum(_points(field, variables) for field in fields)
    if not isinstance(node, FieldNode) or node.name.value in LISTS:
        return inner
    return 1 + inner * _first(node, variables)


def _first(node: FieldNode, variables: dict[str, object]) -> int:
    for argument in node.arguments or ():
        if argument.name.value in ("first", "last"):
            value: object = getattr(argument.value, "value", None)
            if value is None and hasattr(argument.value, "name"):
                value = variables.get(argument.value.name.value)
            return max(1, int(str(value))) if str(value).isdigit() else 1
    return 1


def spent(operation: OperationDefinitionNode, data: dict[str, Any] | None) -> int:
    """What a call really cost: by what came back, not by how much may have come.

    As <https://help.shopify.com/en/api/graphql-admin-api/call-limit>.
    """
    if operation.operation is OperationType.MUTATION:
        return MUTATION_POINTS
    return max(1, _spent(operation, data or {}))


def _spent(node: OperationDefinitionNode | FieldNode, value: Any) -> int:
    if node.selection_set is None or value is None:
        return 0
    if isinstance(value, list):
        return sum(_spent(node, one) for one in value)
    fields = [field for field in node.selection_set.selections if isinstance(field, FieldNode)]
    inner = 0
    for field in fields:
        inner += _spent(field, value.get((field.alias or field.name).value))
    itself = isinstance(node, FieldNode) and node.name.value not in LISTS
    return itself + inner


class Bucket:
    """Leaks at a fixed rate; a call that does not fit is throttled.

    One that cost less than it asked for gets the difference back.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._available = settings.shop_bucket_points
        self._at_s = time.monotonic()

    def take(self, asked: int) -> bool:
        self._refill()
        if asked > self._available:
            return False
        self._available -= asked
        return True

    def give_back(self, points: int) -> None:
        self._available = min(self._settings.shop_bucket_points, self._available + points)

    def status(self) -> dict[str, float]:
        self._refill()
        return {
            "maximumAvailable": float(self._settings.shop_bucket_points),
            "currentlyAvailable": math.floor(self._available),
            "restoreRate": float(self._settings.shop_restore_points),
        }

    def wait_s(self, asked: int) -> int:
        """Whole seconds until so many points are there."""
        missing = max(0.0, asked - self._available)
        return max(1, math.ceil(missing / self._settings.shop_restore_points))

    def _refill(self) -> None:
        now_s = time.monotonic()
        restored = (now_s - self._at_s) * self._settings.shop_restore_points
        self._at_s = now_s
        self._available = min(self._settings.shop_bucket_points, self._available + restored)


def too_dear(asked: int) -> GraphQLError | None:
    """As <https://shopify.dev/docs/api/usage/limits#single-query-limit>."""
    if asked <= SINGLE_CALL_POINTS:
        return None
    return GraphQLError(
        f"Query cost is {asked}, which exceeds the single query max cost limit"
        f" ({SINGLE_CALL_POINTS}).",
        extensions={
            "code": "MAX_COST_EXCEEDED",
            "cost": asked,
            "maxCost": SINGLE_CALL_POINTS,
            "documentation": "https://shopify.dev/api/usage/rate-limits",
        },
    )
