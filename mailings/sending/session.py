"""Hands letters over on one connection (RFC 5321), pipelined where the server offers it (RFC 2920). It has no socket:
it is told of replies, and what it wants written stands in ``output``.

At most one letter's text and the next letter's envelope are under way, so a broken line leaves one letter in doubt.
"""

from collections import deque
from typing import Final

from mailings.sending.account import Policy
from mailings.sending.handshake import Features, Hangup
from mailings.sending.letter import Letter, fault_in
from mailings.sending.reply import classify, parse_reply
from mailings.sending.transaction import STAGES, Refusal, Step, Transaction, times_by_step
from mailings.sending.tray import Tray
from mailings.sending.verdict import ACCEPTED, BAD_DATA, LOST, RECALLED, TOO_BIG, Outcome, Reply, Scope, Stage

GO_AHEAD: Final = 354
CLOSING: Final = 421
DOT_LINE: Final = b".\r\n"


class Session:
    """The protocol of one connection that is ready for letters.

    ``answered`` counts the letters it got an answer for; ``deadline`` is when the awaited reply must be there.
    """

    def __init__(self, features: Features, policy: Policy, tray: Tray, now: float) -> None:
        self.output: list[bytes] = []
        self.answered = 0
        self.deadline = float("inf")
        self.idle_since = now
        self.is_leaving = False
        self.is_pipelining = features.pipelining and policy.pipelining
        self._features = features
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
    def letter_deadline(self) -> float:
        """When the letter in front must be decided, however lively the line is."""
        front = self._sent or self._opening
        return front.started_at + self._policy.letter_seconds if front else float("inf")

    @property
    def stage(self) -> Stage:
        """The stage that the awaited reply belongs to."""
        return STAGES[self._awaited[0][0]] if self._awaited else Stage.MAIL

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
        letter = self._next_letter(now)
        if letter is not None:
            self._open(letter, now)

    def leave(self, now: float) -> None:
        """Say QUIT; only for a session that awaits nothing."""
        self.is_leaving = True
        self._write(b"QUIT\r\n")
        self._await(Step.QUIT, None, now)

    def take_reply(self, code: int, lines: list[bytes], now: float) -> None:
        """Take in one whole reply.

        :raises Hangup: when the connection is not to be used any longer; :meth:`abandon` then decides its letters.
        """
        if not self._awaited:
            raise Hangup(Stage.MAIL, parse_reply(lines), LOST)
        step, transaction = self._awaited.popleft()
        if self._awaited:
            self.deadline = now + self._times[self._awaited[0][0]]
        else:
            self.deadline, self.idle_since = float("inf"), now
        if transaction is not None:
            if step is Step.DOT:
                self._end(transaction, code, lines, now)
            elif step is Step.DATA:
                self._go_ahead(transaction, code, lines, now)
            elif code // 100 != 2:
                self._refuse(transaction, STAGES[step], lines)
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

    def _next_letter(self, now: float) -> Letter | None:
        while (letter := self._tray.take()) is not None:
            if now >= letter.not_after:
                self._tray.settle(letter, Stage.LOCAL, Reply(0, "", ""), RECALLED)
            elif fault := fault_in(letter):
                self._tray.settle(letter, Stage.LOCAL, Reply(0, "", fault), BAD_DATA)
            elif self._features.size and len(letter.data) > self._features.size:
                limit = f"{len(letter.data)} octets; the server takes {self._features.size}"
                self._tray.settle(letter, Stage.LOCAL, Reply(0, "", limit), TOO_BIG)
            else:
                return letter
        return None

    def _open(self, letter: Letter, now: float) -> None:
        """Send the envelope; after a transaction that was broken off RSET goes first, or Postfix says "nested MAIL"."""
        transaction = self._opening = Transaction(letter, now)
        self._taken += 1
        size = "" if self._features.size is None else f" SIZE={len(letter.data)}"
        mail = f"MAIL FROM:<{letter.sender}>{size}\r\n"
        rcpt = f"RCPT TO:<{letter.recipient}>\r\n"
        if self.is_pipelining:
            if self._is_dirty:
                self._write(b"RSET\r\n")
                self._await(Step.CLEAR, None, now)
            self._write(f"{mail}{rcpt}DATA\r\n".encode("ascii"))
            self._await(Step.MAIL, transaction, now)
            self._awaited.append((Step.RCPT, transaction))
            self._awaited.append((Step.DATA, transaction))
        else:
            if self._is_dirty:
                self._script.append((Step.CLEAR, b"RSET\r\n"))
            self._script += ((Step.MAIL, mail.encode()), (Step.RCPT, rcpt.encode()), (Step.DATA, b"DATA\r\n"))
            self._say_next(now)
        self._is_dirty = False

    def _say_next(self, now: float) -> None:
        step, command = self._script.popleft()
        self._write(command)
        self._await(step, None if step is Step.CLEAR else self._opening, now)

    def _refuse(self, transaction: Transaction, stage: Stage, lines: list[bytes]) -> None:
        """Take in a refusal of the envelope; what is refused after it is only its echo."""
        self._refusals += 1
        reply = parse_reply(lines)
        refusal = transaction.refusal
        if refusal is None:
            refusal = transaction.refusal = self._judged(stage, reply)
        elif reply.code == CLOSING:
            raise Hangup(stage, reply, LOST)
        if stage is Stage.DATA or not self.is_pipelining:
            self._script.clear()
            self._break_off(transaction, refusal)

    def _go_ahead(self, transaction: Transaction, code: int, lines: list[bytes], now: float) -> None:
        if code != GO_AHEAD:
            self._refuse(transaction, Stage.DATA, lines)
        elif transaction.refusal is None:
            self._send_text(transaction, now)
        else:
            # RFC 2920 3.1: no recipient was taken, but the server wants a text all the same. It gets an empty one.
            self._write(DOT_LINE)
            self._await(Step.CLEAR, None, now)
            self._break_off(transaction, transaction.refusal)

    def _break_off(self, transaction: Transaction, refusal: Refusal) -> None:
        self._opening = None
        self._is_dirty = True
        self.answered += 1
        self._tray.settle(transaction.letter, *refusal)

    def _send_text(self, transaction: Transaction, now: float) -> None:
        """Hand the text over, unless the right to do so has run out while this process slept."""
        if now >= transaction.letter.not_after:
            raise Hangup(Stage.DATA, Reply(0, "", ""), RECALLED)
        self._opening, self._sent = None, transaction
        data = transaction.letter.data
        transaction.dot_at = self._queued + len(data)
        self._write(data)
        self._write(DOT_LINE)
        self._await(Step.DOT, transaction, now)

    def _end(self, transaction: Transaction, code: int, lines: list[bytes], now: float) -> None:
        """Take in the answer to the final dot: any 2yz is a yes."""
        reply = parse_reply(lines)
        if code // 100 == 2:
            self._sent = None
            self.answered += 1
            self._refusals = 0
            self._tray.settle(transaction.letter, Stage.DOT, reply, ACCEPTED)
        else:
            self._refusals += 1
            self._end_badly(transaction, reply)
        if self._opening is not None:
            self._opening.started_at = now

    def _end_badly(self, transaction: Transaction, reply: Reply) -> None:
        verdict = classify(Stage.DOT, reply)
        self._sent = None
        if verdict.scope is not Scope.CONNECTION:
            self.answered += 1
            self._tray.settle(transaction.letter, Stage.DOT, reply, verdict)
            return
        if verdict.outcome is Outcome.UNKNOWN:
            self._tray.settle(transaction.letter, Stage.DOT, reply, verdict)
        else:
            self._tray.put_back(transaction.letter, Stage.DOT, reply, verdict)
        raise Hangup(Stage.DOT, reply, LOST)

    def _judged(self, stage: Stage, reply: Reply) -> Refusal:
        verdict = classify(stage, reply)
        if verdict.scope is Scope.CONNECTION:
            raise Hangup(stage, reply, verdict)
        return stage, reply, verdict

    def _write(self, octets: bytes) -> None:
        self._queued += len(octets)
        self.output.append(octets)

    def _await(self, step: Step, transaction: Transaction | None, now: float) -> None:
        if not self._awaited:
            self.deadline = now + self._times[step]
        self._awaited.append((step, transaction))
