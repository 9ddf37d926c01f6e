"""Whatever is said, fails and happens, in whatever order: each order comes to a sound end.

`pytest tests/workflows/test_any_order_of_events.py --stories 500` lives more of them,
`--first-story 17 --stories 1` the one that failed.
"""

from random import Random

import pytest

from tests.workflows.at_once import at_once
from tests.workflows.histories import bugs_in
from tests.workflows.lives import Start
from tests.workflows.stories import Story, a_bought_order, a_world
from tests.workflows.world import World


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    first = metafunc.config.getoption("--first-story")
    many = metafunc.config.getoption("--stories")
    metafunc.parametrize("seed", range(first, first + many))


@at_once
async def test_each_story_ends_soundly(begin: Start, world: World, seed: int) -> None:
    chance = Random(seed)
    vars(world).update(vars(a_world(chance)))
    life = await begin(a_bought_order(chance, f"story-{seed}"))
    story = Story(chance, life)
    try:
        await story.live()
    except BaseException:
        print(f"story {seed}: {world.last(life.id)}", *story.told, sep="\n  ")  # noqa: T201
        print(world.journal(life.id), *await bugs_in(life.handle), sep="\n")  # noqa: T201
        raise
