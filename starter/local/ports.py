"""Which loopback ports are free, and a clear word when one that is needed is not."""

import os
import socket
from dataclasses import dataclass
from itertools import count

LOOPBACK = "127.0.0.1"
_OURS = range(10_100, 32_000)
_STRIDE = 997
_GIVEN_OUT = count()


@dataclass(frozen=True)
class PortClaim:
    """A port that a process will listen on, and the variable that moves it elsewhere."""

    port: int
    variable: str


class PortTaken(RuntimeError):
    """Somebody else listens where one of our processes has to."""

    def __init__(self, process: str, claim: PortClaim) -> None:
        super().__init__(
            f"port {claim.port} on {LOOPBACK} is taken, and {process} needs it: "
            f"stop what listens there, or set {claim.variable} to another port"
        )
        self.claim = claim


def free_port() -> int:
    """A port that nobody listened on a moment ago, and that is not given out twice in a process.

    Below the range from which the kernel takes ports for outgoing connections: such a connection
    could take the port before its server does. Each process begins somewhere else.
    """
    for _ in range(len(_OURS)):
        port = _OURS[(os.getpid() * _STRIDE + next(_GIVEN_OUT)) % len(_OURS)]
        if is_free(port):
            return port
    raise OSError(f"no port is free between {_OURS[0]} and {_OURS[-1]}")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: connections that linger from an earlier run do not count as a listener.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def answers(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
