"""`python -m simulators`: one process, one line when it is ready."""

import logging
import socket
import sys

import uvicorn

from simulators.app import create_app
from simulators.settings import Settings, read

BACKLOG = 512


class Server(uvicorn.Server):
    """Says where it listens once it does."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            sys.stdout.write(f"simulators ready on http://{host}:{port}\n")
            sys.stdout.flush()


def main() -> int:
    settings = read(sys.argv[1:])
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        listener = _listen(settings)
    except OSError as error:
        sys.stderr.write(f"simulators: cannot listen on {settings.host}:{settings.port}: {error}\n")
        return 1
    app = create_app(settings)
    host, port = listener.getsockname()[:2]
    app.state.world.carrier.host = f"http://{host}:{port}"
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, lifespan="on"
    )
    Server(config).run(sockets=[listener])
    return 0


def _listen(settings: Settings) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((settings.host, settings.port))
    listener.listen(BACKLOG)
    return listener


if __name__ == "__main__":
    sys.exit(main())
