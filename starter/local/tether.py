"""Runs a command that ends when its parent does: `python tether.py PARENT SIGNAL USER command …`.

Run as a file, not as a module, and free of imports of ours: it lives for 20 ms before each child.
Linux alone can do this; elsewhere a child outlives a killed parent, and the next start ends it by
the id that the supervisor wrote down.
"""

import ctypes
import os
import pwd
import sys

PR_SET_PDEATHSIG = 1


def become(user: str) -> None:
    """Drop root for `user`, for good."""
    account = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for the signal at the parent's death; a change of user would undo it."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number)
    if os.getppid() != parent:
        sys.exit("the parent died before the child was tethered to it")


def main(arguments: list[str]) -> None:
    parent, signal_number, user, *command = arguments
    if user:
        become(user)
    die_with(int(parent), int(signal_number))
    os.execv(command[0], command)  # noqa: S606 the supervisor's own command, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
