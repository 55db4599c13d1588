"""The pool against a server that errs where it is told to: one result for each letter, one letter for each result."""

import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mailings.sending.smtp import Account, Letter, Policy, Pool, Security
from mailings.tests.sending.letters import (
    SENDER,
    Clock,
    account,
    by_key,
    drive_until,
    letter,
    letters,
    outcomes,
    pool,
    reasons,
    send,
)
from mailings.tests.smtp_server import FEATURES, Close, Say, Server, Wait, refuse_by_name

PLAIN_FEATURES = ("SIZE 10485760",)
SINK = Path("/usr/sbin/smtp-sink")


HUGE = letter(1, body=b"x" * 30_000_000 + b"\r\n")  # more than all the buffers between two sockets hold


@contextmanager
def stub(end: Callable[[socket.socket], object]) -> Iterator[Account]:
    """A server that asks one client for one text, does something then, and hangs up."""

    def serve() -> None:
        peer, _ = listener.accept()
        with peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 hello\r\n")
            for answer in (b"250 hello", b"250 ok", b"250 ok", b"354 go"):
                lines.readline()
                peer.sendall(answer + b"\r\n")
            end(peer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield Account("127.0.0.1", listener.getsockname()[1], Security.PLAIN)
        thread.join(5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@pytest.fixture(params=["pipelining", "one by one"])
def features(request) -> tuple[str, ...]:
    return FEATURES if request.param == "pipelining" else PLAIN_FEATURES


class TestAcceptance:
    def test_hands_over_each_letter_once(self, features):
        with Server(features=features) as server, pool(server, connections=4) as sending:
            results = send(sending, letters(200))

        assert set(outcomes(results).values()) == {"accepted"}
        assert len(results) == 200
        assert server.accepted == {f"m{key}@example.com": 1 for key in range(1, 201)}

    def test_tells_stage_code_and_answer(self):
        with Server() as server, pool(server) as sending:
            (result,) = send(sending, letters(1)).values()

        assert (result.stage, result.code, result.enhanced, result.answer) == ("dot", 250, "2.0.0", "Ok: queued")
        assert (result.outcome, result.scope, result.reason) == ("accepted", "recipient", "accepted")
        assert (result.pauses, result.suppress, result.retry_account_after) == (False, False, None)

    def test_delivers_the_text_octet_for_octet(self, features):
        body = b"".join(b"%d dots ..\r\n..stuffed\r\n" % number for number in range(40_000))

        with Server(features=features) as server, pool(server) as sending:
            results = send(sending, [letter(1, body=body)])

        assert outcomes(results) == {1: "accepted"}
        assert server.letters[0].data.partition(b"\r\n\r\n")[2] == body.replace(b"\r\n..", b"\r\n.")

    def test_takes_any_2yz_after_the_dot_for_a_yes(self):
        with Server(script={("DOT", 1): Say("251 2.1.5 will forward")}) as server, pool(server) as sending:
            results = send(sending, letters(1))

        assert outcomes(results) == {1: "accepted"}

    def test_keeps_the_connection_for_later_letters(self):
        with Server() as server, pool(server, connections=3) as sending:
            for key in range(1, 6):
                send(sending, [letter(key)])

        assert server.connections == 1
        assert len(server.letters) == 5

    def test_opens_no_more_connections_than_allowed(self):
        with Server(script={("DOT", 0): Wait(0.02)}) as server, pool(server, connections=3) as sending:
            send(sending, letters(30))

        assert server.most_at_once == 3

    def test_returns_from_an_exchange_once_all_is_handed_over(self):
        with Server(script={("DOT", 0): Wait()}) as server, pool(server) as sending:
            early = sending.exchange(letters(1), 30)
            was_in_flight = sending.in_flight
            server.release()
            late = sending.exchange([], 30)

        assert (early, was_in_flight) == ([], 1)
        assert [result.outcome for result in late] == ["accepted"]

    def test_has_the_next_envelope_out_while_a_text_is_unanswered(self):
        with Server(script={("DOT", 1): Wait()}) as server, pool(server) as sending:
            sending.exchange(letters(2), 30)
            waiting = (sending.queued, sending.in_flight)
            server.release()
            results = sending.drain(30)

        assert waiting == (0, 2)
        assert len(results) == 2

    def test_gives_back_what_is_recalled(self):
        with Server(script={("MAIL", 0): Wait()}) as server, pool(server) as sending:
            early = sending.exchange(letters(9), 0.1)
            recalled = sending.recall()
            server.release()
            rest = sending.drain(30)

        assert early == []
        assert {(result.outcome, result.reason) for result in recalled} == {("returned", "recalled")}
        assert len(recalled) + len(rest) == 9
        assert len(server.letters) == len(rest)

    def test_says_what_it_has_to_say_in_one_write(self):
        with Server() as server, pool(server) as sending:
            send(sending, letters(2))

        said = [command.split(":")[0].split(" ")[0] for _, command in server.commands]
        assert said == ["", "EHLO", "MAIL", "RCPT", "DATA", ".", "MAIL", "RCPT", "DATA", ".", "QUIT"]

    def test_announces_the_size_where_that_is_understood(self):
        with Server() as server, pool(server) as sending:
            send(sending, letters(1))

        size = len(letter(1).data)
        assert (1, f"MAIL FROM:<{SENDER}> SIZE={size}") in server.commands


class TestRefusal:
    def test_touches_the_recipient_alone(self, features):
        mixed = [letter(1), letter(2, "bad@example.com"), letter(3), letter(4, "later@example.com"), letter(5)]

        with Server(features=features, rcpt=refuse_by_name) as server, pool(server) as sending:
            results = send(sending, mixed)

        assert outcomes(results) == {1: "accepted", 2: "refused", 3: "accepted", 4: "deferred", 5: "accepted"}
        assert (results[2].stage, results[2].code, results[2].enhanced, results[2].suppress) == (
            "rcpt",
            550,
            "5.1.1",
            True,
        )
        assert (results[4].stage, results[4].reason, results[4].suppress) == ("rcpt", "greylisted", False)
        assert server.recipients() == ["r1@example.com", "r3@example.com", "r5@example.com"]
        assert server.connections == 1

    def test_ends_with_an_empty_text_where_one_is_wanted(self):
        mixed = [letter(1, "bad@example.com"), letter(2), letter(3, "bad2@example.com"), letter(4)]

        with Server(rcpt=refuse_by_name, wants_empty_text=True) as server, pool(server) as sending:
            results = send(sending, mixed)

        assert outcomes(results) == {1: "refused", 2: "accepted", 3: "refused", 4: "accepted"}
        assert server.recipients() == ["r2@example.com", "r4@example.com"]
        assert all(kept.data for kept in server.letters)

    def test_at_data_leaves_the_next_transaction_clean(self, features):
        script = {("DATA", 2): Say("451 4.3.0 try later")}

        with Server(features=features, script=script) as server, pool(server) as sending:
            results = send(sending, letters(4))

        assert outcomes(results) == {1: "accepted", 2: "deferred", 3: "accepted", 4: "accepted"}
        assert (results[2].stage, results[2].code) == ("data", 451)
        assert server.seen["RSET"] == 1
        assert not [command for command in server.commands if "503" in command[1]]

    def test_after_the_text_is_the_messages_matter(self):
        script = {("DOT", 1): Say("550 5.7.1 this looks like spam")}

        with Server(script=script) as server, pool(server) as sending:
            results = send(sending, letters(2))

        assert (results[1].outcome, results[1].scope, results[1].reason) == ("refused", "message", "spam")
        assert outcomes(results) == {1: "refused", 2: "accepted"}

    def test_of_the_sender_returns_all_that_wait(self, features):
        script = {("MAIL", 0): Say("553 5.7.1 Sender address rejected: not owned by auth user")}

        with Server(features=features, script=script) as server, pool(server) as sending:
            results = send(sending, letters(50))

        assert set(outcomes(results).values()) == {"returned"}
        assert set(reasons(results).values()) == {"sender_rejected"}
        assert all(result.pauses and result.scope == "account" for result in results.values())
        assert server.seen["MAIL"] <= 2

    def test_of_one_account_lets_letters_in_flight_be_answered(self):
        script = {
            ("MAIL", 2): Say("454 4.7.0 Throttling failure: Maximum sending rate exceeded"),
            ("DOT", 1): Wait(0.2),
        }

        with Server(script=script) as server, pool(server) as sending:
            results = send(sending, letters(5))

        assert outcomes(results) == {1: "accepted"} | dict.fromkeys(range(2, 6), "returned")
        assert {result.retry_account_after for key, result in results.items() if key > 1} == {30}

    def test_in_a_row_changes_the_connection(self, features):
        bad = [letter(key, f"bad{key}@example.com") for key in range(1, 31)]

        with Server(features=features, rcpt=refuse_by_name) as server, pool(server) as sending:
            results = send(sending, bad)

        errors = {number: 0 for number, _ in server.commands}
        for number, command in server.commands:
            errors[number] += command.startswith("RCPT")
        assert set(outcomes(results).values()) == {"refused"}
        assert max(errors.values()) <= 9

    def test_of_bad_data_is_local_and_harms_nobody_else(self):
        injected = Letter(2, SENDER, "a@example.com>\r\nRCPT TO:<b@example.com", letter(2).data)
        smuggled = Letter(3, SENDER, "c@example.com", b"Subject: x\r\n\r\n.\r\nMAIL FROM:<evil@example.com>\r\n")
        unended = Letter(4, SENDER, "d@example.com", b"Subject: x")

        with Server() as server, pool(server) as sending:
            results = send(sending, [letter(1), injected, smuggled, unended, letter(5)])

        assert reasons(results) == {1: "accepted", 2: "bad_data", 3: "bad_data", 4: "bad_data", 5: "accepted"}
        assert {results[key].stage for key in (2, 3, 4)} == {"local"}
        assert server.recipients() == ["r1@example.com", "r5@example.com"]

    def test_of_a_letter_above_the_servers_size_is_local(self):
        with Server(features=("PIPELINING", "SIZE 1000")) as server, pool(server) as sending:
            results = send(sending, [letter(1, body=b"x" * 70 + b"\r\n"), letter(2, body=(b"x" * 70 + b"\r\n") * 20)])

        assert reasons(results) == {1: "accepted", 2: "too_big"}
        assert (results[2].scope, results[2].stage, results[2].pauses) == ("message", "local", True)
        assert server.recipients() == ["r1@example.com"]


class TestBrokenLine:
    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
    def test_before_the_text_on_a_fresh_connection_returns_the_letter(self, stage, features):
        with Server(features=features, script={(stage, 1): Close()}) as server, pool(server) as sending:
            results = send(sending, letters(3))

        assert outcomes(results) == {1: "returned", 2: "accepted", 3: "accepted"}
        assert (results[1].scope, results[1].reason) == ("connection", "lost_connection")
        assert set(server.accepted.values()) == {1}

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
    def test_before_the_text_on_a_used_connection_is_mended_unseen(self, stage, features):
        with Server(features=features, script={(stage, 3): Close()}) as server, pool(server) as sending:
            results = send(sending, letters(5))

        assert outcomes(results) == dict.fromkeys(range(1, 6), "accepted")
        assert server.connections == 2
        assert set(server.accepted.values()) == {1}

    @pytest.mark.parametrize("has_kept", [True, False])
    def test_after_the_dot_leaves_that_letter_unknown_and_the_next_waiting(self, has_kept, features):
        script = {("DOT", 2): Close(keeps=has_kept)}

        with Server(features=features, script=script) as server, pool(server) as sending:
            results = send(sending, letters(5))

        assert outcomes(results) == {1: "accepted", 2: "unknown", 3: "accepted", 4: "accepted", 5: "accepted"}
        assert (results[2].stage, results[2].reason) == ("dot", "no_answer")
        assert set(server.accepted.values()) == {1}
        assert len(server.letters) == 4 + has_kept

    def test_within_the_text_returns_the_letter(self):
        with stub(lambda peer: peer.recv(1000)) as given, Pool(given, Policy(connections=1)) as sending:
            results = send(sending, [HUGE])

        assert outcomes(results) == {1: "returned"}
        assert (results[1].stage, results[1].scope) == ("data", "connection")

    @pytest.mark.parametrize(
        ("early", "outcome", "reason"),
        [
            (b"552 5.3.4 too big\r\n", "returned", "too_big"),
            (b"554 5.7.1 spam\r\n", "refused", "spam"),
            (b"250 2.0.0 Ok\r\n", "returned", "lost_connection"),
        ],
    )
    def test_by_an_answer_before_the_dot_is_not_a_yes(self, early, outcome, reason):
        def interrupt(peer: socket.socket) -> None:
            peer.sendall(early)
            time.sleep(0.2)

        with stub(interrupt) as given, Pool(given, Policy(connections=1)) as sending:
            results = send(sending, [HUGE])

        assert (results[1].outcome, results[1].reason) == (outcome, reason)

    def test_that_nobody_used_goes_unnoticed(self):
        with Server(script={("QUIT", 0): Close()}) as server, pool(server) as sending:
            send(sending, letters(1))
            for connection in list(server._open.values()):
                connection.shutdown(socket.SHUT_RDWR)
            results = send(sending, [letter(2)])

        assert outcomes(results) == {2: "accepted"}
        assert server.connections == 2

    @pytest.mark.parametrize("answer", ["421 4.3.2 going down", "451 4.4.2 Timeout waiting for data from client"])
    def test_at_the_first_command_after_a_rest_is_mended_unseen(self, answer):
        with Server(script={("MAIL", 2): Say(answer)}) as server, pool(server) as sending:
            first = send(sending, letters(1))
            second = send(sending, [letter(2)])

        assert outcomes(first | second) == {1: "accepted", 2: "accepted"}
        assert server.connections == 2

    def test_by_421_is_mended_unseen(self, features):
        script = {
            ("MAIL", 3): Say("421 4.7.0 too many"),
            ("RCPT", 6): Say("421 4.7.0 too many"),
            ("DOT", 9): Say("421 x"),
        }

        with Server(features=features, script=script) as server, pool(server) as sending:
            results = send(sending, letters(12))

        assert outcomes(results) == dict.fromkeys(range(1, 13), "accepted")
        assert set(server.accepted.values()) == {1}

    def test_by_421_again_and_again_returns_everything(self):
        with Server(script={("MAIL", 0): Say("421 4.3.2 not now")}) as server, pool(server) as sending:
            results = send(sending, letters(20))

        assert set(outcomes(results).values()) == {"returned"}
        assert set(reasons(results).values()) == {"server_busy"}
        assert server.connections == 3
        assert {result.retry_account_after for key, result in results.items() if key > 1} == {30}

    def test_after_each_dot_stops_before_all_are_unknown(self):
        with Server(script={("DOT", 0): Close(keeps=True)}) as server, pool(server, connections=2) as sending:
            results = send(sending, letters(100))

        unknown = [key for key, outcome in outcomes(results).items() if outcome == "unknown"]
        assert len(unknown) == len(server.letters) <= 4
        assert sorted(set(outcomes(results).values())) == ["returned", "unknown"]

    def test_by_nonsense_after_the_dot_is_unknown(self):
        with Server(script={("DOT", 1): Say("what?")}) as server, pool(server) as sending:
            results = send(sending, letters(2))

        assert outcomes(results) == {1: "unknown", 2: "accepted"}
        assert server.connections == 2

    def test_by_nonsense_before_the_text_is_not(self):
        with Server(script={("RCPT", 2): Say("what?")}) as server, pool(server) as sending:
            results = send(sending, letters(3))

        assert outcomes(results) == dict.fromkeys((1, 2, 3), "accepted")
        assert set(server.accepted.values()) == {1}

    def test_leaves_nothing_undecided_when_the_pool_is_closed(self):
        with Server(script={("DOT", 0): Wait()}) as server:
            sending = pool(server)
            sending.exchange(letters(2), 30)
            drive_until(lambda: server.seen["DOT"] == 1, sending)
            left = by_key(sending.close())

        assert outcomes(left) == {1: "unknown", 2: "returned"}


class TestTime:
    """A clock put ahead stands for waiting, where nothing but waiting is asked for."""

    def test_runs_out_for_a_silent_greeting(self):
        clock = Clock()

        with Server(script={("CONNECT", 0): Wait()}) as server, pool(server, clock=clock) as sending:
            early = sending.exchange(letters(2), 0.1)
            clock.ahead += 61
            results = by_key(sending.drain(30))

        assert early == []
        assert reasons(results) == {1: "no_connection", 2: "no_connection"}
        assert {result.stage for result in results.values()} == {"greeting"}

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
    def test_runs_out_before_the_text(self, stage, features):
        clock = Clock()

        with Server(features=features, script={(stage, 1): Wait()}) as server, pool(server, clock=clock) as sending:
            sending.exchange(letters(1), 30)
            drive_until(lambda: server.seen[stage] == 1, sending)
            clock.ahead += 61
            results = by_key(sending.drain(30))

        assert (results[1].outcome, results[1].scope, results[1].reason) == ("returned", "connection", "no_answer")

    def test_runs_out_for_a_late_yes_which_stays_unknown(self):
        clock = Clock()

        with Server(script={("DOT", 1): Wait()}) as server, pool(server, clock=clock) as sending:
            sending.exchange(letters(1), 30)
            drive_until(lambda: server.seen["DOT"] == 1, sending)
            clock.ahead += 301
            results = by_key(sending.drain(30)) | send(sending, [letter(2)])

        assert outcomes(results) == {1: "unknown", 2: "accepted"}
        assert server.accepted == {"m1@example.com": 1, "m2@example.com": 1}

    def test_is_not_prolonged_by_dripping_octets(self):
        script = {("MAIL", 1): Say("250 2.1.0 " + "k" * 100, pause=0.02)}

        with Server(script=script) as server, pool(server, envelope_seconds=0.3) as sending:
            results = send(sending, letters(1))

        assert reasons(results) == {1: "no_answer"}

    def test_runs_out_for_a_whole_letter(self):
        script = {(verb, 1): Wait(0.25) for verb in ("MAIL", "RCPT", "DATA")}

        with Server(script=script) as server, pool(server, letter_seconds=0.4) as sending:
            results = send(sending, letters(1))

        assert reasons(results) == {1: "no_answer"}

    def test_runs_out_for_a_server_that_stops_reading(self):
        clock, is_over = Clock(), threading.Event()

        with stub(lambda _: is_over.wait(30)) as given, Pool(given, Policy(connections=1), clock) as sending:
            early = sending.exchange([HUGE], 30) + sending.exchange([], 0.3)
            clock.ahead += 61
            results = by_key(sending.drain(30))
            is_over.set()

        assert early == []
        assert (results[1].outcome, results[1].stage, results[1].reason) == ("returned", "data", "no_answer")


class TestTheRightToSend:
    def test_ends_for_a_letter_that_waited_too_long(self):
        clock = Clock()
        late = letter(2)._replace(not_after=clock())
        with Server() as server, pool(server, clock=clock) as connections:
            results = send(connections, [letter(1), late])

        assert outcomes(results) == {1: "accepted", 2: "returned"}
        assert reasons(results)[2] == "recalled"
        assert server.recipients() == ["r1@example.com"]

    def test_ends_between_the_envelope_and_the_text(self, features):
        """As for a worker that was stopped there, and slept past its lease."""
        clock = Clock()
        soon = letter(1)._replace(not_after=clock() + 60)
        with (
            Server(script={("DATA", 1): Wait(0.3)}, features=features) as server,
            pool(server, clock=clock) as connections,
        ):
            first = connections.exchange([soon], 0.1)
            clock.ahead = 61 - 1e-3
            results = by_key(first + connections.drain(10))

        assert (outcomes(results), server.letters) == ({1: "returned"}, [])


class TestConnections:
    def test_come_back_returned_when_there_is_no_server(self):
        with Server() as server:
            given = account(server, port=free_port())
        with Pool(given, Policy()) as sending:
            results = send(sending, letters(30))

        assert set(outcomes(results).values()) == {"returned"}
        assert {(result.stage, result.reason) for result in results.values()} == {("connect", "no_connection")}
        assert {(result.scope, result.retry_account_after) for result in results.values()} == {("account", 30)}

    def test_come_back_returned_when_there_is_no_such_host(self):
        with Server() as server:
            given = account(server, host="no such host.invalid")
        with Pool(given, Policy()) as sending:
            results = send(sending, letters(1))

        assert (results[1].stage, results[1].reason) == ("connect", "no_connection")

    @pytest.mark.parametrize(
        ("greeting", "reason", "pauses"),
        [("421 4.7.0 too busy", "server_busy", False), ("554 5.7.1 no service for you", "server_refuses", True)],
    )
    def test_come_back_returned_when_the_server_greets_badly(self, greeting, reason, pauses):
        with Server(script={("CONNECT", 0): Say(greeting)}) as server, pool(server, connections=5) as sending:
            results = send(sending, letters(5))

        assert {(str(result.reason), result.pauses) for result in results.values()} == {(reason, pauses)}
        assert server.connections == 1

    def test_go_on_with_as_many_as_the_server_allows(self):
        script = {("CONNECT", number): Say("421 4.7.0 too many connections") for number in range(3, 50)}
        script[("DOT", 0)] = Wait(0.01)

        with Server(script=script) as server, pool(server, connections=8) as sending:
            results = send(sending, letters(60))

        assert set(outcomes(results).values()) == {"accepted"}
        assert len(server.letters) == 60

    def test_are_opened_one_first_and_the_rest_after_it(self):
        with Server(script={("EHLO", 1): Wait()}) as server, pool(server, connections=5) as sending:
            sending.exchange(letters(20), 0.1)
            before = server.connections
            server.release()
            results = sending.drain(30)

        assert before == 1
        assert len(results) == 20

    def test_change_after_so_many_letters(self, features):
        with Server(features=features) as server, pool(server, letters_per_connection=4) as sending:
            results = send(sending, letters(10))

        used = [kept.connection for kept in server.letters]
        assert set(outcomes(results).values()) == {"accepted"}
        assert [used.count(number) for number in (1, 2, 3)] == [4, 4, 2]
        assert server.seen["QUIT"] == 3

    def test_change_after_so_many_seconds(self):
        with Server(script={("DOT", 0): Wait(0.1)}) as server, pool(server, seconds_per_connection=0.25) as sending:
            results = send(sending, letters(6))

        assert set(outcomes(results).values()) == {"accepted"}
        assert server.connections >= 2

    def test_are_closed_when_idle(self):
        with Server() as server, pool(server, idle_seconds=0.1) as sending:
            send(sending, letters(1))
            time.sleep(0.15)
            results = send(sending, [letter(2)])

        assert outcomes(results) == {2: "accepted"}
        assert [command for number, command in server.commands if number == 1][-1] == "QUIT"
        assert server.connections == 2

    def test_end_with_quit(self):
        with Server() as server, pool(server, connections=3) as sending:
            send(sending, letters(30))

        assert server.seen["QUIT"] == server.connections


@pytest.mark.skipif(not SINK.exists(), reason="Debian's postfix is not installed")
class TestSink:
    def test_takes_everything(self):
        port = free_port()
        sink = subprocess.Popen([SINK, *(["-u", "nobody"] if os.getuid() == 0 else []), f"127.0.0.1:{port}", "64"])
        try:
            wait_for(port)
            with Server() as server:
                given = account(server, port=port)
            with Pool(given, Policy(letters_per_connection=100)) as sending:
                results = send(sending, letters(2000), 10)
        finally:
            sink.terminate()
            sink.wait()

        assert len(results) == 2000
        assert set(outcomes(results).values()) == {"accepted"}


def wait_for(port: int) -> None:
    for _ in range(500):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
