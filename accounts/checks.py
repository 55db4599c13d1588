"""System checks that explain a bad setting of the door and how to mend it."""

from typing import Any

from django.conf import settings
from django.core import checks as django_checks
from django.core.checks import CheckMessage, Error, Tags, register

from accounts.lockout import network


@register(Tags.security)
def check_door(**_: Any) -> list[CheckMessage]:
    return [*check_proxies(), *check_proxy_is_named()]


def check_proxies() -> list[CheckMessage]:
    hint = "Write addresses or networks, separated by commas, like TRUSTED_PROXIES=127.0.0.1,10.0.0.0/8."
    return [
        Error(f"TRUSTED_PROXIES: “{text}” is neither an address nor a network.", hint=hint, id="accounts.E001")
        for text in settings.TRUSTED_PROXIES
        if network(text) is None
    ]


def check_proxy_is_named() -> list[CheckMessage]:
    if settings.TRUST_X_FORWARDED_PROTO and not settings.TRUSTED_PROXIES:
        sentence = "A proxy is trusted to say https, but not whom it speaks for: all visitors share its address."
        hint = (
            "Five wrong passwords of anybody would lock the login for everybody. Name the proxy's address as the web"
            " process sees it, like TRUSTED_PROXIES=127.0.0.1, and let it set X-Forwarded-For."
        )
        return [django_checks.Warning(sentence, hint=hint, id="accounts.W002")]
    return []
