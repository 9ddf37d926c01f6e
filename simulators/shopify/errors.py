"""GraphQL errors in the words and with the codes that Shopify's own server uses."""

import re
from collections.abc import Mapping
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    VariableDefinitionNode,
    print_ast,
)
from graphql.language.ast import QUERY_DOCUMENT_KEYS

# What graphql-core says; what Shopify says; its code. The named groups go into `extensions`.
REWORDED: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r"Cannot query field '(?P<fieldName>\w+)' on type '(?P<typeName>\w+)'"),
        "Field '{fieldName}' doesn't exist on type '{typeName}'",
        "undefinedField",
    ),
    (
        re.compile(r"Unknown argument '(?P<argumentName>\w+)' on field '\w+\.(?P<name>\w+)'"),
        "Field '{name}' doesn't accept argument '{argumentName}'",
        "argumentNotAccepted",
    ),
    (
        re.compile(r"Argument '\w+\.(?P<name>\w+)\((?P<arguments>\w+):\)' of type .* is required"),
        "Field '{name}' is missing required arguments: {arguments}",
        "missingRequiredArguments",
    ),
    (
        re.compile(r"Field '(?P<name>\w+)' argument '(?P<arguments>\w+)' of type .* is required"),
        "Field '{name}' is missing required arguments: {arguments}",
        "missingRequiredArguments",
    ),
)
VARIABLE = re.compile(
    r"Variable '\$(?P<name>\w+)' has invalid value(?: at (?P<at>\S+))?: (?P<why>.*)", re.DOTALL
)
# What graphql-core says of a value; how Shopify explains it. The group `field` is where it is.
EXPLAINED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"include required field '(?P<field>\w+)'"), "Expected value to not be null"),
    (
        re.compile(r"of type '(?P<type>\w+)' not to include unknown field '(?P<field>\w+)'"),
        "Field is not defined on {type}",
    ),
    (re.compile(r"value of non-null type"), "Expected value to not be null"),
)


def shown(error: GraphQLError, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One entry of `errors`: <https://shopify.dev/docs/api/admin-graphql#status_and_error_codes>."""
    answer: dict[str, Any] = dict(error.formatted)
    if "code" in (error.extensions or {}):
        return answer
    for pattern, message, code in REWORDED:
        found = pattern.search(error.message)
        if found is not None:
            answer["message"] = message.format(**found.groupdict())
            answer["extensions"] = {"code": code} | found.groupdict()
            return answer
    variable = VARIABLE.match(error.message)
    if variable is None:
        return answer
    return answer | _invalid_variable(variable, error, (variables or {}).get(variable["name"]))


def _invalid_variable(found: re.Match[str], error: GraphQLError, value: Any) -> dict[str, Any]:
    path = [
        int(step) if step.isdecimal() else step for step in re.findall(r"\w+", found["at"] or "")
    ]
    explanation = found["why"]
    for pattern, words in EXPLAINED:
        fitting = pattern.search(explanation)
        if fitting is not None:
            named = fitting.groupdict()
            path += [named["field"]] if "field" in named else []
            explanation = words.format(**named)
            break
    defined = [node for node in error.nodes or () if isinstance(node, VariableDefinitionNode)]
    of_type = f" of type {print_ast(defined[0].type)}" if defined else ""
    message = f"Variable ${found['name']}{of_type} was provided invalid value"
    if path:
        message += f" for {'.'.join(map(str, path))} ({explanation})"
    problem = {"path": path, "explanation": explanation}
    return {
        "message": message,
        "extensions": {"code": "INVALID_VARIABLE", "value": value, "problems": [problem]},
    }


def misasked(error: GraphQLError, document: DocumentNode) -> dict[str, Any]:
    """What is wrong with a query, and the way from its operation down to there."""
    answer = shown(error)
    way = _way(document, error.nodes[0], []) if error.nodes else None
    return answer | {"path": way} if way else answer


def _way(node: Node, wanted: Node, above: list[str]) -> list[str] | None:
    here = above + _step(node)
    if node is wanted:
        return here
    for key in QUERY_DOCUMENT_KEYS.get(node.kind, ()):
        below = getattr(node, key) or ()
        for child in (below,) if isinstance(below, Node) else below:
            found = _way(child, wanted, here)
            if found is not None:
                return found
    return None


def _step(node: Node) -> list[str]:
    match node:
        case OperationDefinitionNode(operation=kind, name=name):
            return [f"{kind.value} {name.value}" if name else kind.value]
        case FragmentDefinitionNode(name=name):
            return [f"fragment {name.value}"]
        case InlineFragmentNode(type_condition=kind):
            return [f"... on {kind.name.value}" if kind else "..."]
        case FieldNode(alias=alias, name=name):
            return [(alias or name).value]
        case ArgumentNode(name=name):
            return [name.value]
        case _:
            return []
