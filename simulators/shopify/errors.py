"""GraphQL errors in the words and with the codes that Shopify's own server uses."""

import re
from typing import Any

from graphql import GraphQLError

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
VARIABLE = re.compile(r"Variable '\$(?P<name>\w+)'")


def shown(error: GraphQLError) -> dict[str, Any]:
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
    if variable is not None:
        answer["message"] = f"Variable ${variable['name']} was provided invalid value"
        problem = {"path": [], "explanation": error.message}
        answer["extensions"] = {"code": "INVALID_VARIABLE", "problems": [problem]}
    return answer
