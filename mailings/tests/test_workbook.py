"""Workbooks as Excel, LibreOffice and forgers write them, read without believing a word of them."""

import datetime as dt
import io
import tracemalloc

import openpyxl
import pytest

from mailings.formats import BadFile, read_table
from mailings.formats.strings import COUNT_LIMIT, SharedStrings, escape, unescape
from mailings.tests.bad_files import WORKBOOKS
from mailings.tests.workbooks import forged, member, packed, repacked, sheet_xml, with_strings, workbook

MEGABYTE = 1024 * 1024


def read(data, name="clients.xlsx"):
    table = read_table(io.BytesIO(data), name)
    return table, list(table.rows)


def refusal(data):
    with pytest.raises(BadFile) as refused:
        read(data)
    return refused.value.messages[0]


def cells(*xml, strings=()):
    """Read the cells of a row as they are written in XML."""
    row = "".join(xml)
    head = '<row><c t="inlineStr"><is><t>email</t></is></c>' + '<c t="inlineStr"><is><t>%s</t></is></c>' * 9 + "</row>"
    names = head % tuple("bcdefghij")
    sheet = f"<worksheet><sheetData>{names}<row>{row}</row></sheetData></worksheet>"
    table = "<sst>" + "".join(f"<si>{each}</si>" for each in strings) + "</sst>"
    _table, rows = read(with_strings(forged(sheet), table))
    return rows[0][1]


class TestWorkbook:
    def test_gives_text_as_a_person_would_type_it(self):
        day, moment = dt.date(2026, 11, 23), dt.datetime.fromisoformat("2026-11-23 14:30")
        row = ["a@example.com", 12345.0, 0.1, 7, True, day, moment, dt.time(9, 5), "#N/A"]

        table, rows = read(packed(workbook(["email", *"bcdefghi"], row, title="Клиенты")))

        texts = ["a@example.com", "12345", "0.1", "7", "True", "2026-11-23", "2026-11-23 14:30:00"]
        assert (table.kind, table.sheet, rows) == ("xlsx", "Клиенты", [(2, [*texts, "09:05:00", "#N/A"])])

    def test_gives_the_same_as_openpyxl(self):
        """The library that we read past is the judge of what we read."""
        values = ["a@example.com", "Иван", -3, 2.5, 1e21, False, "  ", " padded ", "two\nlines", "'=1", "<&>"]
        data = packed(workbook(["email", *"bcdefghijk"], values))

        theirs = next(openpyxl.load_workbook(io.BytesIO(data)).active.iter_rows(min_row=2, values_only=True))
        _table, rows = read(data)

        texts = [str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in theirs]
        assert rows[0][1] == [*texts[:9], "=1", "<&>"]

    def test_is_recognised_by_its_content_whatever_its_name(self):
        _table, rows = read(packed(workbook(["email"], ["a@example.com"])), "clients.csv")

        assert rows == [(2, ["a@example.com"])]

    def test_may_be_a_csv_in_truth(self):
        table, _rows = read("Почта;Имя\nivan@example.com;Иван\n".encode("cp1251"))

        assert (table.kind, table.encoding) == ("csv", "cp1251")

    def test_shows_its_first_visible_sheet(self):
        book = workbook(["email"], ["hidden@example.com"], state="hidden")
        shown = book.create_sheet("Shown")
        shown.append(["email"])
        shown.append(["shown@example.com"])

        table, rows = read(packed(book))

        assert (table.sheet, rows) == ("Shown", [(2, ["shown@example.com"])])

    def test_may_have_empty_cells_and_rows_between(self):
        data = packed(
            workbook(["email", None, "note"], [], ["a@example.com", None, "x"], [None, None], ["b@example.com"])
        )

        table, rows = read(data)

        assert (table.headers, rows) == (
            ["email", "", "note"],
            [(3, ["a@example.com", "", "x"]), (5, ["b@example.com"])],
        )

    def test_that_is_a_template_or_has_macros_is_read_too(self):
        kinds = ("template.main+xml", "sheet.macroEnabled.main+xml")

        for kind in kinds:
            data = packed(workbook(["email"], ["a@example.com"]))
            types = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
            other = (
                b"application/vnd.openxmlformats-officedocument.spreadsheetml." + kind.encode()
                if "template" in kind
                else b"application/vnd.ms-excel." + kind.encode()
            )
            manifest = member(data, "[Content_Types].xml").replace(types, other)
            _table, rows = read(repacked(data, **{"[Content_Types]": manifest}))
            assert rows == [(2, ["a@example.com"])]


