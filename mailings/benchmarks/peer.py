"""Runs in django-post_office's environment: queues our letter for each recipient, then sends what is queued.

`python -m mailings.benchmarks.peer PORT LETTERS PROCESSES LOCK_FILE`, with DATABASE_URL. The same work as ours for each
letter: subject, text and HTML filled from the recipient's own data, a Message-ID, the link to leave, a row of the queue
and a row of the log.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
import time
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command

from mailings.benchmarks import letter

AT_ONCE = 1000


def configure(port: int) -> None:
    """Give it the settings that suit it best: large batches, and all else as it comes."""
    url = urlsplit(os.environ["DATABASE_URL"])
    database = {"USER": url.username, "PASSWORD": url.password, "HOST": url.hostname, "PORT": url.port}
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "post_office"],
        DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": url.path[1:], **database}},
        TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
        EMAIL_HOST="127.0.0.1",
        EMAIL_PORT=port,
        DEFAULT_FROM_EMAIL=f"{letter.SENDER_NAME} <{letter.SENDER}>",
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        POST_OFFICE={
            "BATCH_SIZE": AT_ONCE,
            "MESSAGE_ID_ENABLED": True,
            "MESSAGE_ID_FQDN": "post.example.org",
        },
        LOGGING_CONFIG=None,
    )
    logging.disable(logging.WARNING)


def as_django(source: str) -> str:
    """Write our placeholders in the words of Django's templates."""
    return re.sub(r"\{\{ (\w+) \| ([^}]+) \}\}", r'{{ \1|default:"\2" }}', source)


def queue(template: Any, letters: int) -> None:
    send_many = import_module("post_office.mail").send_many
    for first in range(0, letters, AT_ONCE):
        send_many([one(template, number) for number in range(first, min(first + AT_ONCE, letters))])


def one(template: Any, number: int) -> dict[str, Any]:
    url = f"{letter.SITE_URL}/u/{letter.SEAL.seal(number)}/"
    return {
        "recipients": letter.address(number),
        "template": template,
        "context": {**letter.values(number), "unsubscribe_url": url},
        "headers": {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
        "render_on_delivery": True,
    }


def main(port: int, letters: int, processes: int, lock: str) -> None:
    configure(port)
    django.setup()
    call_command("migrate", verbosity=0)
    models = import_module("post_office.models")
    parts = {"subject": letter.SUBJECT, "content": letter.TEXT, "html_content": letter.HTML}
    template = models.EmailTemplate.objects.create(
        name="bench", **{name: as_django(source) for name, source in parts.items()}
    )
    started = time.perf_counter()
    queue(template, letters)
    call_command("send_queued_mail", processes=processes, lockfile=lock)
    seconds = time.perf_counter() - started
    sent = models.Email.objects.filter(status=models.STATUS.sent).count()
    logged = models.Log.objects.filter(status=models.STATUS.sent).count()
    print(json.dumps({"seconds": seconds, "accepted": min(sent, logged)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
