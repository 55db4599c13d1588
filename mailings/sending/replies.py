"""Puts whole replies together from octets as they come in (RFC 5321 4.2.1); reads no meaning into them."""

from typing import Final

RawReply = tuple[int, list[bytes]]

LONGEST_LINE: Final = 4096  # RFC 5321 4.5.3.1.5 allows 512; servers write more
MOST_LINES: Final = 200

_CODES: Final = {b"%d" % code: code for code in range(100, 1000)}


class Replies:
    """What a server has said so far and not said whole yet."""

    __slots__ = ("_lines", "_rest")

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._rest = b""

    def take(self, octets: bytes) -> list[RawReply]:
        """Return the replies that are whole now: the code and the lines; code 0 is no reply at all."""
        lines = (self._rest + octets).split(b"\n")
        self._rest = lines.pop()
        replies: list[RawReply] = []
        for line in lines:
            self._lines.append(line.rstrip(b"\r"))
            if line[3:4] != b"-":
                replies.append((_CODES.get(line[:3], 0), self._lines))
                self._lines = []
        if len(self._rest) > LONGEST_LINE or len(self._lines) > MOST_LINES:
            replies.append((0, [*self._lines, self._rest[:LONGEST_LINE]]))
            self.forget()
        return replies

    def forget(self) -> None:
        """Begin afresh."""
        self._lines, self._rest = [], b""
