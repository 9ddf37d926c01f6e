"""`python -m starter.local up | demo | down`."""

import argparse
import sys

from config.settings import SettingsInvalid, load_settings
from starter.local.demo import demo_stack, end_demo, is_kept, run_demo
from starter.local.ports import PortTaken
from starter.local.processes import StartFailed
from starter.local.stack import AlreadyUp, Stack, StateUnusable
from starter.local.up import run_up

EXPECTED = (
    AlreadyUp, FileNotFoundError, PortTaken, SettingsInvalid, StartFailed, StateUnusable,
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m starter.local", description=__doc__)
    parser.add_argument("what", choices=("up", "demo", "down"))
    what = parser.parse_args().what
    try:
        return {"up": _up, "demo": _demo, "down": _down}[what]()
    except EXPECTED as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _up() -> int:
    stack = Stack(load_settings())

    def tell() -> None:
        _say(f"API at {stack.http_url}, key {stack.local_key()}; Ctrl-C stops everything")

    run_up(stack, _say, ready=tell)
    return 0


def _demo() -> int:
    keep = is_kept()
    return run_demo(demo_stack(load_settings(), keep=keep), _say, keep=keep)


def _down() -> int:
    for name in end_demo(load_settings()):
        _say(f"ended {name}")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
