"""How we call each outside system, and our own tables: where, and with what time limits.

No call is given up: a worker that dies is noticed by its heartbeat, a call that hangs by its
time limit, and both are tried again with backoff up to the policy's cap.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityHandle, LocalActivityConfig

from domain.policies import OrderPolicy

S = TypeVar("S")
P = TypeVar("P")
R = TypeVar("R")

TRY = timedelta(seconds=180)
"""A repeat waits out the earlier call, looks and acts, each with a limit of its own: adapters end
all that before this, and heartbeats find a dead worker."""


@dataclass(frozen=True)
class Queue:
    """Activities on a task queue: all that lies outside, and what of ours may take its time."""

    name: str

    def start(
        self,
        step: Callable[[S, P], Awaitable[R]],
        request: P,
        *,
        summary: str,
        retries: RetryPolicy,
    ) -> ActivityHandle[R]:
        return workflow.start_activity_method(
            step,
            request,
            task_queue=self.name,
            start_to_close_timeout=TRY,
            heartbeat_timeout=timedelta(seconds=6),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            retry_policy=retries,
            summary=summary,
        )


@dataclass(frozen=True)
class Local:
    """Local activities, for a few statements in our own tables: one event instead of six.

    A worker that dies in one is noticed by the limit of its workflow task, and the next task runs
    it again. What is said to the workflow meanwhile is heard when that task is prolonged, after
    eight seconds at most; between two tries at once, since a timer waits for the next.
    """

    def start(
        self,
        step: Callable[[S, P], Awaitable[R]],
        request: P,
        *,
        summary: str,
        retries: RetryPolicy,
    ) -> ActivityHandle[R]:
        return workflow.start_local_activity_method(step, request, **_local(summary, retries))


Where = Queue | Local

OURS = Queue("orders")
OUR_TABLES = Local()
WAREHOUSE = Queue("warehouse")
CARRIER = Queue("carrier")
CHANNEL = Queue("channel")


def recording(policy: OrderPolicy, summary: str) -> LocalActivityConfig:
    """For the write of a workflow's own state, which is such a local activity, too."""
    return _local(summary, retry_policy(policy))


def _local(summary: str, retries: RetryPolicy) -> LocalActivityConfig:
    return LocalActivityConfig(
        start_to_close_timeout=timedelta(seconds=10),
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        retry_policy=retries,
        # A timer waits for each next try. Within one workflow task core 1.35 lets the time limit of
        # a failed try go on until it ends a later one, and the server wants three events each eight
        # seconds.
        local_retry_threshold=timedelta(milliseconds=1),
        summary=summary,
    )


def retry_policy(policy: OrderPolicy) -> RetryPolicy:
    """Without end; `Refused` is the only error that another try would not change."""
    return RetryPolicy(
        initial_interval=timedelta(seconds=policy.retry_initial_s),
        backoff_coefficient=2.0,
        maximum_interval=timedelta(seconds=max(policy.retry_cap_s, policy.retry_initial_s)),
        non_retryable_error_types=["Refused"],
    )
