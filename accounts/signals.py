"""What accounts tells the rest of the house, which it must not import."""

from django.dispatch import Signal

# Sent inside the transaction that blocks: sender=User, user=the blocked one.
user_blocked = Signal()
