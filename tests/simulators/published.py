"""What the vendors publish, and how an answer is held against it."""

import json
from pathlib import Path
from typing import Any

from graphql import (
    REMOVE,
    FieldNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    parse,
    print_ast,
    visit,
)

VENDOR = Path(__file__).with_name("vendor")


def published(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((VENDOR / f"{name}.json").read_text(encoding="utf-8"))
    return found


def admin_schema() -> GraphQLSchema:
    """Shopify's own schema, cut to the types that we speak of."""
    text = (VENDOR / "shopify_admin_2026-07.graphql").read_text(encoding="utf-8")
    return build_schema(text)


def same_shape(ours: object, theirs: object, at: str = "$") -> None:
    """Every key that the vendor's example has, with a value of the same JSON type."""
    if theirs is None or ours is None:
        return
    number = (int, float)
    alike = isinstance(ours, number) if isinstance(theirs, number) else type(ours) is type(theirs)
    assert alike, f"{at}: {ours!r} against {theirs!r}"
    if isinstance(theirs, dict):
        assert isinstance(ours, dict)
        assert theirs.keys() <= ours.keys(), f"{at} lacks {theirs.keys() - ours.keys()}"
        for name, value in theirs.items():
            same_shape(ours[name], value, f"{at}.{name}")
    if isinstance(theirs, list) and isinstance(ours, list) and theirs and ours:
        same_shape(ours[0], theirs[0], f"{at}[0]")


class _Unknown(Visitor):
    """Takes out of a query the fields that a schema lacks."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self._types = types
        self.names: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> object:
        if self._types.get_field_def() is None:
            self.names.add(node.name.value)
            return REMOVE
        return None


def known(query: str, data: Any, schema: GraphQLSchema) -> tuple[str, Any, set[str]]:
    """The part of a published query and of its answer that a schema has, and what it lacks."""
    types = TypeInfo(schema)
    unknown = _Unknown(types)
    document = visit(parse(query), TypeInfoVisitor(types, unknown))
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    return print_ast(document), _selected(data, operation.selection_set), unknown.names


def _selected(value: Any, selection: SelectionSetNode | None) -> Any:
    if selection is None or value is None:
        return value
    if isinstance(value, list):
        return [_selected(one, selection) for one in value]
    fields = [field for field in selection.selections if isinstance(field, FieldNode)]
    return {
        (field.alias or field.name).value: _selected(
            value[(field.alias or field.name).value], field.selection_set
        )
        for field in fields
    }
