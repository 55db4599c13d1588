"""Waits for sockets to be readable or writable; what is then done with them is not its business.

The selectors module would do it too, but what it adds to each wait costs as much as reading a letter's answers.
"""

import select
import sys
from typing import Final, Generic, TypeVar

READ: Final = select.POLLIN
WRITE: Final = select.POLLOUT

Holder = TypeVar("Holder")


class Poller(Generic[Holder]):
    """By file descriptor: who is told of it. epoll where there is one, poll elsewhere: they speak alike."""

    __slots__ = ("_holders", "_poll", "_unit")

    def __init__(self) -> None:
        self._holders: dict[int, Holder] = {}
        if sys.platform == "linux":
            self._poll, self._unit = select.epoll(), 1
        else:
            self._poll, self._unit = select.poll(), 1000

    def watch(self, number: int, mask: int, holder: Holder) -> None:
        """Tell ``holder`` from now on of what ``mask`` names, and of errors."""
        if number in self._holders:
            self._poll.modify(number, mask)
        else:
            self._poll.register(number, mask)
        self._holders[number] = holder

    def forget(self, number: int) -> None:
        """Stop watching; a descriptor that is not watched is none."""
        if self._holders.pop(number, None) is not None:
            self._poll.unregister(number)

    def wait(self, seconds: float) -> list[tuple[Holder, int]]:
        """Wait for so long at most; return those that something happened to, with what it was: errors can be read."""
        return [(self._holders[number], mask) for number, mask in self._poll.poll(seconds * self._unit)]

    def close(self) -> None:
        """Let go of what the system keeps for it."""
        if sys.platform == "linux":
            self._poll.close()
