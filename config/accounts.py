"""Whom we deal with: where each channel, carrier and warehouse is, and the secrets between us."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

# What the local stack uses; the simulators know the same values.
LOCAL_LOCATIONS = ("berlin", "leeds", "newark")
LOCAL_CHANNEL_SECRET = "shpss_demo_secret"  # noqa: S105 guards nothing but a simulator
LOCAL_WAREHOUSE_SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # noqa: S105 likewise


def _without_slash(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://")
    try:
        parts = urlsplit(url)
        named = parts.hostname and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:
        named = False
    if not named or not url.isprintable() or " " in url:
        raise ValueError("must be an address such as https://shop.example, or with a port and path")
    return url.rstrip("/")


BaseUrl = Annotated[str, AfterValidator(_without_slash)]
# One that a template left empty would let anybody sign.
Secret = Annotated[SecretStr, Field(min_length=1)]
# During a rotation the old and the new secret are both valid; more than two is a mistake.
RotatingSecrets = Annotated[tuple[Secret, ...], Field(min_length=1, max_length=2)]


class Account(BaseModel):
    """Where a system outside is, and what we and it prove ourselves with."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: BaseUrl
    secrets: RotatingSecrets
    """Verify what it sends to our webhooks."""
    timeout_s: float = Field(default=10, gt=0, le=20)
    """For one HTTP call. A repeat waits out an earlier deed of up to six, looks, and acts again;
    all of that must fit into the activity's own time, so that deeds have less of it for each call
    where calls may take longer than the default."""


class ShopifyAccount(Account):
    kind: Literal["shopify"] = "shopify"
    token: Secret
    """The Admin API's access token."""


class EasyPostAccount(Account):
    kind: Literal["easypost"] = "easypost"
    key: Secret
    """The API key; the user of HTTP Basic."""


class WarehouseAccount(Account):
    kind: Literal["http"] = "http"
    key: Secret
    """The bearer token of docs/warehouse-protocol.md."""


def _simulator(fields: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{fields['simulators_port']}"


def demo_channels(fields: dict[str, Any]) -> dict[str, ShopifyAccount]:
    channel = ShopifyAccount(
        base_url=_simulator(fields),
        token=SecretStr("shpat_demo_token"),
        secrets=(SecretStr(LOCAL_CHANNEL_SECRET),),
    )
    return {"demo": channel} if fields["stand_ins"] else {}


def demo_carriers(fields: dict[str, Any]) -> dict[str, EasyPostAccount]:
    carrier = EasyPostAccount(
        base_url=f"{_simulator(fields)}/easypost",
        key=SecretStr("EZTK_demo_key"),
        secrets=(SecretStr("carrier_demo_secret"),),
    )
    return {"easypost": carrier} if fields["stand_ins"] else {}


def demo_warehouses(fields: dict[str, Any]) -> dict[str, WarehouseAccount]:
    warehouse = WarehouseAccount(
        base_url=_simulator(fields),
        key=SecretStr("whk_demo_key"),
        secrets=(SecretStr(LOCAL_WAREHOUSE_SECRET),),
    )
    return dict.fromkeys(LOCAL_LOCATIONS, warehouse) if fields["stand_ins"] else {}
