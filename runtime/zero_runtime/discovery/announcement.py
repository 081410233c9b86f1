"""What a server says of itself in a registry."""

from __future__ import annotations

import abc


class Announcement(abc.ABC):
    """The entry of one server, valid until `withdraw` or, for a few seconds more, the end of this process."""

    @abc.abstractmethod
    async def withdraw(self) -> None:
        """Removes the entry, as far as the registry can be reached. Doing it twice does no harm."""
