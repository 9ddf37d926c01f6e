"""The stack that the crash runs are played on: in a hurry, and with a small catalogue."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from config.accounts import Account
from config.settings import Settings
from config.wiring import wire
from domain.stock import StockChange
from starter.local.ports import free_port
from starter.local.processes import Spec
from starter.local.stack import Stack
from storage.bundles import Bundle, Component
from storage.catalogue import CatalogueChannel, CatalogueSku
from tests.crash.catalogue import BUNDLES, CHANNEL, HOMES, LATE, LOCATIONS, STOCK_EACH

CALL_S = 2.0
"""Of each outside call: a repeated deed first waits for what is left of the earlier one's time."""
POLICY = {
    "RETURN_WINDOW_S": "120",
    "RETRY_INITIAL_S": "0.2",
    "RETRY_CAP_S": "1",
    "WAREHOUSE_CHECK_S": "6",
    "TRACKING_CHECK_S": "8",
}
SIMULATED = {"SIMULATORS_PACK_S": "0.3", "SIMULATORS_SCAN_S": "0.2"}
NOTICES_FROZEN_CLIENTS = {
    # Temporal hands tasks to a frozen worker for as long as its connection seems to live: by
    # default 70 s, each task for the time of a heartbeat.
    "frontend.keepAliveTime": "4s",
    "frontend.keepAliveTimeout": "4s",
}


def make_stack(folder: Path) -> Stack:
    """In a hurry: calls, checks and the outside itself take less time than they would."""
    settings = Settings(
        _env_file=None,
        state_dir=folder,
        http_port=free_port(),
        simulators_port=free_port(),
        postgres_port=free_port(),
        temporal_port=free_port(),
        temporal_ui_port=free_port(),
    )
    hasty = {
        f"OMS_{kind.upper()}": json.dumps(
            {name: _told(system) for name, system in getattr(settings, kind).items()}
        )
        for kind in ("channels", "carriers", "warehouses")
    }
    policy = {f"OMS_POLICY__{name}": value for name, value in POLICY.items()}
    return Stack(settings, extra_env={**policy, **hasty, **SIMULATED})


def told_carriers(stack: Stack, timeout_s: float) -> dict[str, str]:
    """For a worker whose calls to carriers may take another time."""
    carriers = stack.settings.carriers.items()
    return {"OMS_CARRIERS": json.dumps({n: _told(c, timeout_s) for n, c in carriers})}


def _told(system: Account, timeout_s: float = CALL_S) -> dict[str, Any]:
    def reveal(secret: object) -> str:
        assert isinstance(secret, SecretStr)
        return secret.get_secret_value()

    said: dict[str, Any] = json.loads(json.dumps(system.model_dump(), default=reveal))
    return said | {"timeout_s": timeout_s}


def temporal(stack: Stack) -> Spec:
    """Temporal as the stack starts it, but that it misses frozen workers."""
    spec = stack.temporal.spec()
    options = [
        f'--dynamic-config-value={name}="{value}"' for name, value in NOTICES_FROZEN_CLIENTS.items()
    ]
    return replace(spec, command=(*spec.command, *options))


async def furnish(stack: Stack) -> str:
    """A catalogue, its stock, and a key for the API, which is returned."""
    wired = wire(stack.settings.model_copy(update={"database_url": stack.database_url}), 4)
    try:
        await wired.catalogue.put_channels(
            [CatalogueChannel(channel=CHANNEL, kind="shopify", name="Demo shop")]
        )
        await wired.catalogue.put_locations(LOCATIONS)
        await wired.catalogue.put_skus(
            [
                CatalogueSku(
                    sku=sku, title=sku, weight_g=300, hs_code="691110", origin_country="DE"
                )
                for sku in (*HOMES, *BUNDLES)
            ]
        )
        for sku, pieces in BUNDLES.items():
            parts = tuple(Component(sku=piece, quantity=many) for piece, many in pieces.items())
            await wired.bundles.put(Bundle(sku=sku, components=parts))
        for sku in HOMES.keys() - set(LATE):
            await wired.inventory.receive(
                StockChange(
                    key=f"opening/{sku}",
                    sku=sku,
                    location=HOMES[sku],
                    quantity=STOCK_EACH,
                    reason="opening",
                    by="crash",
                )
            )
        return (await wired.keys.create("crash")).secret
    finally:
        await wired.aclose()
