"""Every setting of the product, read once from `OMS_…` variables; `.env.example` lists them all."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from config.accounts import (
    BaseUrl,
    EasyPostAccount,
    ShopifyAccount,
    WarehouseAccount,
    demo_carriers,
    demo_channels,
    demo_warehouses,
)
from domain.policies import OrderPolicy

PREFIX = "OMS_"
DELIMITER = "__"
CHANNEL_ID = re.compile(r"[a-z0-9]+")
PARTNER_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
DATABASE = re.compile(
    r"postgresql(\+psycopg)?://([^@]*@)?(\[[^/?]+\]|[^/:?@]*)(:[0-9]{1,5})?([/?].*)?"
)
MEBIBYTE = 1024 * 1024
HOUR_S = 3600
MONTH_S = 30 * 24 * HOUR_S
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class SettingsInvalid(ValueError):
    """The text names each variable that is wrong, and why; never its value."""


def _of_postgresql(url: str) -> str:
    """What it cannot read SQLAlchemy says at the first use, and without the setting's name."""
    if url and not (DATABASE.fullmatch(url) and url.isprintable()):
        raise ValueError(
            "must be postgresql+psycopg://user:password@host:5432/name; "
            "in a password @ is written %40, and % %25"
        )
    return url


DatabaseUrl = Annotated[str, AfterValidator(_of_postgresql)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Many = Annotated[int, Field(ge=1, le=10_000)]
"""Of connections or tasks: more would be refused elsewhere, in words that name no setting."""


def _public_url(fields: dict[str, Any]) -> str:
    return f"http://127.0.0.1:{fields['http_port']}"


class TaskSlots(BaseModel):
    """How many tasks of each kind one worker runs at the same time."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    workflow_tasks: Many = Field(default=8, ge=2)
    orders: Many = 16
    warehouse: Many = 8
    carrier: Many = 8
    channel: Many = 8

    @property
    def activities(self) -> int:
        return self.orders + self.warehouse + self.carrier + self.channel


class Settings(BaseSettings):
    """What the processes read at their start; nothing else in the product reads the environment.

    Nested values are set with two underscores (`OMS_POLICY__RETURN_WINDOW_S=20`), maps as JSON
    (`OMS_CHANNELS={"demo": {…}}`) or by key (`OMS_CHANNELS__DEMO__TOKEN=…`).
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
    )

    database_url: DatabaseUrl = Field(default="", repr=False)  # may hold a password
    database_pool: Many = Field(default=20, ge=2)
    """Connections of one starter."""
    worker_database_pool: Many = Field(default=40, ge=2)
    """Connections of one worker; never fewer than its activity slots."""

    http_host: str = "127.0.0.1"
    http_port: Port = 8080
    public_url: BaseUrl = Field(default_factory=_public_url)
    """How customers and outside systems reach the starter; tracking links begin with it."""
    webhook_max_bytes: int = Field(default=2 * MEBIBYTE, gt=0)
    api_key: SecretStr | None = None
    """What the command line shows the API."""

    slots: TaskSlots = TaskSlots()
    worker_health_port: int = Field(default=0, ge=0, le=65_535)
    """Where the worker answers /healthz and /metrics; 0: nowhere."""
    drain_s: float = Field(default=20, gt=0, le=HOUR_S)
    """How long a stopping worker or starter lets work in flight finish."""

    relay_lease_s: float = Field(default=30, gt=0, le=HOUR_S)
    relay_tries_max: Many = 5
    unknown_order_wait_s: float = Field(default=900, gt=0, le=MONTH_S)
    """How long events for an order that we do not know wait for it before we fetch it."""
    sweep_s: float = Field(default=5, gt=0, le=HOUR_S)
    """How often a starter gives back what is held past its time, and sources anew who waits where
    locations or rules have become others."""

    stand_ins: bool = True
    """Whether channels, carriers and warehouses that are not set mean the simulators; their secrets
    are public, so a system that others can reach sets this to false."""
    simulators_port: Port = 8090
    """Where the stand-ins are that the channels, carriers and warehouses below mean unless set."""
    channels: dict[str, ShopifyAccount] = Field(default_factory=demo_channels)
    carriers: dict[str, EasyPostAccount] = Field(default_factory=demo_carriers)
    warehouses: dict[str, WarehouseAccount] = Field(default_factory=demo_warehouses)

    policy: OrderPolicy = OrderPolicy()
    """What an order that starts now lives by; those that run keep the policy they began with."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    state_dir: Path = Path(".oms")
    """Where the local stack keeps its data; delete it and the local system is new."""
    postgres_port: Port = 54320
    """The local stack's own PostgreSQL."""
    temporal_port: Port = 7233
    """The local stack's own Temporal; TEMPORAL_ADDRESS names any other."""
    temporal_ui_port: Port = 8233

    @field_validator("policy", mode="before")
    @classmethod
    def _refuse_slips(cls, said: Any) -> Any:
        """An order that began under a later release may know more of its policy; a setting not."""
        unknown = said.keys() - OrderPolicy.model_fields.keys() if isinstance(said, dict) else ()
        if unknown:
            raise ValueError(f"has no {', '.join(sorted(unknown))}")
        return said

    @model_validator(mode="after")
    def _check_whole(self) -> Self:
        _check_ids("channels", self.channels, CHANNEL_ID, "[a-z0-9]+")
        _check_ids("carriers", self.carriers, PARTNER_ID, "[a-z0-9]+ with single hyphens")
        _check_ids("warehouses", self.warehouses, PARTNER_ID, "[a-z0-9]+ with single hyphens")
        if self.slots.activities > self.worker_database_pool:
            raise ValueError(
                f"OMS_WORKER_DATABASE_POOL is {self.worker_database_pool}, fewer than the "
                f"{self.slots.activities} activities that OMS_SLOTS allows at a time"
            )
        return self

    @property
    def trusts_the_public(self) -> bool:
        """Whether others reach us and somebody whose secrets are public is trusted."""
        others = self.http_host not in LOOPBACK
        unset = {"channels", "carriers", "warehouses"} - self.model_fields_set
        return others and self.stand_ins and bool(unset)

    @property
    def database(self) -> str:
        """The database's address: the one that is set, else the local stack's."""
        local = f"postgresql+psycopg://postgres@127.0.0.1:{self.postgres_port}/holdfast"
        return self.database_url or local

    @property
    def database_is_elsewhere(self) -> bool:
        """Whether a server is named, so that the local stack starts none."""
        return bool(self.database_url)


def _check_ids(field: str, by_id: dict[str, Any], pattern: re.Pattern[str], rule: str) -> None:
    for key in by_id:
        if pattern.fullmatch(key) is None:
            raise ValueError(f"{PREFIX}{field.upper()}: the id {key!r} must be {rule}")


def load_settings() -> Settings:
    """Read the environment and `.env`.

    Raises:
        SettingsInvalid: names each variable that is wrong, and why.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsInvalid("\n".join(_explanations(error))) from None
    except SourceError as error:
        field = re.search(r'field "(\w+)"', str(error))
        name = f"{PREFIX}{field.group(1).upper()}" if field else "a variable"
        raise SettingsInvalid(f"{name}: is not valid JSON") from None


def _explanations(error: ValidationError) -> list[str]:
    # A default that depends on a wrong field is not computed; that field's own error says enough.
    own = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
    return [_explain(detail) for detail in own]


def _explain(detail: ErrorDetails) -> str:
    reason = detail["msg"].removeprefix("Value error, ")
    if not detail["loc"]:
        return reason
    variable = PREFIX + DELIMITER.join(str(part) for part in detail["loc"]).upper()
    return f"{variable}: {reason}"
