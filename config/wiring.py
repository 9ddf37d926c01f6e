"""Which adapter stands behind which port, for worker and starter alike."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from adapters.carriers.easypost import EasyPostCarrier, easypost_http
from adapters.channels.direct import DirectChannel
from adapters.channels.shopify.outbound import ShopifyChannel, shopify_http
from adapters.http import OutsideHttp
from adapters.warehouses.http import HttpWarehouse, warehouse_http
from config.settings import Settings, SettingsInvalid
from domain.ports import Carrier, Channel, Warehouse
from storage.bundles import Bundles
from storage.catalogue import Catalogue
from storage.channel_stock import ChannelStocks
from storage.deliveries import Deliveries
from storage.effects import Effects
from storage.engine import create_engine
from storage.idempotency import Idempotency
from storage.inbox import Inbox
from storage.intake import OrderIntake
from storage.keys import ApiKeys
from storage.opening_stock import OpeningStock
from storage.orders import PostgresOrderBook
from storage.progress import Progress
from storage.queries import OrderQueries
from storage.returns import Returns
from storage.scans import Scans
from storage.sourcing import PostgresSourcing
from storage.sourcing_batch import SourcingBatch
from storage.sourcing_rules import SourcingRules
from storage.stock import PostgresInventory
from storage.supply import Supplies
from storage.supply_promises import Promises
from storage.tasks import Tasks

DIRECT_CHANNEL = "api"
"""The channel of orders that come through our own API: nobody outside holds their money."""
DEFAULT_CARRIER = "easypost"
NO_CARRIER = "OMS_CARRIERS: names no carrier, so that nothing could be shipped"


@dataclass(frozen=True)
class Wiring:
    """All ports and tables on one pool of connections; `aclose` ends every connection."""

    order_book: PostgresOrderBook
    inventory: PostgresInventory
    sourcing: PostgresSourcing
    sourcing_rules: SourcingRules
    sourcing_batch: SourcingBatch
    scans: Scans
    warehouses: Mapping[str, Warehouse]
    carriers: Mapping[str, Carrier]
    channels: Mapping[str, Channel]
    inbox: Inbox
    deliveries: Deliveries
    intake: OrderIntake
    queries: OrderQueries
    progress: Progress
    catalogue: Catalogue
    bundles: Bundles
    channel_stocks: ChannelStocks
    opening_stock: OpeningStock
    supplies: Supplies
    promises: Promises
    keys: ApiKeys
    tasks: Tasks
    idempotency: Idempotency
    aclose: Callable[[], Awaitable[None]]

    @property
    def carrier(self) -> Carrier:
        """The one that brings parcels unless said otherwise.

        Raises:
            SettingsInvalid: there is none.
        """
        if not self.carriers:
            raise SettingsInvalid(NO_CARRIER)
        return self.carriers.get(DEFAULT_CARRIER) or next(iter(self.carriers.values()))


def wire(settings: Settings, pool_size: int) -> Wiring:
    """Build everything; nothing connects before it is used."""
    engine = create_engine(settings.database, pool_size)
    effects = Effects(engine)
    inventory = PostgresInventory(engine)
    rules = SourcingRules(engine)
    outside = _Outside(settings, effects, Returns(engine))

    async def aclose() -> None:
        await outside.aclose()
        await engine.dispose()

    return Wiring(
        order_book=PostgresOrderBook(engine),
        inventory=inventory,
        sourcing=PostgresSourcing(engine, inventory, rules),
        sourcing_rules=rules,
        sourcing_batch=SourcingBatch(engine),
        scans=Scans(engine),
        warehouses=outside.warehouses,
        carriers=outside.carriers,
        channels=outside.channels,
        inbox=Inbox(engine),
        deliveries=Deliveries(
            engine, lease_s=settings.relay_lease_s, tries_max=settings.relay_tries_max
        ),
        intake=OrderIntake(engine),
        queries=OrderQueries(engine),
        progress=Progress(engine),
        catalogue=Catalogue(engine),
        bundles=Bundles(engine),
        channel_stocks=ChannelStocks(engine, outside.channels),
        opening_stock=OpeningStock(engine),
        supplies=Supplies(engine),
        promises=Promises(engine),
        keys=ApiKeys(engine),
        tasks=Tasks(engine),
        idempotency=Idempotency(engine),
        aclose=aclose,
    )


class _Outside:
    """The systems outside, each behind its port, and their connections."""

    def __init__(self, settings: Settings, effects: Effects, returns: Returns) -> None:
        self._https: list[OutsideHttp] = []
        self.channels: dict[str, Channel] = {DIRECT_CHANNEL: DirectChannel(returns)}
        self.carriers: dict[str, Carrier] = {}
        self.warehouses: dict[str, Warehouse] = {}
        for channel, shop in settings.channels.items():
            token = shop.token.get_secret_value()
            http = self._kept(shopify_http(shop.base_url, token, call_s=shop.timeout_s))
            self.channels[channel] = ShopifyChannel(http, effects, channel)
        for carrier, account in settings.carriers.items():
            key = account.key.get_secret_value()
            http = self._kept(easypost_http(account.base_url, key, call_s=account.timeout_s))
            self.carriers[carrier] = EasyPostCarrier(http, effects)
        for location, place in settings.warehouses.items():
            key = place.key.get_secret_value()
            http = self._kept(warehouse_http(place.base_url, key, call_s=place.timeout_s))
            self.warehouses[location] = HttpWarehouse(http, effects)

    def _kept(self, http: OutsideHttp) -> OutsideHttp:
        self._https.append(http)
        return http

    async def aclose(self) -> None:
        for http in self._https:
            await http.aclose()
