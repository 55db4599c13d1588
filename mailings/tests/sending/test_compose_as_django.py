"""Our letters beside Django's of the same input, both read by the standard library's parser: they must say the same.

``HYPOTHESIS_PROFILE=thorough`` compares three thousand letters instead of a hundred.
"""

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import formataddr, parseaddr

from django.core.mail import EmailMultiAlternatives
from django.utils.html import escape
from hypothesis import example, given
from hypothesis import strategies as st

from mailings.sending.compose import Attachment, Frame, Message, Recipient

FIELDS = {"имя": "name", "город": "city"}
SENDER, ADDRESS = "office@example.com", "ivan@mail.ru"
LETTERS = "абвгд ёЖЫ abc XYZ 012 .,;:!?-—№«»()=_%&'\"@/🎉é中"

WORDS = st.lists(st.text(st.sampled_from(LETTERS.replace(" ", "")), min_size=1, max_size=12), min_size=1, max_size=9)
LINE = WORDS.map(" ".join)
VALUE = LINE.filter(lambda line: len(line) <= 60)
TEXT = st.lists(LINE | st.just("") | st.just(".") | st.just("From here"), max_size=25).map("\n".join)
FILES = st.lists(st.tuples(st.from_regex(r"[a-z]{1,8}\.bin", fullmatch=True), st.binary(max_size=300)), max_size=2)


def read(raw: bytes) -> dict[str, object]:
    """Return what a person gets to see of a letter."""
    headers = email.message_from_bytes(raw, policy=email.policy.compat32)
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    bodies = {part.get_content_type(): part for part in parsed.walk() if part.get_content_maintype() == "text"}
    return {
        "subject": shown(headers["Subject"]),
        "from": mailbox(headers["From"]),
        "to": mailbox(headers["To"]),
        "date": headers["Date"],
        "message id": headers["Message-ID"],
        "bodies": {kind: part.get_content().replace("\r\n", "\n").rstrip("\n") for kind, part in bodies.items()},
        "files": [(part.get_filename(), part.get_content()) for part in parsed.iter_attachments()],
    }


def shown(header: str) -> str:
    return str(make_header(decode_header(header.replace("\r\n", "").replace("\n", ""))))


def mailbox(header: str) -> tuple[str, str]:
    phrase, address = parseaddr(header.replace("\r\n", "").replace("\n", ""))
    return shown(phrase), address


class TestLetter:
    @given(name=VALUE, city=VALUE, sender=VALUE, subject=LINE, text=TEXT, end=TEXT, files=FILES)
    @example(name="%s %%", city="100 %", sender="Ромашка, ООО", subject="%b", text="%(city)s", end=".", files=[])
    def test_says_what_djangos_says(self, name, city, sender, subject, text, end, files):
        moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
        message = Message(
            sender_name=sender,
            sender_address=SENDER,
            subject=f"{subject} {{{{ имя }}}}",
            text=f"-{text}{{{{ имя }}}}: {{{{ город }}}}{end}.",
            html=f"<p>{text}{{{{ имя }}}}</p><p>{{{{ город }}}}{end}</p>",
            attachments=tuple(Attachment(title, "application/octet-stream", content) for title, content in files),
        )
        theirs = EmailMultiAlternatives(
            f"{subject} {name}",
            f"-{text}{name}: {city}{end}.",
            formataddr((sender, SENDER)),
            [formataddr((name, ADDRESS))],
            headers={"Message-ID": "<m1@example.com>", "Date": "Wed, 02 Jan 2030 03:04:05 +0000"},
        )
        theirs.attach_alternative(f"<p>{text}{escape(name)}</p><p>{escape(city)}{end}</p>", "text/html")
        for title, content in files:
            theirs.attach(title, content, "application/octet-stream")

        ours = Frame(message, FIELDS).fill(
            Recipient(ADDRESS, name, {"name": name, "city": city}, "m1@example.com", moment)
        )

        assert read(ours) == read(theirs.message().as_bytes())
