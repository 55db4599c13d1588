"""The composed letter, judged by the standard library's parser: what went in comes out, and nothing else does."""

import email
import email.base64mime
import email.policy
import email.utils
import re
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailings.sending.body import LINE, MOST_SPLIT_AT_ONCE, SHORTEST_RUN, Body, encoded
from mailings.sending.compose import Attachment, Frame, Message, Recipient
from mailings.sending.escape import clean_header, escape_header, escape_html, escape_text
from mailings.sending.header import BadHeader, file_name_parameters
from mailings.sending.markup import MisplacedPlaceholder
from mailings.sending.render import compile_template

STRICT = SMTP.clone(raise_on_defect=True)
FIELDS = {"имя": "name", "город": "city"}
URL = "https://mail.example.com/u/abcdefghijklmnopqrstuvwx/"
NAMES = ["From", "List-ID", "Precedence", "X-Auto-Response-Suppress", "MIME-Version", "To", "Subject", "Date"]
NAMES += ["Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "Content-Type"]
CONTROLS = [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029]

MESSAGE = Message(
    sender_name="Ромашка, ООО",
    sender_address="office@example.com",
    subject="Привет",
    text="Здравствуйте, {{ имя | друг }}!\n{{ unsubscribe_url }}",
    html='<p>Здравствуйте, {{ имя | друг }}!</p><a href="{{ unsubscribe_url }}">Отписаться</a>',
    list_id="mailings.example.com",
)
RECIPIENT = Recipient(
    address="ivan@mail.ru",
    name="Иван",
    values={"name": "Иван"},
    message_id="m1.2.3@example.com",
    date=datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=3))),
    unsubscribe_url=URL,
)

VALUES = st.text(st.sampled_from("абв XYZ 12№«»<>&\"'\n\r\t\0\x85\xa0\u200b\ud800🎉"), max_size=8)
MOST = [MOST_SPLIT_AT_ONCE * LINE + octets for octets in (-1, 0, 1, LINE - 1, LINE, LINE + 1)]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=150)
LINES = st.text(st.sampled_from("абвгд ёЖ abc XYZ 123 .,;:!?-—«»🎉👍é\"'=?_<>()@\\"), max_size=200)


def parse(raw: bytes) -> EmailMessage:
    check_wire_form(raw)
    parsed = email.message_from_bytes(raw, policy=STRICT)
    assert isinstance(parsed, EmailMessage)
    return parsed


def check_wire_form(raw: bytes) -> None:
    """RFC 5321 2.3.8 and 4.5.2, RFC 5322 2.1.1."""
    assert raw.endswith(b"\r\n")
    assert raw.count(b"\n") == raw.count(b"\r") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert not re.search(rb"(?:\A|\n)\.", raw)
    assert raw.isascii()


def parse_as_of_old(raw: bytes) -> dict[str, str]:
    check_wire_form(raw)
    headers = email.message_from_bytes(raw, policy=email.policy.compat32)
    return {name: re.sub(r"\r?\n(?=[ \t])", "", value) for name, value in headers.items()}


def compose(message: Message = MESSAGE, recipient: Recipient = RECIPIENT) -> EmailMessage:
    return parse(Frame(message, FIELDS).fill(recipient))


