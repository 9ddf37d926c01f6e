"""What the simulators are told when they start, and may be told again while they run."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

ENV_PREFIX = "SIMULATORS_"
FIXED = frozenset({"host", "port", "state_dir"})


class Settings(BaseModel):
    """Everything that can be set.

    Each field is a flag (`--pack-s`), an environment variable (`SIMULATORS_PACK_S`) and a key of
    `POST /control/settings`; those in `FIXED` cannot change while the process runs.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8090, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    state_dir: Path = Field(Path(".oms/simulators"), description="folder of the journal")

    shop_webhook_url: str | None = Field(None, description="where the shop's webhooks go")
    shop_secret: str = Field("shpss_demo_secret", description="signs the shop's webhooks")
    shop_domain: str = Field("demo-shop.myshopify.com", description="the shop's own domain")
    shop_token: str = Field("shpat_demo_token", description="X-Shopify-Access-Token to expect")
    shop_bucket_points: float = Field(20_000, gt=0, description="size of the cost bucket")
    shop_restore_points: float = Field(1_000, gt=0, description="points restored each second")
    shop_echo: bool = Field(False, description="send orders/updated after each write by the API")

    carrier_webhook_url: str | None = Field(None, description="where EasyPost's events go")
    carrier_secret: str = Field("carrier_demo_secret", description="signs EasyPost's events")
    carrier_key: str = Field("EZTK_demo_key", description="EasyPost API key to expect")

    warehouse_webhook_base: str | None = Field(
        None, description="warehouse webhooks go to <base>/<location>"
    )
    warehouse_secret: str = Field(
        "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", description="signs them"
    )
    warehouse_key: str = Field("whk_demo_key", description="bearer key to expect")

    pack_s: float = Field(0.3, ge=0, description="from acceptance to packed")
    scan_s: float = Field(1.0, ge=0, description="from one scan of a parcel to the next")
    webhook_tries: int = Field(10, ge=1, description="tries before a webhook is given up")
    webhook_timeout_s: float = Field(5.0, gt=0, description="how long a receiver may take")


def read(arguments: Sequence[str], environment: Mapping[str, str] = os.environ) -> Settings:
    """Flags win over environment variables, those over the defaults."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    for name, field in Settings.model_fields.items():
        parser.add_argument(f"--{name.replace('_', '-')}", help=field.description)
    flags = {k: v for k, v in vars(parser.parse_args(arguments)).items() if v is not None}
    named = {
        name: environment[ENV_PREFIX + name.upper()]
        for name in Settings.model_fields
        if ENV_PREFIX + name.upper() in environment
    }
    return Settings.model_validate(named | flags)
