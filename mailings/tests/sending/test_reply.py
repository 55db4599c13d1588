import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailings.sending.reply import RULES, Outcome, Reason, Reply, Scope, Stage, classify, parse_reply

RESTING, PAUSED, PAUSED_A_DAY, LATER_LOGIN = (False, 30), (True, None), (True, 86400), (False, 900)
NO_PAUSE = (False, None)

# outcome, scope, reason, (pauses, seconds), suppress: what servers say at which stage

ANSWERS = {
    ("returned", "account", "no_connection", RESTING, False): [
        "connect: ",
    ],
    ("returned", "account", "server_busy", RESTING, False): [
        "greeting: 421 4.3.2 All server ports are busy",
        "greeting: 450 4.7.1 try later",
        "greeting: hello?",
        "ehlo: 421 4.7.0 no",
        "auth: 334 more?",
    ],
    ("returned", "account", "server_refuses", PAUSED, False): [
        "greeting: 554 5.7.1 No SMTP service here",
        "ehlo: 550 5.7.1 bad name",
    ],
    ("returned", "account", "tls", PAUSED, False): [
        "tls: 454 4.7.0 TLS not available",
        "tls: ",
    ],
    ("returned", "account", "login", PAUSED, False): [
        "auth: 535 5.7.8 Error: authentication failed",
        "auth: 534 5.7.9 Application-specific password required",
        "auth: 530 5.7.0 Must issue STARTTLS",
        "auth: 538 encryption required",
        "auth: 550 5.7.30 Basic authentication is not supported",
        "auth: 504 5.5.4 mechanism",
        "mail: 550 5.7.1 Client was not authenticated",
        "mail: 530 5.7.0 Authentication Required",
        "rcpt: 530 5.7.0 Must issue a STARTTLS command first",
    ],
    ("returned", "account", "login", LATER_LOGIN, False): [
        "auth: 454 4.7.0 Too many login attempts",
        "auth: 421 4.7.0 Try again later",
    ],
    ("returned", "connection", "server_busy", NO_PAUSE, False): [
        "mail: 421 4.7.0 bye",
        "mail: 451 4.4.2 Timeout waiting for data from client",
        "rcpt: 421 4.7.0 bye",
        "dot: 421 4.3.2 going down",
    ],
    ("returned", "account", "rate", RESTING, False): [
        "mail: 450 4.7.1 slow",
        "mail: 452 4.3.1 Insufficient system storage",
        "mail: 454 Throttling failure: Maximum sending rate exceeded.",
        "rcpt: 452 4.5.3 Too many recipients",
        "dot: 454 Throttling failure: Maximum sending rate exceeded.",
    ],
    ("returned", "account", "quota", PAUSED_A_DAY, False): [
        "mail: 454 Throttling failure: Daily message quota exceeded.",
        "mail: 550 5.4.5 Daily user sending limit exceeded",
        "rcpt: 550 5.4.5 Daily sending quota exceeded",
        "rcpt: 451 4.7.1 Лимит отправки превышен",
        "dot: 550-5.4.5 Daily limit",
        "mail: 452 4.7.0 Quota exceeded",
    ],
    ("returned", "message", "too_big", PAUSED, False): [
        "mail: 552 size",
        "mail: 552 5.3.4 Message size exceeds fixed limit",
        "mail: 552 5.2.3 Message exceeds maximum",
        "dot: 552 5.3.4 Message too big",
        "dot: 552 message too large",
    ],
    ("returned", "account", "sender_rejected", PAUSED, False): [
        "mail: 553 5.7.1 Sender address rejected: not owned by auth user",
        "mail: 550 5.7.60 SMTP; Client does not have permissions",
        "mail: 501 5.1.7 Bad sender address syntax",
        "rcpt: 550 5.1.8 Sender domain not found",
        "rcpt: 553 5.7.1 Sender address rejected: not owned",
    ],
    ("returned", "connection", "protocol", NO_PAUSE, False): [
        "mail: 503 5.5.1 Error: nested MAIL command",
        "rcpt: 503 5.5.1 Error: need MAIL command",
        "data: 250 what",
    ],
    ("deferred", "recipient", "greylisted", NO_PAUSE, False): [
        "rcpt: 450 4.7.1 Greylisted",
        "rcpt: 451 4.2.0 come back",
        "rcpt: 451 greylisted for 5 minutes",
    ],
    ("deferred", "recipient", "temporary", NO_PAUSE, False): [
        "rcpt: 450 4.2.1 receiving mail too quickly",
        "data: 451 4.3.0 later",
    ],
    ("deferred", "recipient", "mailbox_full", NO_PAUSE, False): [
        "rcpt: 452 4.2.2 The email account is over quota",
        "rcpt: 450 mailbox full",
    ],
    ("refused", "recipient", "no_such_address", NO_PAUSE, True): [
        "rcpt: 550 5.1.1 <a@x.ru>: User unknown",
        "rcpt: 553 5.1.3 bad destination",
        "rcpt: 550 5.2.1 mailbox disabled",
        "rcpt: 550 No such user here",
        "rcpt: 550 Пользователь не найден: нет такого",
        "dot: 550 5.1.1 no such user",
    ],
    ("refused", "recipient", "address_rejected", NO_PAUSE, False): [
        "rcpt: 550 5.2.1 The user is receiving mail at a rate",
        "rcpt: 550 mailbox unavailable",
        "data: 554 5.5.1 no valid recipients",
    ],
    ("refused", "recipient", "mailbox_full", NO_PAUSE, False): [
        "rcpt: 550 5.2.2 mailbox full",
        "rcpt: 552 5.2.2 Quota exceeded",
        "rcpt: 552 mailbox over quota",
        "rcpt: 552 no",
    ],
    ("returned", "account", "relay_denied", PAUSED, False): [
        "rcpt: 554 5.7.1 <a@x.ru>: Relay access denied",
        "rcpt: 550 5.7.1 Authentication required",
    ],
    ("refused", "recipient", "policy", NO_PAUSE, False): [
        "rcpt: 554 5.7.1 Client host blocked",
        "rcpt: 550 5.7.1 address unknown to our policy: not found",
    ],
    ("accepted", "recipient", "accepted", NO_PAUSE, False): [
        "dot: 250 2.0.0 Ok: queued as 1",
        "dot: 251 will forward",
    ],
    ("deferred", "message", "temporary", NO_PAUSE, False): [
        "dot: 451 4.3.0 queue file write error",
    ],
    ("refused", "message", "spam", NO_PAUSE, False): [
        "dot: 550 5.7.1 this message is likely spam",
        "dot: 550 5.7.515 Access denied",
        "dot: 554 5.6.0 bad content",
        "dot: 551 5.9.9 bulk spam",
    ],
    ("refused", "message", "policy", NO_PAUSE, False): [
        "dot: 550 5.7.1 DMARC policy",
    ],
    ("refused", "message", "message_rejected", NO_PAUSE, False): [
        "dot: 550 rejected",
    ],
    ("returned", "account", "account_blocked", PAUSED, False): [
        "dot: 550 message sending for this account is disabled",
    ],
    ("unknown", "connection", "no_answer", NO_PAUSE, False): [
        "dot: 354 again?",
        "dot: garbage",
    ],
    ("refused", "recipient", "bad_data", NO_PAUSE, False): [
        "local: ",
    ],
}


