"""Describes in OpenAPI a body that a route reads by itself."""

from typing import Any

from pydantic import BaseModel

HERE = "#/$defs/"


def described(kind: type[BaseModel], *, without: str = "") -> dict[str, Any]:
    """The route's `openapi_extra`; a body need not repeat the field that its address names."""
    schema = kind.model_json_schema()
    inner = schema.pop("$defs", {})
    schema["required"] = [name for name in schema.get("required", []) if name != without]
    content = {"application/json": {"schema": _whole(schema, inner)}}
    return {"requestBody": {"required": True, "content": content}}


def _whole(said: Any, inner: dict[str, Any]) -> Any:
    """With what pydantic keeps beside a schema in its place: in OpenAPI's file it would be lost."""
    if isinstance(said, list):
        return [_whole(one, inner) for one in said]
    if not isinstance(said, dict):
        return said
    name = said.get("$ref", "")
    if isinstance(name, str) and name.startswith(HERE):
        rest = {key: value for key, value in said.items() if key != "$ref"}
        return _whole({**inner[name.removeprefix(HERE)], **rest}, inner)
    return {key: _whole(value, inner) for key, value in said.items()}
