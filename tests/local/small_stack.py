"""`make up` and `make demo` with stand-ins for our own processes, run as a process of its own.

PostgreSQL, migrations and Temporal are real; worker, starter and simulators are web servers that
answer /healthz with a file.
"""

import sys
from dataclasses import replace

from config.settings import load_settings
from starter.local.demo import demo_stack, is_kept, run_demo
from starter.local.processes import Spec
from starter.local.stack import WORKER_READY, Stack
from starter.local.up import run_up

PAUSE = f"import signal; print({WORKER_READY!r}, flush=True); signal.pause()"


class SmallStack(Stack):
    def simulators(self) -> Spec:
        return self._web(super().simulators(), self.settings.simulators_port)

    def starter(self) -> Spec:
        return self._web(super().starter(), self.settings.http_port)

    def worker(self, name: str = "worker") -> Spec:
        return replace(super().worker(name), command=(sys.executable, "-c", PAUSE))

    def local_key(self) -> str:
        return "a-key"

    def _web(self, spec: Spec, port: int) -> Spec:
        folder = self.state / "web"
        folder.mkdir(exist_ok=True)
        (folder / "healthz").write_text("ok")
        serve = ("-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder))
        return replace(spec, command=(sys.executable, *serve))


UP = "everything is up"


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    settings = load_settings()
    if sys.argv[1] == "up":
        run_up(SmallStack(settings), say, ready=lambda: say(UP))
        return 0
    keep = is_kept()
    stack = demo_stack(settings, keep=keep, kind=SmallStack)
    return run_demo(stack, say, keep=keep, demo=("-c", sys.argv[2]))


if __name__ == "__main__":
    sys.exit(main())
