"""The admin pages for people and for the journal."""

from accounts.admin import group, journal, second_step, user

__all__ = ["group", "journal", "second_step", "user"]
