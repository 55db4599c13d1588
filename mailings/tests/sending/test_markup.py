import pytest

from mailings.sending.markup import MisplacedPlaceholder, check_html
from mailings.sending.render import UnknownPlaceholder
from mailings.sending.text_from_html import text_from_html

FIELDS = {"имя": "name", "unsubscribe_url": "unsubscribe_url"}


def check(html: str) -> None:
    check_html(html, FIELDS, {"unsubscribe_url"})


class TestCheckHtml:
    @pytest.mark.parametrize(
        "html",
        [
            "<p>{{ имя }}</p>",
            "1 < 2 {{ имя }}",
            '<a href="{{ unsubscribe_url }}">x</a>',
            "<a href='{{ unsubscribe_url }}'>{{ имя }}</a>",
            '<a title="a > b">{{ имя }}</a>',
            "<style>p > a { }</style>{{ имя }}",
            "<!-- {{ имя }} --><p>{{ имя }}</p>",
            "<!--> {{ имя }}",
            "<script>if (a < b) {}</script>{{ имя }}",
            '<!--[if mso]><a href="{{ unsubscribe_url }}">{{ имя }}</a><![endif]-->',
        ],
    )
    def test_lets_pass(self, html):
        check(html)

    @pytest.mark.parametrize(
        ("html", "place"),
        [
            ('<a title="{{ имя }}">', "a[title]"),
            ('<a href="https://x.ru/?q={{ имя }}">', "a[href]"),
            ("<A HREF = '{{ имя }}'>", "a[href]"),
            ("<a href={{ unsubscribe_url }}>", "<a>"),
            ("<{{ имя }}>", "<>"),
            ("<b {{ имя }}>", "<b>"),
            ("</{{ имя }}>", "<>"),
            ("<style>{{ имя }}</style>", "<style>"),
            ("<style>{{ unsubscribe_url }}</style>", "<style>"),
            ("<script>x = '</b>{{ имя }}'</script>", "<script>"),
            ("<title>{{ имя }}</title>", "<title>"),
            ("<!--><a title={{ имя }}>-->", "<a>"),
            ('<a x="{{ unsubscribe_url }}" title="{{ имя }}">', "a[title]"),
            ('<!--[if mso]><a title="{{ имя }}"></a><![endif]-->', "a[title]"),
        ],
    )
    def test_names_the_wrong_place(self, html, place):
        with pytest.raises(MisplacedPlaceholder) as caught:
            check("\n" + html)

        assert caught.value.place == place
        assert caught.value.line == 2

    def test_refuses_what_a_template_refuses(self):
        with pytest.raises(UnknownPlaceholder):
            check("<p>{{ кто }}</p>")


class TestTextFromHtml:
    @pytest.mark.parametrize(
        ("html", "text"),
        [
            ("<p>Раз</p><p>Два</p>", "Раз\n\nДва"),
            ("a<br>b<br/>c", "a\nb\nc"),
            ("<a href='https://x.ru/'>Сайт</a>", "Сайт: https://x.ru/"),
            ("<a href='https://x.ru/'>https://x.ru/</a>", "https://x.ru/"),
            ("<a href='mailto:a@x.ru'>a@x.ru</a>", "a@x.ru"),
            ("<a href='#top'>Вверх</a>", "Вверх"),
            ("<a href='https://x.ru/'><img src='a.png' alt='Наш сайт'></a>", "Наш сайт: https://x.ru/"),
            ("<div>a</div> <div>b<div>c</div></div>d", "a\nb\nc\nd"),
            ("<ul><li>раз<li>два</ul>", "- раз\n- два"),
            ("<head><title>x</title><style>p{}</style></head><p>Текст</p>", "Текст"),
            ("Цена&nbsp;5&thinsp;&lt;&nbsp;6 &amp; {{ имя | друг }}", "Цена 5 < 6 & {{ имя | друг }}"),
            ("<a href='{{ unsubscribe_url }}'>Отписаться</a>", "Отписаться: {{ unsubscribe_url }}"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
            ("", ""),
        ],
    )
    def test_says_the_same(self, html, text):
        assert text_from_html(html) == text
