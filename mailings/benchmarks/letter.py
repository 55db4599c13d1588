"""The letter that all figures send: about 5 KB on the wire, text and HTML, personal in every part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from mailings.sending.compose import Frame, Message, Recipient
from mailings.sending.token import Seal

SENDER_NAME = "Postroom"
SENDER = "office@post.example.org"
SITE_URL = "https://post.example.org"
KEY = b"a key that opens nothing but this bench"
SEAL = Seal(KEY)
FIELDS = ("full_name", "email", "city", "order", "bonus", "unsubscribe_url")

SUBJECT = "{{ full_name | Добрый день }}, ваш заказ {{ order }} готов"
LINES = (
    "В городе {{ city | вашем }} открылся новый пункт выдачи, работаем без выходных.",
    "Заказ {{ order }} хранится семь дней, потом вернётся на склад.",
    "Для вас накоплено {{ bonus | 0 }} баллов: ими можно оплатить треть покупки.",
)
CLOSING = "С осени действует новый порядок возврата: возьмите с собой документ и чек, срок рассмотрения три дня."

TEXT = (
    "Здравствуйте, {{ full_name | уважаемый клиент }}!\n\n"
    + "\n".join(LINES)
    + f"\n{CLOSING}\n" * 3
    + "\nПисьмо отправлено на {{ email }}. Отписаться: {{ unsubscribe_url }}\n"
)
HTML = (
    "<!doctype html><html><body><h1>Здравствуйте, {{ full_name | уважаемый клиент }}!</h1>\n"
    + "\n".join(f'<p style="margin:0 0 12px;font:16px/1.5 sans-serif;color:#222">{line}</p>' for line in LINES)
    + f'\n<p style="margin:0 0 12px;font:16px/1.5 sans-serif;color:#222">{CLOSING}</p>' * 4
    + '\n<hr><p>Письмо отправлено на {{ email }}. <a href="{{ unsubscribe_url }}">Отписаться</a></p></body></html>\n'
)


def values(number: int) -> Mapping[str, str]:
    return {
        "full_name": f"Клиент Номер{number}",
        "email": address(number),
        "city": "Казань",
        "order": f"№ {100_000 + number}",
        "bonus": str(number % 1000),
    }


def address(number: int) -> str:
    return f"client{number}@domain{number % 1000}.example"


def frame() -> Frame:
    message = Message(SENDER_NAME, SENDER, SUBJECT, TEXT, HTML, list_id="mailing-1.post.example.org")
    return Frame(message, {name: name for name in FIELDS})


def recipient(number: int, now: datetime) -> Recipient:
    """Describe one recipient as the mailing does, with the link to leave sealed for him."""
    return Recipient(
        address=address(number),
        name=f"Клиент Номер{number}",
        values=values(number),
        message_id=f"{number:032x}@post.example.org",
        date=now,
        unsubscribe_url=f"{SITE_URL}/u/{SEAL.seal(number)}/",
    )


def octets() -> int:
    """Measure one letter, so that smtp-source sends as many."""
    return len(frame().fill(recipient(50_000, datetime.now().astimezone())))
