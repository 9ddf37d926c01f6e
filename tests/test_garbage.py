"""A process that has settled leaves alone what it began with, and keeps little that is dead."""

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


GATHERING = """
import collections, gc
from config import garbage

class Life:
    alive = most = 0
    def __init__(self):
        self.parts = [[self] for _ in range(400)]
        Life.alive += 1
        Life.most = max(Life.most, Life.alive)
    def __del__(self):
        Life.alive -= 1

garbage.settle()
cached = collections.deque(maxlen=500)
for _ in range(10_000):
    cached.append(Life())
print(Life.most < 500 + 1_000)
"""


def test_what_was_there_is_not_looked_through_again():
    said = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)  # noqa: S603, PLW1510 - ours
    assert said.stdout == "0 True 50000\n", said.stderr


def test_dead_workflows_do_not_gather():
    said = subprocess.run([sys.executable, "-c", GATHERING], capture_output=True, text=True)  # noqa: S603, PLW1510 - ours
    assert said.stdout == "True\n", said.stderr
