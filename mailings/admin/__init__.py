"""The admin pages: base.py holds the rules of access, the rest one module per model."""

from mailings.admin import (
    attempt,
    client,
    client_list,
    delivery,
    import_job,
    mailing,
    message,
    run,
    suppression,
)

__all__ = [
    "attempt",
    "client",
    "client_list",
    "delivery",
    "import_job",
    "mailing",
    "message",
    "run",
    "suppression",
]