def content(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    assert part is not None
    return part.get_content().replace("\r\n", "\n")


class TestLetter:
    def test_has_exactly_its_headers(self):
        assert compose().keys() == NAMES

    def test_fills_them(self):
        parsed = compose()

        assert parsed["From"].addresses[0].display_name == "Ромашка, ООО"
        assert parsed["From"].addresses[0].addr_spec == "office@example.com"
        assert str(parsed["To"]) == "Иван <ivan@mail.ru>"
        assert parsed["Subject"] == "Привет"
        assert parsed["Date"].datetime == RECIPIENT.date
        assert str(parsed["Date"]).endswith("+0300")
        assert parsed["Message-ID"] == "<m1.2.3@example.com>"
        assert parsed["List-ID"] == "<mailings.example.com>"
        assert parsed["Precedence"] == "bulk"
        assert parsed["X-Auto-Response-Suppress"] == "OOF, AutoReply"

    def test_lets_leave_with_one_click_on_one_line(self):
        raw = Frame(MESSAGE, FIELDS).fill(RECIPIENT)

        assert f"\r\nList-Unsubscribe: <{URL}>\r\n".encode() in raw
        assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw

    @pytest.mark.parametrize(("url", "expected"), [("http://x.ru/u/1", True), ("mailto:a@x.ru", True), ("", False)])
    def test_offers_one_click_for_https_only(self, url, expected):
        parsed = compose(recipient=RECIPIENT._replace(unsubscribe_url=url))

        assert ("List-Unsubscribe" in parsed) is expected
        assert "List-Unsubscribe-Post" not in parsed

    def test_puts_the_text_before_the_html(self):
        parsed = compose()

        assert [part.get_content_type() for part in parsed.iter_parts()] == ["text/plain", "text/html"]
        assert content(parsed, "plain") == f"Здравствуйте, Иван!\n{URL}"
        assert content(parsed, "html") == f'<p>Здравствуйте, Иван!</p><a href="{URL}">Отписаться</a>'

    def test_is_one_part_without_html(self):
        parsed = compose(replace(MESSAGE, html=""))

        assert parsed.get_content_type() == "text/plain"
        assert not parsed.is_multipart()

    def test_makes_its_text_from_the_html(self):
        assert content(compose(replace(MESSAGE, text="")), "plain") == f"Здравствуйте, Иван!\n\nОтписаться: {URL}"

    def test_has_a_reply_address_when_told(self):
        assert compose(replace(MESSAGE, reply_to="help@example.com"))["Reply-To"] == "help@example.com"

    def test_escapes_values_where_they_stand(self):
        values = {"name": '<b>& "x"\x00\x1b'}

        parsed = compose(recipient=RECIPIENT._replace(values=values))

        assert content(parsed, "plain").startswith('Здравствуйте, <b>& "x"!')
        assert content(parsed, "html").startswith("<p>Здравствуйте, &lt;b&gt;&amp; &quot;x&quot;!</p>")

    @given(VALUES, VALUES)
    @settings(max_examples=300)
    @example("\0", "Казань")
    @example("\u200b", "O'Neil & Co")
    def test_fills_plain_values_and_others_alike(self, name, city):
        message = replace(MESSAGE, text="{{ город | где }} {{ имя | друг }}", html="<p>{{ имя | друг }} {{ город }}")

        parsed = compose(message, RECIPIENT._replace(values={"name": name, "city": city}))

        for kind, source, escape in (("plain", message.text, escape_text), ("html", message.html, escape_html)):
            expected = compile_template(source, FIELDS).render({"name": name, "city": city}, escape)
            assert content(parsed, kind) == lines(expected)

    def test_tells_what_is_missing(self):
        frame = Frame(replace(MESSAGE, subject="{{ город }}: {{ имя }}", text="{{ unsubscribe_url }}"), FIELDS)

        assert frame.fields == {"name", "city", "unsubscribe_url"}
        assert frame.missing({"city": " "}) == {"name", "city"}

    def test_is_the_same_for_the_same_recipient(self):
        frame = Frame(MESSAGE, FIELDS)

        assert frame.fill(RECIPIENT) == frame.fill(RECIPIENT) == Frame(MESSAGE, FIELDS).fill(RECIPIENT)

    def test_refuses_values_in_attributes(self):
        with pytest.raises(MisplacedPlaceholder):
            Frame(replace(MESSAGE, html='<a href="{{ имя }}">x</a>'), FIELDS)

    def test_dates_equal_moments_by_their_own_zones(self):
        utc = RECIPIENT.date.astimezone(UTC)

        assert str(compose()["Date"]).endswith("03:04:05 +0300")
        assert str(compose(recipient=RECIPIENT._replace(date=utc))["Date"]).endswith("00:04:05 +0000")


class TestFooter:
    FOOTED = replace(
        MESSAGE,
        text="Текст",
        html="<html><body><p>Текст</p></body></html>",
        footer_text="Отписаться: {{ unsubscribe_url }}",
        footer_html='<p><a href="{{ unsubscribe_url }}">Отписаться</a></p>',
    )

    def test_is_added_where_no_body_has_the_link(self):
        parsed = compose(self.FOOTED)

        assert content(parsed, "plain") == f"Текст\n\nОтписаться: {URL}"
        assert content(parsed, "html").endswith(f'<p><a href="{URL}">Отписаться</a></p></body></html>')

    @pytest.mark.parametrize("kind", ["text", "html"])
    def test_is_left_out_where_one_has(self, kind):
        parsed = compose(replace(self.FOOTED, **{kind: "{{ unsubscribe_url }}"}))

        assert "Отписаться" not in content(parsed, "plain") + content(parsed, "html")

    def test_stands_under_a_text_made_from_html(self):
        assert content(compose(replace(self.FOOTED, text="")), "plain") == f"Текст\n\nОтписаться: {URL}"


class TestAttachment:
    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("price.pdf", "price.pdf"),
            ("Прайс лист.pdf", "Прайс лист.pdf"),
            ('a"b;c.txt', 'a"b;c.txt'),
            ("a\r\nX-Evil: 1.txt", "a X-Evil: 1.txt"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("", "attachment"),
        ],
    )
    def test_arrives_with_its_name_and_octets(self, name, shown):
        file = Attachment(name, "application/pdf", bytes(range(256)) * 50)

        parsed = compose(replace(MESSAGE, attachments=(file,)))
        (arrived,) = parsed.iter_attachments()

        assert arrived.get_filename() == shown
        assert arrived.get_content() == file.content
        assert arrived.get_content_type() == "application/pdf"
        assert parsed.keys() == NAMES
        assert content(parsed, "plain").startswith("Здравствуйте")

    @pytest.mark.parametrize("given", ["", "text/html\r\nX: y", "message/rfc822", "multipart/mixed", "Text/Plain; a=b"])
    def test_of_a_dubious_type_is_only_octets(self, given):
        parsed = compose(replace(MESSAGE, attachments=(Attachment("a", given, b"x"),)))

        assert [part.get_content_type() for part in parsed.iter_attachments()] == ["application/octet-stream"]

    @given(st.text(max_size=400))
    def test_never_has_a_name_too_long_or_unsafe(self, name):
        parameters = file_name_parameters(name)

        assert max(map(len, parameters.split("\r\n"))) <= 998
        assert parameters.isascii()
        assert re.fullmatch(r"(?:;\r\n filename\*=[^\s;]+;\r\n filename|; filename)=\"[^\"\r\n]+\"", parameters)


