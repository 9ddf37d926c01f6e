"""How we call each outside system: its task queue and time limits, and the order's retry policy.

No call is given up: a worker that dies is noticed by its heartbeat, a call that hangs by its
time limit, and both are tried again with backoff up to the policy's cap.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType, ActivityConfig, LocalActivityConfig

from domain.policies import OrderPolicy


def _outside(task_queue: str) -> ActivityConfig:
    return ActivityConfig(
        task_queue=task_queue,
        # a repeat waits out the earlier call, looks and acts, each with a limit of its own;
        # adapters end their calls long before this, and heartbeats find a dead worker
        start_to_close_timeout=timedelta(seconds=180),
        heartbeat_timeout=timedelta(seconds=6),
        cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    )


OURS = _outside("orders")
WAREHOUSE = _outside("warehouse")
CARRIER = _outside("carrier")
CHANNEL = _outside("channel")


def recording(policy: OrderPolicy, summary: str) -> LocalActivityConfig:
    """For the write of a workflow's own state: a local activity, one event instead of six.

    While it waits inside a workflow task, the server wants three events each eight seconds; so
    a database that is down for long is waited for with timers.
    """
    return LocalActivityConfig(
        start_to_close_timeout=timedelta(seconds=10),
        retry_policy=retry_policy(policy),
        local_retry_threshold=timedelta(seconds=5),
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
