"""Why letters failed lately, by reason, from so many of the newest attempts and no more: any run costs the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.urls import reverse

from mailings.models import Attempt, Reason

LOOKED_AT = 2000
FAILED = (Attempt.Outcome.REFUSED, Attempt.Outcome.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Failure:
    reason: str
    count: int
    percent: int
    url: str


@dataclass(frozen=True, slots=True)
class Failures:
    """`is_everything` tells whether the attempts looked at were all there are."""

    rows: list[Failure]
    attempts: int
    is_everything: bool


def failures(attempts: QuerySet[Attempt], **filters: Any) -> Failures:
    """Count the failed among the newest attempts; each reason leads to exactly the attempts counted.

    :param filters: what the list of attempts has to be narrowed by to show the same ones.
    """
    newest = list(attempts.order_by("-id").values_list("id", "outcome", "reason")[: LOOKED_AT + 1])
    looked_at = newest[:LOOKED_AT]
    found = Counter((outcome, reason) for _id, outcome, reason in looked_at if outcome in FAILED)
    span = {"id__gte": looked_at[-1][0], "id__lt": looked_at[0][0] + 1} if looked_at else {}
    rows = [
        Failure(
            reason=str(Reason(reason).label),
            count=count,
            percent=round(100 * count / found.total()),
            url=address(outcome__exact=outcome, reason__exact=reason, **span, **filters),
        )
        for (outcome, reason), count in found.most_common()
    ]
    return Failures(rows, len(looked_at), len(newest) <= LOOKED_AT)


def address(**filters: Any) -> str:
    return f"{reverse('admin:mailings_attempt_changelist')}?{urlencode(filters)}"
