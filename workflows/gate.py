"""What must be open before each try of a step that cannot be taken back."""

from typing import Protocol


class Gate(Protocol):
    """It may shut at any time, also while a try is on its way."""

    @property
    def shut(self) -> bool: ...

    async def open(self) -> None:
        """Return once it is open.

        Raises:
            Interrupted: whoever waits for it must make way.
        """
        ...
