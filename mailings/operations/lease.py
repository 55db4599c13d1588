"""How long a worker's claim outlives its last sign of life."""

from datetime import timedelta

from django.conf import settings

# A worker that slept hands nothing over any more when its lease has only this part left.
MARGIN = 0.25


def lease() -> timedelta:
    return timedelta(seconds=settings.SENDING_LEASE_SECONDS)


def seconds_to_hand_over() -> float:
    """Tell for how long after a turn its letters may still leave."""
    return float(settings.SENDING_LEASE_SECONDS * (1 - MARGIN))


def seconds_to_renew() -> float:
    return float(settings.SENDING_LEASE_SECONDS / 10)
