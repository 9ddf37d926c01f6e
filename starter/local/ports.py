"""Which loopback ports are free, and a clear word when one that is needed is not."""

import socket
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"


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
    """A port that nobody listened on a moment ago; the kernel does not hand it out again soon."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


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
