"""A process that has settled leaves alone what it began with."""

import subprocess
import sys

PROGRAM = """
import gc
from config import garbage
there = [[] for _ in range(1000)]
garbage.settle()
young = sum(1 for one in gc.get_objects() if any(one is old for old in there[:3]))
print(young, gc.get_freeze_count() > 1000, gc.get_threshold()[0])
"""


def test_what_was_there_is_not_looked_through_again():
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)  # noqa: S603, PLW1510 - ours
    assert said.stdout == "0 True 100000\n", said.stderr
