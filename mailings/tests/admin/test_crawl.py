"""The crawls see what they are meant to see: a test of the eyes, not of the product."""

import pytest
from django.http import HttpResponse

from mailings.tests.admin import crawl


class TestInline:
    @pytest.mark.parametrize(
        "html",
        [
            "<script>1</script>",
            '<script type="module">',
            '<p class="x" style="color: red">',
            "<STYLE>",
            '<body onload="x()">',
            "<img\nonerror=x>",
            '<a href="javascript:void(0)">',
            "<form action=javascript:x>",
        ],
    )
    def test_finds_what_the_policy_forbids(self, html):
        assert crawl.inline(HttpResponse(f"<html>{html}</html>"))

    @pytest.mark.parametrize(
        "html",
        [
            '<script src="/x.js" defer></script>',
            '<script id="chart" type="application/json">{}</script>',
            '<a href="/x?style=1&on=2" data-style="x" class="on style">a style="x"</a>',
            '<iframe sandbox srcdoc="&lt;p style=&quot;color: red&quot; onclick=1&gt;"></iframe>',
            "<input value='a style=b'>",
            "&lt;script&gt;",
        ],
    )
    def test_lets_our_own_pages_be(self, html):
        assert crawl.inline(HttpResponse(f"<html>{html}</html>")) is None
