"""What accounts tells the rest of the house, which it must not import."""

from django.dispatch import Signal

# Sent inside the transaction that blocks: sender=User, user=the blocked one, by, reason, switches_off (whether his
# mailings are switched off for good; else they pause). Each receiver returns what it did as numbers by name.
user_blocked = Signal()

# Sent before a person is asked whether to block: sender=User, user. Each receiver returns sentences on what would stop.
block_foreseen = Signal()
