"""The admin pages for people and for the journal."""

from accounts.admin import group, journal, user

__all__ = ["group", "journal", "user"]
