"""TLS and AUTH: what is asked for is had or nothing is sent, and a password is tried once and shown to nobody else."""

import base64

import pytest

from mailings.sending.handshake import Hangup, introduce, read_features
from mailings.sending.smtp import Account, Policy, Pool, Security
from mailings.tests.sending.letters import account, letter, letters, outcomes, reasons, send
from mailings.tests.smtp_server import FEATURES, Close, Say, Server, Wait

USERS = {"office": "пароль"}
WITH_PLAIN = (*FEATURES, "AUTH LOGIN PLAIN")
WITH_LOGIN = (*FEATURES, "AUTH LOGIN CRAM-MD5")


def send_as(server: Server, count: int = 3, connections: int = 4, **changes) -> dict:
    with Pool(
        account(server, **changes), Policy(connections=connections, dialogue_seconds=2, tls_seconds=2)
    ) as sending:
        return send(sending, letters(count))


class TestTls:
    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
    @pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
    def test_protects_the_line(self, server_tls, trusting, security, host):
        with Server(tls=server_tls, is_tls_from_start=security is Security.TLS) as server:
            results = send_as(server, 60, host=host, security=security, tls_context=trusting)

        assert set(outcomes(results).values()) == {"accepted"}
        assert set(server.accepted.values()) == {1}

    def test_carries_large_letters(self, server_tls, trusting):
        large = letter(1, body=(b"x" * 76 + b"\r\n") * 40_000)

        with (
            Server(tls=server_tls, is_tls_from_start=True) as server,
            Pool(account(server, security=Security.TLS, tls_context=trusting), Policy(connections=1)) as sending,
        ):
            results = send(sending, [large, letter(2)])

        assert outcomes(results) == {1: "accepted", 2: "accepted"}
        assert server.letters[0].data == large.data

    def test_says_ehlo_again_after_starttls(self, server_tls, trusting):
        with Server(tls=server_tls) as server:
            send_as(server, 1, security=Security.STARTTLS, tls_context=trusting)

        assert [command.split(" ")[0] for _, command in server.commands][:5] == ["", "EHLO", "STARTTLS", "EHLO", "MAIL"]

    @pytest.mark.parametrize("security", [Security.TLS, Security.STARTTLS])
    def test_refuses_a_certificate_nobody_vouches_for(self, server_tls, security):
        with Server(tls=server_tls, is_tls_from_start=security is Security.TLS) as server:
            results = send_as(server, security=security)

        assert {(result.stage, result.reason, result.pauses) for result in results.values()} == {("tls", "tls", True)}
        assert "certificate" in results[1].answer
        assert server.seen["MAIL"] == 0
        assert server.connections == 1

    def test_refuses_a_certificate_for_another_host(self, server_tls, trusting):
        with Server(tls=server_tls, is_tls_from_start=True, host="127.0.0.2") as server:
            results = send_as(server, host="127.0.0.2", security=Security.TLS, tls_context=trusting)

        assert set(reasons(results).values()) == {"tls"}
        assert "not valid for '127.0.0.2'" in results[1].answer

    def test_does_not_go_on_without(self):
        with Server() as server:
            results = send_as(server, security=Security.STARTTLS)

        assert {(result.stage, result.reason, result.pauses) for result in results.values()} == {("tls", "tls", True)}
        assert server.seen["MAIL"] == 0

    def test_does_not_go_on_when_starttls_is_refused(self, server_tls, trusting):
        with Server(tls=server_tls, script={("STARTTLS", 0): Say("454 4.7.0 TLS not available")}) as server:
            results = send_as(server, security=Security.STARTTLS, tls_context=trusting)

        assert set(reasons(results).values()) == {"tls"}
        assert server.seen["MAIL"] == 0

    def test_forgets_what_was_said_before_it(self, server_tls, trusting):
        injected = Say("220 2.0.0 go ahead\r\n250-evil.example\r\n250 AUTH PLAIN")

        with Server(tls=server_tls, script={("STARTTLS", 1): injected}) as server:
            results = send_as(server, 2, connections=1, security=Security.STARTTLS, tls_context=trusting)

        assert outcomes(results) == {1: "accepted", 2: "accepted"}
        assert [command.split(" ")[0] for _, command in server.commands][:5] == ["", "EHLO", "STARTTLS", "EHLO", "MAIL"]

    def test_to_a_plain_port_is_a_wrong_setting(self, trusting):
        with Server() as server:
            results = send_as(server, security=Security.TLS, tls_context=trusting)

        assert {(result.stage, result.reason) for result in results.values()} == {("tls", "tls")}

    def test_lost_after_the_dot_leaves_the_letter_unknown(self, server_tls, trusting):
        script = {("DOT", 2): Close(keeps=True)}

        with Server(tls=server_tls, is_tls_from_start=True, script=script) as server:
            results = send_as(server, 3, connections=1, security=Security.TLS, tls_context=trusting)

        assert outcomes(results) == {1: "accepted", 2: "unknown", 3: "accepted"}
        assert set(server.accepted.values()) == {1}


