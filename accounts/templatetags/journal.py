"""A line of the journal in a template: `{{ entry|in_words }}`."""

from django import template

from accounts.journal import in_words

register = template.Library()
register.filter("in_words", in_words)
