import string
import sys
import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailings.sending.escape import _HEADER, clean_header, escape_header, escape_html, escape_text, is_plain
from mailings.sending.render import BrokenPlaceholder, UnknownPlaceholder, compile_template

FIELDS = {"имя": "name", "name": "name", "Полное имя": "full_name", "email": "email"}


def rendered(text: str, **values: str) -> str:
    return compile_template(text, FIELDS).render(values)


class TestTemplate:
    @pytest.mark.parametrize(
        "text",
        [
            "{{имя}}",
            "{{ ИМЯ }}",
            "{{ Name }}",
            "{{\xa0имя\xa0}}",
            "{{&nbsp;имя&NBSP;}}",
            "{{\u200bимя\ufeff}}",
            "{{ \t\n имя }}",
            "{{ имя | клиент }}",
            "{{имя|}}",
        ],
    )
    def test_reads_a_name_as_it_was_meant(self, text):
        assert rendered(text, name="Иван") == "Иван"

    def test_takes_names_of_several_words(self):
        assert rendered("{{ полное  ИМЯ }}", full_name="Иван Петров") == "Иван Петров"

    @pytest.mark.parametrize("blank", ["", " ", "\xa0", "\u200b", "\n\t"])
    def test_takes_the_fallback_for_a_blank_value(self, blank):
        assert rendered("Привет, {{ имя | клиент }}!", name=blank) == "Привет, клиент!"

    def test_leaves_nothing_where_there_is_neither(self):
        assert rendered("Привет{{ имя }}!") == "Привет!"

    def test_strips_values(self):
        assert rendered("<{{ имя }}>", name="  Иван ") == "<Иван>"

    def test_never_reads_a_value_again(self):
        assert rendered("{{ имя }} {{ email }}", name="{{ email }}", email="{{ имя }}") == "{{ email }} {{ имя }}"

    def test_writes_a_megabyte_of_braces(self):
        assert rendered("{{" * 500_000) == "{{" * 250_000

    def test_writes_two_braces_for_four(self):
        assert rendered("{{{{ имя }} {{ имя }}", name="Иван") == "{{ имя }} Иван"

    def test_escapes_values_and_not_the_authors_own_fallback(self):
        template = compile_template("{{ имя | A &amp; B }}", FIELDS)

        assert template.render({"name": "A & B"}, escape_html) == "A &amp; B"
        assert template.render({}, escape_html) == "A &amp; B"

    def test_tells_its_fields_and_what_is_missing(self):
        template = compile_template("{{ имя }} {{ email | нет }} {{ Имя | есть }}", FIELDS)

        assert template.fields == {"name", "email"}
        assert template.missing({"name": " "}) == {"name"}
        assert template.missing({"name": "Иван"}) == frozenset()

    @pytest.mark.parametrize(
        "text", ["{ имя }", "@media x { a { color: red } }", "}} {", "{% load x %}", "${x} {0.__class__}"]
    )
    def test_leaves_other_braces_alone(self, text):
        assert rendered(text) == text


class TestFaults:
    @pytest.mark.parametrize("text", ["{{7*7}}", "{{ client.owner }}", "{{ имя.__class__ }}", "{{ nme }}"])
    def test_name_what_is_unknown(self, text):
        with pytest.raises(UnknownPlaceholder) as caught:
            compile_template(f"first\nsecond {text}", FIELDS)

        assert caught.value.name == text.strip("{} ")
        assert (caught.value.line, caught.value.column) == (2, 8)

    @pytest.mark.parametrize(("name", "suggestion"), [("nmae", "name"), ("emial", "email"), ("zzz", "")])
    def test_suggest_what_was_meant(self, name, suggestion):
        with pytest.raises(UnknownPlaceholder) as caught:
            compile_template(f"{{{{ {name} }}}}", FIELDS)

        assert caught.value.suggestion == suggestion

    @pytest.mark.parametrize(
        "text",
        [
            "{{имя",
            "{{имя}",
            "{{имя} и {{ имя }}",
            "{ {имя}}",
            "{ {имя} }",
            "{&nbsp;{имя}}",
            "{{<b>имя</b>}}",
            "{{ }}",
            "{{ | клиент }}",
            "{{ имя | <b> }}",
            "{{{имя}}}",
            "{{" + "x" * 400 + "}}",
        ],
    )
    def test_show_where_a_placeholder_is_broken(self, text):
        with pytest.raises(BrokenPlaceholder) as caught:
            compile_template("a\nb " + text, FIELDS)

        assert (caught.value.line, caught.value.column) == (2, 3)
        assert caught.value.excerpt

    @pytest.mark.parametrize("unit", ["{{", "{ ", "{{{{ имя }}", "{{ имя }}", "{ {&", "|{"])
    def test_take_time_in_proportion_to_the_text(self, unit):
        def seconds(count: int) -> float:
            text = unit * count
            return min(timeit.repeat(lambda: compiled(text), number=1, repeat=3))

        # Sixteen times the text: linear is about 16, quadratic 256.
        assert seconds(32_000) < 80 * max(seconds(2_000), 0.0005)

    @given(st.text(string.printable + "{}|имя\xa0\u200b", max_size=60))
    def test_are_the_only_way_to_refuse(self, text):
        assert compiled(text) is None or isinstance(compiled(text), str)


def compiled(text: str) -> str | None:
    try:
        return compile_template(text, FIELDS).render({"name": "x"})
    except (BrokenPlaceholder, UnknownPlaceholder):
        return None


class TestEscaping:
    def test_of_html_leaves_no_markup(self):
        assert escape_html("<img src=x onerror='1'> & \"q\"\0") == (
            "&lt;img src=x onerror=&#x27;1&#x27;&gt; &amp; &quot;q&quot;"
        )

    def test_of_text_leaves_lines_and_tabs(self):
        assert escape_text("a\tb\nc\0\x0b\x85\ud800d") == "a\tb\ncd"

    @pytest.mark.parametrize("code", [*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029])
    def test_of_headers_leaves_no_control_character(self, code):
        assert escape_header(f"a{chr(code)}Bcc: x") in {"a Bcc: x", "aBcc: x"}

    @pytest.mark.parametrize("char", "\u200b\u200d\u202e\u2066\ufeff\xad")
    def test_of_headers_leaves_nothing_unseen(self, char):
        assert escape_header(f"a{char}b") == "ab"

    def test_of_headers_has_nothing_to_do_on_what_can_be_printed(self):
        printable = "".join(filter(str.isprintable, map(chr, range(sys.maxunicode + 1))))

        assert clean_header(printable) == printable.strip()
        assert escape_text(printable) == printable
        assert {char for char in printable if char.isspace()} == {" "}
        assert all(not chr(code).isprintable() for code in _HEADER)

    @pytest.mark.parametrize("char", "&<>\"'\n\t\0\x85\xa0\u200b\ud800")
    def test_tells_plain_values_from_others(self, char):
        assert is_plain("Клиент №1 — «Ёж» 🎉")
        assert not is_plain(f"a{char}b")

    def test_of_headers_makes_one_short_line(self):
        assert escape_header("  a \r\n  b\xa0c ") == "a b c"
        assert len(escape_header("x" * 300)) == 200
        assert clean_header("x" * 300) == "x" * 300