class TestCells:
    def test_may_leave_out_where_they_stand(self):
        assert cells('<c><v>1</v></c><c t="str"><v>x</v></c>') == ["1", "x"]

    def test_may_stand_far_apart(self):
        assert cells('<c r="B2"><v>1</v></c><c r="D2"><v>2</v></c>') == ["", "1", "", "2"]

    def test_of_several_pieces_are_joined_without_their_pronunciation(self):
        rich = "<is><r><t>Iv</t></r><r><t>an</t></r><rPh sb='0' eb='1'><t>iwan</t></rPh></is>"

        assert cells(f'<c t="inlineStr">{rich}</c>') == ["Ivan"]

    def test_take_their_text_from_the_shared_ones(self):
        strings = ("<t>one</t>", "<r><t>t</t></r><r><t>wo</t></r>", "<t xml:space='preserve'> 3 </t>", "<t/>")

        assert cells(*(f'<c t="s"><v>{place}</v></c>' for place in (1, 0, 2, 3, 0)), strings=strings) == [
            "two",
            "one",
            " 3 ",
            "",
            "one",
        ]

    def test_of_formulas_are_the_last_result(self):
        assert cells('<c t="str"><f>A1&amp;B1</f><v>ab</v></c><c><f>1+1</f><v>2</v></c>') == ["ab", "2"]

    def test_may_state_a_date_in_words(self):
        assert cells('<c t="d"><v>2026-11-23T14:30:00</v></c><c t="d"><v>2026-11-23</v></c>') == [
            "2026-11-23 14:30:00",
            "2026-11-23",
        ]

    @pytest.mark.parametrize(
        "xml",
        [
            '<c t="s"><v>7</v></c>',
            '<c t="s"><v>-1</v></c>',
            '<c t="s"><v>x</v></c>',
            "<c><v>x</v></c>",
            "<c><v>1e999</v></c>",
            '<c r="7"><v>1</v></c>',
            '<c t="d"><v>soon</v></c>',
        ],
    )
    def test_that_make_no_sense_are_a_damage(self, xml):
        with pytest.raises(BadFile, match=r"The workbook is damaged\."):
            cells(xml, strings=("<t>only</t>",))

    @pytest.mark.parametrize("line", ["1", "0", "-1", "x", "1048577", "99999999999999999999"])
    def test_on_lines_that_cannot_be_are_a_damage(self, line):
        first = '<row r="1"><c t="str"><v>email</v></c></row>'
        xml = f'<worksheet><sheetData>{first}<row r="{line}"><c t="str"><v>x</v></c></row></sheetData></worksheet>'

        assert refusal(forged(xml)).startswith("The workbook is damaged.")

    def test_beyond_the_columns_are_counted_up_to_one(self, settings):
        settings.IMPORT_COLUMNS_LIMIT = 3
        wide = {"A": "email", "B": "b", "C": "c"}

        _table, rows = read(forged(sheet_xml({1: wide, 2: wide | {"D": "d", "XFD": "e"}})))

        assert rows == [(2, ["email", "b", "c", "d"])]


class TestEscapes:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [("a_x000D_b", "a\rb"), ("_x005F_x000D_", "_x000D_"), ("_x00_", "_x00_"), ("_xZZZZ_", "_xZZZZ_")],
    )
    def test_are_read(self, written, meant):
        assert unescape(written) == meant

    @pytest.mark.parametrize("text", ["_x0041_", "_x005F_x0041_", "a_b_x", "plain", "__x0041_"])
    def test_do_not_befall_a_text_that_only_looks_so(self, text):
        assert unescape(escape(text)) == text


class TestSharedStrings:
    def test_keep_a_million_texts_in_the_room_of_their_letters(self):
        strings = SharedStrings()
        for number in range(1000):
            strings.add(f"Иван {number}")

        assert [strings[0], strings[7], strings[999]] == ["Иван 0", "Иван 7", "Иван 999"]
        assert len(strings.ends) * strings.ends.itemsize == 4000
        assert COUNT_LIMIT * 4 < 20 * MEGABYTE


class TestBombs:
    @pytest.mark.parametrize("case", [case for case in WORKBOOKS if case.refused], ids=str)
    def test_are_answered_in_little_memory(self, case):
        tracemalloc.start()
        try:
            refusal(case.data)
            _now, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

        assert peak < 40 * MEGABYTE
