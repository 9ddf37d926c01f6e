"""EasyPost's errors: <https://docs.easypost.com/docs/errors>."""

from typing import Any


class RefusedError(Exception):
    """A status and an error object; `errors` comes as a list of fields or as an object."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        errors: list[dict[str, Any]] | dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "errors": errors or []}}


def missing(*fields: str) -> RefusedError:
    errors = [{"field": name, "message": "cannot be blank", "suggestion": None} for name in fields]
    return RefusedError(422, "PARAMETER.REQUIRED", "Missing required parameter.", errors)


def wrong_type(field: str, wanted: str) -> RefusedError:
    """EasyPost's other form: an object from the field to what is wrong with it."""
    return RefusedError(
        422, "PARAMETER.INVALID_TYPE", "Wrong parameter type.", {field: [f"must be {wanted}"]}
    )


def not_found() -> RefusedError:
    return RefusedError(404, "NOT_FOUND", "The requested resource could not be found.")
