"""How long a search may take: in steps and not in time, so that it ends the same everywhere."""


class Budget:
    """Steps left to the whole search and to the part of it that runs; a step is one choice."""

    def __init__(self, steps: int) -> None:
        self.left = steps
        self.spent = 0

    def spend(self, steps: int = 1) -> bool:
        """Take steps; False if there are none left."""
        if self.left <= 0:
            return False
        self.left -= steps
        self.spent += steps
        return True
