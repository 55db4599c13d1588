"""Times in templates, always with their zone."""

from datetime import datetime

from django import template

from accounts import moment

register = template.Library()


@register.filter
def when(value: datetime | None) -> str:
    return moment.when(value)


@register.filter
def clock(value: datetime | None) -> str:
    return moment.clock(value)


@register.filter
def from_now(value: datetime | None) -> str:
    return moment.from_now(value) if value else ""
