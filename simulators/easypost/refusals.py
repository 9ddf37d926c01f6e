"""EasyPost's errors: <https://docs.easypost.com/docs/errors>."""

from typing import Any


class RefusedError(Exception):
    """A status and an error object; its `errors` are objects, of which there are two kinds."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        errors: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "errors": errors or []}}


def missing(*fields: str) -> RefusedError:
    errors = [{"field": name, "message": "cannot be blank"} for name in fields]
    return RefusedError(422, "PARAMETER.REQUIRED", "Missing required parameter.", errors)


def absent(*names: str) -> RefusedError:
    """A shipment without an address: each entry is named by what is wrong."""
    return RefusedError(
        422,
        "SHIPMENT.INVALID_PARAMS",
        "Unable to create shipment, one or more parameters were invalid.",
        [{name: "Required and missing."} for name in names],
    )


def wrong_type(field: str, wanted: str) -> RefusedError:
    errors = [{"field": field, "message": f"must be {wanted}"}]
    return RefusedError(422, "PARAMETER.INVALID_TYPE", "Wrong parameter type.", errors)


def not_found() -> RefusedError:
    return RefusedError(404, "NOT_FOUND", "The requested resource could not be found.")
