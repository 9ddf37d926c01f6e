"""Starts workflows and signals them; one place that knows what Temporal's errors mean."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import Refused, Unavailable
from domain.ids import workflow_id
from domain.orders import OrderInput
from domain.verbs import Verb

SYSTEM = "temporal"
ORDER_WORKFLOW = "OrderWorkflow"
TASK_QUEUE = "orders"
RPC_TIMEOUT = timedelta(seconds=5)

# The request itself is at fault; everything else may pass by itself.
_REFUSALS = frozenset({RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE})


class Workflows:
    """Every method may raise `Unavailable`; a call may be repeated, then it has no effect."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, order: OrderInput) -> bool:
        """Start the order's workflow. False: it runs already, or has run."""
        try:
            await self._client.start_workflow(
                ORDER_WORKFLOW,
                order,
                id=workflow_id(order.order_id),
                task_queue=TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                rpc_timeout=RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        except (RPCError, RuntimeError) as error:
            raise _read(error) from error
        return True

    async def signal(self, to_workflow_id: str, name: str, verb: Verb) -> bool:
        """Signal a workflow. False: none of that id is running."""
        try:
            await self._client.get_workflow_handle(to_workflow_id).signal(
                name, verb, rpc_timeout=RPC_TIMEOUT
            )
        except (RPCError, RuntimeError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise _read(error) from error
        return True

    async def answers(self) -> bool:
        """Whether the server is there."""
        try:
            return await self._client.service_client.check_health(timeout=timedelta(seconds=1))
        except (TimeoutError, RPCError, RuntimeError):
            return False


def _read(error: RPCError | RuntimeError) -> Unavailable | Refused:
    if isinstance(error, RPCError):
        code = error.status.name.lower()
        if error.status in _REFUSALS:
            return Refused(SYSTEM, code, error.message)
        return Unavailable(SYSTEM, code, error.message, fate_unknown=True)
    # A client that has not connected yet says so with a RuntimeError.
    return Unavailable(SYSTEM, "unreachable", str(error))
