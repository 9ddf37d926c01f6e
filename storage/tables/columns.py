"""What tables are made of as SQLAlchemy knows them; the migrations build them."""

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Text, text

metadata = MetaData()

Time = DateTime(timezone=True)


def key(name: str, kind: Any = Text, *constraints: Any) -> Column[Any]:
    return Column(name, kind, *constraints, primary_key=True)


def must(name: str, kind: Any = Text, *constraints: Any, default: str | None = None) -> Column[Any]:
    server_default = text(default) if default is not None else None
    return Column(name, kind, *constraints, nullable=False, server_default=server_default)


def may(name: str, kind: Any = Text, *constraints: Any) -> Column[Any]:
    return Column(name, kind, *constraints, nullable=True)


def said(name: str) -> Column[Any]:
    """A text that may be empty."""
    return must(name, default="''::text")


def since(name: str) -> Column[Any]:
    return must(name, Time, default="now()")


def wait() -> tuple[Column[Any], ...]:
    return (
        may("wait_owner"),
        may("wait_what"),
        may("wait_since", Time),
        may("wait_deadline", Time),
        said("wait_next"),
    )


def of_order() -> Column[Any]:
    return must("order_id", Text, ForeignKey("orders.order_id"))
