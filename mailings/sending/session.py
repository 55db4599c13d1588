"""Hands letters over on one connection (RFC 5321), pipelined where the server offers it (RFC 2920). It has no socket:
it is told of replies, and what it wants written stands in ``output``.

At most one letter's text and the next letter's envelope are under way, so a broken line leaves one letter in doubt.
"""

from collections import deque
from typing import Final

from mailings.sending.account import Policy
from mailings.sending.handshake import Features, Hangup
from mailings.sending.letter import Letter
from mailings.sending.reply import parse_reply
from mailings.sending.transaction import STAGES, Step, Transaction, times_by_step
from mailings.sending.tray import Tray
from mailings.sending.verdict import ACCEPTED, LOST, RECALLED, Reply, Stage

GO_AHEAD: Final = 354
DOT_LINE: Final = b".\r\n"

# Bound once: each look into an enum class costs a letter more than the comparison.
_MAIL, _RCPT, _DATA, _DOT, _CLEAR, _QUIT = Step
_AT_DOT: Final = Stage.DOT


class Session:
    """The protocol of one connection that is ready for letters.

    ``answered`` counts the letters it got an answer for; ``heard_at`` is when the last reply came.
    """

    def __init__(self, features: Features, policy: Policy, tray: Tray, now: float) -> None:
        self.output: list[bytes] = []
        self.answered = 0
        self.heard_at = now
        self.is_leaving = False
        self.is_pipelining = features.pipelining and policy.pipelining
        self._size = features.size
        self._policy = policy
        self._tray = tray
        self._until = now + policy.seconds_per_connection
        self._awaited: deque[tuple[Step, Transaction | None]] = deque()
        self._script: deque[tuple[Step, bytes]] = deque()
        self._opening: Transaction | None = None
        self._sent: Transaction | None = None
        self._is_dirty = False
        self._queued = 0
        self._refusals = 0
        self._taken = 0
        self._times = times_by_step(policy)

    @property
    def is_idle(self) -> bool:
        """Whether no reply is awaited."""
        return not self._awaited

    @property
    def has_letters(self) -> bool:
        """Whether a letter is under way."""
        return self._sent is not None or self._opening is not None

    @property
    def stage(self) -> Stage:
        """The stage that the awaited reply belongs to."""
        return STAGES[self._awaited[0][0]] if self._awaited else Stage.MAIL

    @property
    def deadline(self) -> float:
        """When the awaited reply must be there."""
        return self.heard_at + self._times[self._awaited[0][0]] if self._awaited else float("inf")

    @property
    def letter_deadline(self) -> float:
        """When the letter in front must be decided, however lively the line is."""
        front = self._sent or self._opening
        return front.started_at + self._policy.letter_seconds if front else float("inf")

    def is_text_going(self, exposed: int) -> bool:
        """Whether a text's final dot has not left yet, when so many octets of the session have."""
        return self._sent is not None and exposed < self._sent.dot_at + len(DOT_LINE)

    def work(self, now: float) -> None:
        """Begin the next letter if there is one and its turn has come, or say good-bye if this connection is spent."""
        if self._opening is not None or self.is_leaving or (self._awaited and not self.is_pipelining):
            return
        if self._is_spent(now):
            if not self._awaited:
                self.leave(now)
            return
        letter = self._tray.take(now, self._size)
        if letter is not None:
            self._open(letter, now)

    def leave(self, now: float) -> None:
        """Say QUIT; only for a session that awaits nothing."""
        self.is_leaving = True
        self._write(b"QUIT\r\n")
        self._await(now, (_QUIT, None))

    def take_reply(self, code: int, lines: list[bytes], now: float) -> None:
        """Take in one whole reply.

        :raises Hangup: when the connection is not to be used any longer; :meth:`abandon` then decides its letters.
        """
        if not self._awaited:
            raise Hangup(Stage.MAIL, parse_reply(lines), LOST)
        step, transaction = self._awaited.popleft()
        self.heard_at = now
        if transaction is not None:
            if step is _DOT:
                self._end(transaction, code, parse_reply(lines), now)
            elif step is _DATA:
                self._go_ahead(transaction, code, lines, now)
            elif code // 100 != 2:
                self._refuse(transaction, step, lines)
        if self._script and not self._awaited:
            self._say_next(now)

    def abandon(self, hangup: Hangup, exposed: int) -> None:
        """Decide the letters of a connection that broke.

        :param exposed: octets of this session that may have left this machine.
        """
        opening, sent = self._opening, self._sent
        self._opening = self._sent = None
        for transaction in (opening, sent):
            if transaction is not None:
                transaction.abandon(self._tray, hangup, exposed, is_first=self._taken == 1)

    def _is_spent(self, now: float) -> bool:
        most = self._policy.letters_per_connection
        return (
            now >= self._until
            or self._refusals >= self._policy.refusals_per_connection
            or (most > 0 and self._taken >= most)
        )

    def _open(self, letter: Letter, now: float) -> None:
        """Send the envelope; after a transaction that was broken off RSET goes first, or Postfix says "nested MAIL"."""
        transaction = self._opening = Transaction(letter, now)
        self._taken += 1
        size = "" if self._size is None else f" SIZE={len(letter.data)}"
        mail = f"MAIL FROM:<{letter.sender}>{size}\r\n"
        rcpt = f"RCPT TO:<{letter.recipient}>\r\n"
        if self.is_pipelining:
            if self._is_dirty:
                self._write(b"RSET\r\n")
                self._await(now, (_CLEAR, None))
            self._write(f"{mail}{rcpt}DATA\r\n".encode("ascii"))
            self._await(now, (_MAIL, transaction), (_RCPT, transaction), (_DATA, transaction))
        else:
            if self._is_dirty:
                self._script.append((_CLEAR, b"RSET\r\n"))
            self._script += ((_MAIL, mail.encode()), (_RCPT, rcpt.encode()), (_DATA, b"DATA\r\n"))
            self._say_next(now)
        self._is_dirty = False

    def _say_next(self, now: float) -> None:
        step, command = self._script.popleft()
        self._write(command)
        self._await(now, (step, None if step is _CLEAR else self._opening))

    def _refuse(self, transaction: Transaction, step: Step, lines: list[bytes]) -> None:
        self._refusals += 1
        transaction.refuse(STAGES[step], parse_reply(lines))
        if step is _DATA or not self.is_pipelining:
            self._script.clear()
            self._break_off(transaction)

    def _go_ahead(self, transaction: Transaction, code: int, lines: list[bytes], now: float) -> None:
        if code != GO_AHEAD:
            self._refuse(transaction, _DATA, lines)
        elif transaction.refusal is None:
            self._send_text(transaction, now)
        else:
            # RFC 2920 3.1: no recipient was taken, but the server wants a text all the same. It gets an empty one.
            self._write(DOT_LINE)
            self._await(now, (_CLEAR, None))
            self._break_off(transaction)

    def _break_off(self, transaction: Transaction) -> None:
        assert transaction.refusal is not None
        self._opening = None
        self._is_dirty = True
        self.answered += 1
        self._tray.settle(transaction.letter, *transaction.refusal)

    def _send_text(self, transaction: Transaction, now: float) -> None:
        """Hand the text over, unless the right to do so has run out while this process slept."""
        if now >= transaction.letter.not_after:
            raise Hangup(Stage.DATA, Reply(0, "", ""), RECALLED)
        self._opening, self._sent = None, transaction
        data = transaction.letter.data
        transaction.dot_at = self._queued + len(data)
        self._write(data)
        self._write(DOT_LINE)
        self._await(now, (_DOT, transaction))

    def _end(self, transaction: Transaction, code: int, reply: Reply, now: float) -> None:
        """Take in the answer to the final dot: any 2yz is a yes."""
        self._sent = None
        if code // 100 == 2:
            self._refusals = 0
            self._tray.settle(transaction.letter, _AT_DOT, reply, ACCEPTED)
        else:
            self._refusals += 1
            transaction.refuse_text(reply, self._tray)
        self.answered += 1
        if self._opening is not None:
            self._opening.started_at = now

    def _write(self, octets: bytes) -> None:
        self._queued += len(octets)
        self.output.append(octets)

    def _await(self, now: float, *replies: tuple[Step, Transaction | None]) -> None:
        if not self._awaited:
            self.heard_at = now
        self._awaited += replies
