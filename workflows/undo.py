"""Deeds that can still be taken back, newest last."""

from collections.abc import Awaitable, Callable

Undo = Callable[[], Awaitable[bool]]
"""Takes one deed back by its key, also if it never happened; False if that comes too late."""


class Undos:
    """Each deed registers its undo before it is done, since it may happen without our hearing."""

    def __init__(self) -> None:
        self._undos: dict[str, Undo] = {}

    def register(self, deed: str, undo: Undo) -> None:
        """`deed` is now the newest; registering it again replaces it and makes it the newest."""
        self._undos.pop(deed, None)
        self._undos[deed] = undo

    def drop(self, deed: str) -> None:
        """Others answer for this deed from now on."""
        self._undos.pop(deed, None)

    def forget(self) -> None:
        """The point of no return has passed."""
        self._undos.clear()

    async def take_back(self, *, only: str = "") -> bool:
        """Take back the newest deed first; with `only`, stop before a deed of another kind.

        A deed's kind is what follows the last `/` of its name. Returns False, and stops there,
        where a deed can no longer be taken back.
        """
        while self._undos:
            deed = next(reversed(self._undos))
            if only and deed.rpartition("/")[2] != only:
                break
            if not await self.take_back_one(deed):
                return False
        return True

    async def take_back_one(self, deed: str) -> bool:
        """Take back this deed; False if that comes too late."""
        if not await self._undos[deed]():
            return False
        self._undos.pop(deed, None)
        return True