class TestHeader:
    @pytest.mark.parametrize("code", CONTROLS)
    @pytest.mark.parametrize("field", ["name", "subject", "value", "sender"])
    def test_cannot_be_added_to(self, code, field):
        evil = f"a{chr(code)}Bcc: x@y.zz{chr(code)}{chr(code)}X-Y: 1"
        message = replace(MESSAGE, subject={"subject": evil, "value": "{{ имя }}"}.get(field, "Привет"))
        message = replace(message, sender_name=evil if field == "sender" else "Ромашка")
        person = RECIPIENT._replace(name=evil if field == "name" else "Иван", values={"name": evil})

        parsed = compose(message, person)

        assert parsed.keys() == NAMES
        assert [address.addr_spec for address in parsed["To"].addresses] == ["ivan@mail.ru"]

    @pytest.mark.parametrize(
        "address",
        ["a@x.ru, b@x.ru", "a@x.ru>\r\nBcc: b@x.ru", "иван@x.ru", "a b@x.ru", "a@x.ru\0", "", "a", "<a@x.ru>"],
    )
    def test_has_one_plain_address(self, address):
        with pytest.raises(BadHeader):
            compose(recipient=RECIPIENT._replace(address=address))
        with pytest.raises(BadHeader):
            compose(replace(MESSAGE, sender_address=address))

    @pytest.mark.parametrize(
        "url", ["https://x.ru/ a", "https://x.ru/>\r\nBcc: a@x.ru", "javascript:1", "https://х.рф/"]
    )
    def test_has_a_plain_url(self, url):
        with pytest.raises(BadHeader):
            compose(recipient=RECIPIENT._replace(unsubscribe_url=url))

    @pytest.mark.parametrize("message_id", ["", "a", "a@b c", "a@b>\r\nX: y", "<a@b>", "а@б"])
    def test_has_a_plain_message_id(self, message_id):
        with pytest.raises(BadHeader):
            compose(recipient=RECIPIENT._replace(message_id=message_id))

    def test_has_a_zone_in_its_date(self):
        with pytest.raises(BadHeader):
            compose(recipient=RECIPIENT._replace(date=RECIPIENT.date.replace(tzinfo=None)))

    def test_has_a_plain_list_id(self):
        with pytest.raises(BadHeader):
            compose(replace(MESSAGE, list_id="рассылки"))

    @given(LINES)
    @settings(max_examples=1000)
    @example("=?utf-8?b?0J8=?=")
    @example("x" * 500)
    @example("слово " * 100)
    @example("word " * 100)
    @example("👍" * 100)
    def test_carries_any_subject(self, subject):
        raw = Frame(replace(MESSAGE, subject="{{{{".join(subject.split("{{"))), FIELDS).fill(RECIPIENT)

        lines = raw.split(b"Subject: ")[1].split(b"\r\nDate")[0].split(b"\r\n")
        assert parse(raw)["Subject"] == clean_header(subject)
        assert max(map(len, re.findall(rb"=\?utf-8\?b\?[^?]*\?=", raw)), default=0) <= 75
        assert len(lines[0]) <= 69 or b"=?" not in lines[0]

    @given(LINES)
    @settings(max_examples=500)
    @example('Петров, "Иван" <evil@x.ru>')
    @example("Petrov, Ivan")
    @example('a\\"b')
    @example("=?utf-8?q?x?=")
    def test_carries_any_name(self, name):
        raw = Frame(MESSAGE, FIELDS).fill(RECIPIENT._replace(name=name))

        # Python 3.11's new parser puts spaces between the encoded words of a phrase; RFC 2047 6.2 does not.
        phrase, address = email.utils.parseaddr(parse_as_of_old(raw)["To"])
        assert str(make_header(decode_header(phrase))) == escape_header(name)
        assert address == "ivan@mail.ru"

    @given(st.text(st.sampled_from("aéд№🎉"), min_size=30, max_size=120))
    def test_is_split_between_characters_only(self, name):
        raw = Frame(replace(MESSAGE, subject="{{ имя }}"), FIELDS).fill(RECIPIENT._replace(values={"name": name}))

        words = re.findall(rb"=\?utf-8\?b\?([^?]*)\?=", raw.split(b"Subject: ")[1].split(b"\r\nDate")[0])
        assert "".join(b64decode(word).decode() for word in words) == ("" if name.isascii() else name)

    @pytest.mark.parametrize(("name", "words"), [("д" * 22 + "a", 1), ("д" * 23, 2), ("д" * 44, 2), ("д" * 45, 3)])
    def test_has_no_more_words_than_a_line_needs(self, name, words):
        raw = Frame(MESSAGE, FIELDS).fill(RECIPIENT._replace(name=name))

        assert raw.split(b"To: ")[1].split(b" <ivan")[0].count(b"=?utf-8?b?") == words


