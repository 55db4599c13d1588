import pytest

from accounts.admin import paginator
from accounts.admin.paginator import BoundedPaginator
from accounts.models import User
from accounts.tests.factories import make_user

pytestmark = pytest.mark.django_db


class TestBoundedPaginator:
    def test_counts_to_its_limit_and_says_that_there_are_more(self, monkeypatch):
        monkeypatch.setattr(paginator, "LIMIT", 3)
        for _ in range(4):
            make_user()

        pages = BoundedPaginator(User.objects.order_by("pk"), 2)

        assert (pages.count, pages.has_more, pages.num_pages) == (3, True, 2)

    def test_is_exact_below_it(self, monkeypatch):
        monkeypatch.setattr(paginator, "LIMIT", 3)
        for _ in range(3):
            make_user()

        pages = BoundedPaginator(User.objects.order_by("pk"), 2)

        assert (pages.count, pages.has_more) == (3, False)
