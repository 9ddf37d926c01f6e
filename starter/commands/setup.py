"""`oms key`, `oms catalogue`, `oms search-attributes`: what is set up once, without the API."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from starter.commands.calls import fail

keys = typer.Typer(no_args_is_help=True, help="API keys.")
catalogue = typer.Typer(no_args_is_help=True, help="SKUs, locations, channels, bundles.")
attributes = typer.Typer(no_args_is_help=True, help="What Temporal must know of our orders.")

# PostgreSQL's and Temporal's libraries take a second to load, and every other command goes
# without: each of these imports them as it runs.


@keys.command("create")
def create_key(name: Annotated[str, typer.Argument(help="Whose key it is")]) -> None:
    """Make a key; it is shown now and never again."""
    from starter.commands.direct import with_tables

    made = with_tables(lambda wired: wired.keys.create(name))
    sys.stderr.write(f"{made.key_id}; keep the key, it is not shown again:\n")
    sys.stdout.write(f"{made.secret}\n")


@keys.command("list")
def list_keys() -> None:
    from starter.commands.direct import with_tables

    for key in with_tables(lambda wired: wired.keys.list()):
        ended = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "works"
        sys.stdout.write(f"{key.key_id}  {key.created_at:%Y-%m-%d}  {ended}  {key.name}\n")


@keys.command("revoke")
def revoke_key(key_id: str) -> None:
    """End a key at once."""
    from starter.commands.direct import with_tables

    if not with_tables(lambda wired: wired.keys.revoke(key_id)):
        fail(f"key_id: no key {key_id} works")


@catalogue.command("load")
def load(file: Path) -> None:
    """Load SKUs, locations, channels and bundles from JSON: {"skus": […], "locations": […], …}."""
    from starter.commands.direct import load_catalogue

    sys.stdout.write(json.dumps(load_catalogue(file)) + "\n")


@attributes.command("register")
def register() -> None:
    """Make our search attributes known to Temporal's namespace; those it knows stay."""
    from starter.commands.direct import register_attributes

    sys.stdout.write(f"registered: {', '.join(register_attributes())}\n")