class TestBody:
    @given(TEXTS, TEXTS, TEXTS)
    @settings(max_examples=500)
    def test_carries_any_text(self, before, name, after):
        source = "{{ имя }}".join(part.replace("{", "(").replace("<", "(") for part in (before, after))

        parsed = compose(
            replace(MESSAGE, text="-" + source, html="<p>" + source), RECIPIENT._replace(values={"name": name})
        )

        template = compile_template(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", "", "-" + source), FIELDS)
        assert content(parsed, "plain") == lines(template.render({"name": name}, escape_text))
        assert content(parsed, "html") == lines("<p>" + template.render({"name": name}, escape_html)[1:])

    @given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 70)), max_size=6))
    def test_is_aligned_whatever_the_lengths(self, lengths):
        source = "".join("т" * run + "{{ имя }}" for run, _ in lengths)
        template = compile_template(source + "конец", {"имя": "name"})
        for value in ("x" * length for _, length in lengths):
            raw = Body(template, escape_text).fill({"name": value})

            assert decoded(raw) == template.render({"name": value})
            assert max(map(len, raw.split(b"\r\n"))) <= 76

    @pytest.mark.parametrize("length", [SHORTEST_RUN - 1, SHORTEST_RUN, SHORTEST_RUN + 1])
    @pytest.mark.parametrize("value", ["", "1", "22", "333"])
    def test_joins_runs_and_what_is_too_short_for_one(self, length, value):
        template = compile_template("{{ имя }}" + "т{{ имя }}".join(["x" * length] * 3), FIELDS)

        raw = Body(template, escape_text).fill({"name": value})

        assert decoded(raw) == template.render({"name": value})

    @pytest.mark.parametrize("length", [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 1000, *MOST])
    def test_has_lines_of_76_characters(self, length):
        raw = encoded(b"x" * length)

        assert decoded(raw) == "x" * length
        assert raw.count(b"\r\n") == -(-length // 57)

    def test_survives_half_a_character(self):
        assert content(compose(replace(MESSAGE, text="a\ud800b")), "plain") == "a?b"


def decoded(raw: bytes) -> str:
    """Decode line by line: some readers do."""
    return b"".join(email.base64mime.decode(line) for line in raw.split(b"\r\n")).decode()


def lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