def read(answer: str) -> tuple[Stage, Reply]:
    stage, _, said = answer.partition(": ")
    return Stage(stage), parse_reply([said.encode()])


class TestClassify:
    @pytest.mark.parametrize(
        ("answer", "expected"), [(one, key) for key, answers in ANSWERS.items() for one in answers]
    )
    def test_judges_by_stage_code_and_text(self, answer, expected):
        verdict = classify(*read(answer))

        pause = (verdict.pauses, verdict.retry_account_after)
        assert (verdict.outcome, verdict.scope, verdict.reason, pause, verdict.suppress) == expected

    def test_has_an_example_for_every_row(self):
        everything = [read(answer) for answers in ANSWERS.values() for answer in answers]

        used = {next(rule for rule in RULES if rule.fits(*answer)) for answer in everything}

        assert [rule for rule in RULES if rule not in used] == []

    @pytest.mark.parametrize("address", ["daily-limit@x.ru", "quota exceeded@x.ru", "spam@relay-access-denied.ru"])
    def test_does_not_read_addresses(self, address):
        verdict = classify(Stage.RCPT, Reply(550, "5.1.1", f"<{address.replace(' ', '-')}>: User unknown"))

        assert verdict.reason is Reason.NO_SUCH_ADDRESS

    @given(st.sampled_from(Stage), st.integers(0, 999), st.sampled_from(["", "4.2.2", "5.7.1"]), st.text(max_size=60))
    def test_has_a_verdict_for_anything(self, stage, code, enhanced, text):
        verdict = classify(stage, Reply(code, enhanced, text))

        is_yes = stage is Stage.DOT and code // 100 == 2
        assert (verdict.outcome is Outcome.ACCEPTED) == is_yes
        assert not verdict.suppress or verdict.scope is Scope.RECIPIENT


class TestParseReply:
    @pytest.mark.parametrize(
        ("lines", "reply"),
        [
            ([b"250 2.1.0 Ok"], Reply(250, "2.1.0", "Ok")),
            ([b"250"], Reply(250, "", "")),
            ([b"250 "], Reply(250, "", "")),
            ([b"250 5.1.1"], Reply(250, "5.1.1", "")),
            ([b"550-5.1.1 No such", b"550 5.1.1 user"], Reply(550, "5.1.1", "No such user")),
            ([b"550 5.1.1.1 x"], Reply(550, "", "5.1.1.1 x")),
            ([b"550 version 5.1.1"], Reply(550, "", "version 5.1.1")),
            (["550 Нет такого".encode()], Reply(550, "", "Нет такого")),
            (["550 Нет".encode("cp1251")], Reply(550, "", "\ufffd\ufffd\ufffd")),
            ([b"550 a\0b\x1b[31m\tc"], Reply(550, "", "a b [31m c")),
            ([b"what?"], Reply(0, "", "what?")),
            ([b"250+ok"], Reply(0, "", "250+ok")),
            ([b""], Reply(0, "", "")),
            ([], Reply(0, "", "")),
        ],
    )
    def test_reads(self, lines, reply):
        assert parse_reply(lines) == reply

    def test_cuts_what_is_long(self):
        reply = parse_reply([b"550-" + b"x" * 3000, b"550 " + b"y" * 3000])

        assert len(reply.text) == 2048

    @given(st.lists(st.binary(max_size=50), max_size=4))
    def test_never_raises(self, lines):
        assert len(parse_reply(lines).text) <= 2048
