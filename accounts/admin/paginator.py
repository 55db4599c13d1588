"""Pages of long lists. To count half a million rows takes longer than all the rest of their page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.utils.functional import cached_property

if TYPE_CHECKING:
    BasePaginator = Paginator[Any]
else:
    BasePaginator = Paginator

# Nobody turns more pages than these; filters and search lead on. What acts on “all found” counts for itself, exactly.
LIMIT = 10_000


class BoundedPaginator(BasePaginator):
    """Counts to `LIMIT` and no further; `has_more` tells whether there are more rows than that."""

    @cached_property
    def found(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: LIMIT + 1].count())

    @property
    def has_more(self) -> bool:
        return self.found > LIMIT

    @cached_property
    def count(self) -> int:
        return min(self.found, LIMIT)
