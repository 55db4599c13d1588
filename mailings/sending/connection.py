"""One connection of a pool: an opening first, a session after it, over the same wire; keeps the session's deadlines."""

from mailings.sending.handshake import Features, Hangup
from mailings.sending.opening import Opening, Plan
from mailings.sending.poller import WRITE
from mailings.sending.reply import parse_reply
from mailings.sending.session import Session
from mailings.sending.tray import Tray
from mailings.sending.verdict import LOST, TIMED_OUT, Reply, Stage


class Connection:
    """Whatever it is told to do, it raises :class:`Hangup` when it is over.

    ``session`` is there from the moment on that letters can be handed over.
    """

    def __init__(self, plan: Plan, tray: Tray, now: float) -> None:
        self.session: Session | None = None
        self._policy = plan.policy
        self._tray = tray
        self._opening = Opening(plan, self, now)
        self._wire = self._opening.wire

    @property
    def exposed(self) -> int:
        """Octets of the session that may have left this machine."""
        return self._wire.exposed

    @property
    def is_idle(self) -> bool:
        """Whether it has a session and nothing to do."""
        return self.session is not None and self.session.is_idle

    def ready(self, mask: int, now: float) -> None:
        """Go on after the poller said that the socket can be read or written."""
        session = self.session
        if session is None:
            features = self._opening.ready(now)
            if features is not None:
                self._begin(features, now)
            return
        if mask & WRITE:
            self._wire.flush(session.output, now)
        if mask != WRITE:
            self._converse(session, now)

    def work(self, now: float) -> None:
        """Begin with a letter, if there is one and this connection can take it."""
        if self.session is not None:
            self.session.work(now)
            if self.session.output:
                self._wire.flush(self.session.output, now)

    def leave(self, now: float) -> None:
        """Say QUIT; only for an idle connection."""
        if self.session is not None:
            self.session.leave(now)
            self._wire.flush(self.session.output, now)

    def check_time(self, now: float) -> None:
        """See that nothing takes longer than it may; octets that drip in prolong nothing."""
        session = self.session
        if session is None:
            self._opening.check_time(now)
            return
        deadline = session.deadline
        if self._wire.is_writing:
            deadline = self._wire.progress_at + self._policy.block_seconds
        elif session.stage is Stage.DOT:
            # The wait for the answer begins when the text is out, which may have taken its time.
            deadline = max(deadline, self._wire.progress_at + self._policy.dot_seconds)
        if now >= min(deadline, session.letter_deadline):
            raise Hangup(session.stage, Reply(0, "", "no answer in time"), TIMED_OUT)

    def close(self) -> None:
        """Let go of the socket, whatever state it is in."""
        self._opening.close()

    def _begin(self, features: Features, now: float) -> None:
        self._wire = self._opening.wire
        self._wire.start_counting()
        self.session = Session(features, self._policy, self._tray, now)
        self.work(now)

    def _converse(self, session: Session, now: float) -> None:
        try:
            replies = self._wire.receive()
        except OSError as error:
            raise Hangup(session.stage, Reply(0, "", str(error)), LOST) from error
        is_writing = self._wire.is_writing
        for code, lines in replies:
            if is_writing and session.is_text_going(self._wire.exposed):
                self._interrupt(session, code, lines, now)
            session.take_reply(code, lines, now)
        session.work(now)
        if session.output:
            self._wire.flush(session.output, now)

    def _interrupt(self, session: Session, code: int, lines: list[bytes], now: float) -> None:
        """Take in what a server says before it has the whole text: a refusal counts, and the connection is over.

        The rest of the text would still have to be sent, and whether it is answered again is anybody's guess.
        """
        if code // 100 in {4, 5}:
            session.take_reply(code, lines, now)
        raise Hangup(Stage.DATA, parse_reply(lines), LOST)