class TestLogin:
    @pytest.mark.parametrize("features", [WITH_PLAIN, WITH_LOGIN])
    def test_opens_the_server(self, features):
        with Server(features=features, users=USERS) as server:
            results = send_as(server, username="office", password="пароль")

        assert set(outcomes(results).values()) == {"accepted"}

    def test_is_made_once_for_each_connection(self):
        with Server(features=WITH_PLAIN, users=USERS, script={("DOT", 0): Wait(0.01)}) as server:
            send_as(server, 30, connections=3, username="office", password="пароль")

        assert server.seen["AUTH"] == server.connections

    @pytest.mark.parametrize("features", [WITH_PLAIN, WITH_LOGIN])
    def test_refused_is_not_tried_again(self, features):
        with Server(features=features, users=USERS) as server:
            results = send_as(server, 20, username="office", password="wrong")

        assert {(result.stage, result.reason, result.code, result.pauses) for result in results.values()} == {
            ("auth", "login", 535, True)
        }
        assert server.seen["AUTH"] == 1

    def test_put_off_is_no_refusal(self):
        script = {("AUTH", 0): Say("454 4.7.0 Too many login attempts")}

        with Server(features=WITH_PLAIN, users=USERS, script=script) as server:
            results = send_as(server, username="office", password="пароль")

        assert {(result.pauses, result.retry_account_after) for result in results.values()} == {(False, 900)}

    def test_is_a_wrong_setting_where_none_is_offered(self):
        with Server() as server:
            results = send_as(server, username="office", password="пароль")

        assert set(reasons(results).values()) == {"login"}
        assert server.seen["MAIL"] == 0

    def test_is_never_sent_over_a_plain_line_to_another_machine(self):
        dialogue = introduce(Account("mail.example.com", 25, Security.PLAIN, "office", "secret"), is_loopback=False)
        next(dialogue)
        dialogue.send([b"220 hello"])

        with pytest.raises(Hangup) as caught:
            dialogue.send([b"250-hello", b"250 AUTH PLAIN"])

        assert (caught.value.stage, caught.value.verdict.reason) == ("auth", "tls")

    def test_prefers_plain_and_sends_utf_8(self):
        dialogue = introduce(Account("mail.example.com", 25, Security.PLAIN, "office", "пароль"), is_loopback=True)
        next(dialogue)
        dialogue.send([b"220 hello"])

        ask = dialogue.send([b"250-hello", b"250 AUTH LOGIN PLAIN"])

        assert ask.command.startswith(b"AUTH PLAIN ")
        assert base64.b64decode(ask.command.split()[-1]).decode() == "\0office\0пароль"

    def test_is_not_shown_where_an_account_is(self):
        assert "secret" not in repr(Account("mail.example.com", 25, Security.PLAIN, "office", "secret"))


class TestFeatures:
    @pytest.mark.parametrize(
        ("line", "size"),
        [(b"250 SIZE 1000", 1000), (b"250 SIZE", 0), (b"250 size 5", 5), (b"250 SIZE x", 0), (b"250 X", None)],
    )
    def test_hold_the_size(self, line, size):
        assert read_features([b"250-hello", line]).size == size

    def test_hold_what_is_offered(self):
        features = read_features([b"250-me", b"250-Pipelining", b"250-STARTTLS", b"250 AUTH PLAIN login"])

        assert (features.pipelining, features.starttls) == (True, True)
        assert features.mechanisms == {"PLAIN", "LOGIN"}
