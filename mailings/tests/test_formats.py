"""Files as programs and people really make them, and a few that nobody should."""

import csv
import io

import openpyxl
import pytest
import tablib
from hypothesis import given
from hypothesis import strategies as st

from mailings.formats import BadFile, CsvFormat, Reading, XlsxFormat, read_table
from mailings.formats.apostrophe import RISKY, cover, cover_literal, uncover
from mailings.tests.workbooks import packed, workbook

RUSSIAN = "Почта;Имя\nivan@example.com;Иван\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def read(data, name="clients.csv", **reading):
    table = read_table(io.BytesIO(data), name, Reading(**reading))
    return table, list(table.rows)


def refusal(data, name="clients.csv", **reading):
    with pytest.raises(BadFile) as refused:
        read(data, name, **reading)
    return refused.value.messages[0]


class TestEncoding:
    @pytest.mark.parametrize(
        ("codec", "found"),
        [("utf-8", "utf-8-sig"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("cp1251", "cp1251")],
    )
    def test_is_recognised(self, codec, found):
        table, rows = read(RUSSIAN.encode(codec))

        assert (table.encoding, table.headers, rows) == (found, ["Почта", "Имя"], [(2, ["ivan@example.com", "Иван"])])

    @pytest.mark.parametrize("codec", ["cp866", "koi8-r", "mac-cyrillic", "cp1251", "utf-16"])
    def test_may_be_chosen_by_hand(self, codec):
        table, rows = read(RUSSIAN.encode(codec), encoding=codec)

        assert (table.headers, rows) == (["Почта", "Имя"], [(2, ["ivan@example.com", "Иван"])])

    def test_chosen_by_hand_has_to_fit(self):
        assert refusal(RUSSIAN.encode("cp1251"), encoding="utf-8-sig") == (
            "The file is not written in UTF-8. Choose another encoding."
        )

    def test_big_endian_with_its_mark_is_recognised(self):
        table, rows = read(b"\xfe\xff" + RUSSIAN.encode("utf-16-be"))

        assert (table.encoding, rows) == ("utf-16", [(2, ["ivan@example.com", "Иван"])])

    def test_is_judged_by_the_last_line_too(self):
        late = "email;name\n" + "a@example.com;Latin\n" * 5000 + "b@example.com;Яков\n"

        _table, rows = read(late.encode("cp1251"))

        assert rows[-1] == (5002, ["b@example.com", "Яков"])

    @pytest.mark.parametrize(
        "data",
        [
            PNG,
            b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
            b"\x7fELF" + bytes(range(32)) * 20,
            RUSSIAN.encode("utf-16-le"),
            b"a\x98",
        ],
    )
    def test_of_what_is_no_text_is_refused(self, data):
        assert refusal(data, "photo.csv").startswith("“photo.csv” is not a text file.")


class TestDelimiter:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_is_recognised(self, delimiter):
        table, rows = read(f"email{delimiter}name\na@example.com{delimiter}Ann\n".encode())

        assert (table.delimiter, rows) == (delimiter, [(2, ["a@example.com", "Ann"])])

    def test_is_not_one_that_stands_in_a_column_name(self):
        table, _rows = read("Почта;Имя, отчество;Адрес, дом, этаж\na@example.com;Анна;Лесная, 1, 2\n".encode())

        assert table.headers == ["Почта", "Имя, отчество", "Адрес, дом, этаж"]

    def test_is_told_apart_by_the_rows_where_the_names_leave_it_open(self):
        table, _rows = read(b"email,phone; mobile\na@example.com,1\nb@example.com,2\n")

        assert table.delimiter == ","

    def test_is_taken_from_the_sep_line_which_counts_as_a_line(self):
        table, rows = read(b"sep=;\r\nemail;a,b,c\r\na@example.com;x\r\n")

        assert (table.delimiter, table.headers, rows) == (";", ["email", "a,b,c"], [(3, ["a@example.com", "x"])])

    @pytest.mark.parametrize("data", [b"email|name\na@example.com|Ann\n", b"sep=|\nemail|name\na@example.com|Ann\n"])
    def test_of_another_kind_is_refused_with_the_list_of_ours(self, data):
        assert refusal(data) == "The columns must be separated by a comma, a semicolon or a tab. Save the file so."

    def test_may_be_chosen_by_hand(self):
        table, rows = read(b"email,a;name\nb@example.com,c;Ann\n", delimiter=",")

        assert (table.headers, rows) == (["email", "a;name"], [(2, ["b@example.com", "c;Ann"])])

    def test_may_be_missing_in_a_file_of_one_column(self):
        _table, rows = read(b"email\na@example.com\nb@example.com\n")

        assert rows == [(2, ["a@example.com"]), (3, ["b@example.com"])]


class TestLines:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_end_as_on_any_system(self, end):
        _table, rows = read(f"email{end}a@example.com{end}b@example.com{end}".encode())

        assert rows == [(2, ["a@example.com"]), (3, ["b@example.com"])]

    def test_keep_their_numbers_over_blank_ones_and_breaks_in_quotes(self):
        _table, rows = read(b'\nemail,note\n\na@example.com,"one\ntwo"\n,,,,\n   \nb@example.com,x\n')

        assert rows == [(4, ["a@example.com", "one\ntwo"]), (8, ["b@example.com", "x"])]

    def test_may_be_short_and_keep_cells_that_are_too_many(self):
        _table, rows = read(b"email,name,note\na@example.com\nb@example.com,B,n,extra,\n")

        assert rows == [(2, ["a@example.com"]), (3, ["b@example.com", "B", "n", "extra"])]

    @pytest.mark.parametrize(
        ("data", "line"),
        [
            (b'email,note\na@example.com,ok\nb@example.com,"never closed\nc@example.com,x\n', 3),
            (b'email,note\na@example.com,"bad" quote\n', 2),
            (b'email,note\na@example.com,"' + b"long " * 40_000, 2),
        ],
    )
    def test_with_a_broken_quote_are_named(self, data, line):
        assert refusal(data).startswith(f"Broken quote, line {line}.")

    def test_with_a_space_before_the_quote_are_read(self):
        _table, rows = read(b'email, name\na@example.com, "Ivanov, Ivan"\n')

        assert rows == [(2, ["a@example.com", "Ivanov, Ivan"])]

    @pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\n\n;;\n  \n", packed(workbook())])
    def test_have_to_be_there(self, data):
        assert refusal(data) == "The file is empty. Put the column names on the first line and the clients below it."

    @pytest.mark.parametrize("data", [b"email,name\n", b"email,name\n,\n\n", packed(workbook(["email"]))])
    def test_have_to_stand_below_the_names(self, data):
        assert refusal(data).startswith("There are no rows below the column names.")

    def test_beyond_the_limit_are_refused(self, settings):
        settings.IMPORT_ROWS_LIMIT = 3

        assert refusal(b"email\n" + b"a@example.com\n" * 4) == "The file has more than 3 rows. Split it."


class TestColumns:
    def test_are_numbered_where_the_first_line_is_a_client(self):
        table, rows = read(b"a@example.com,Ann\nb@example.com,Bob,note\n", has_header=False)

        assert table.headers == ["Column 1", "Column 2", "Column 3"]
        assert rows == [(1, ["a@example.com", "Ann"]), (2, ["b@example.com", "Bob", "note"])]

    def test_with_the_same_name_are_refused(self):
        assert refusal(b"email,Name,NAME\na@example.com,A,B\n") == (
            "The column “NAME” is repeated. Keep one column of this name."
        )

    def test_may_be_unnamed(self):
        table, _rows = read(b"email,,,note,\na@example.com,1,2,3,\n")

        assert table.headers == ["email", "", "", "note"]

    @pytest.mark.parametrize("make", [lambda row: ",".join(row).encode() + b"\n1\n", lambda row: packed(workbook(row))])
    def test_beyond_the_limit_are_refused(self, make):
        assert "at most 50 are read" in refusal(make([f"c{n}" for n in range(51)]))


class TestSize:
    def test_beyond_the_limit_is_refused(self, settings):
        settings.UPLOAD_LIMIT_MB = 1

        assert refusal(bytes(2 * 1024 * 1024), "big.csv") == "The file is larger than 1 MB. Split it."

    def test_of_a_line_is_limited(self):
        assert refusal(b"email\n" + b"x" * 1_000_001).startswith("Line 2 is longer than 1000000 characters.")

    def test_of_the_file_leaves_it_open_for_its_owner(self):
        file = io.BytesIO(RUSSIAN.encode())

        list(read_table(file, "clients.csv").rows)

        assert not file.closed


PAYLOADS = [
    "=1+1", "==1+1", "+7 900 000-00-00", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＋1", "－1", "＠1",
    "=cmd|' /C calc'!A0", "'=1", "''=1", "' +7", "'quoted'", "it's", "", "plain", "'",
]  # fmt: skip


class TestApostrophe:
    @given(st.text(alphabet="'=+-@\t\r\n ＝a", max_size=8))
    def test_is_taken_off_exactly_where_it_was_put(self, text):
        assert uncover(cover(text)) == text
        assert uncover(cover_literal(text)) == text

    @pytest.mark.parametrize("text", PAYLOADS)
    def test_leaves_no_cell_that_a_spreadsheet_would_run(self, text):
        covered = cover(text)

        assert covered.startswith("'") or not RISKY.match(covered)


class TestCsvExport:
    def test_opens_in_excel_with_no_formula_in_it(self):
        data = CsvFormat().export_data(
            tablib.Dataset(*[("a@example.com", text) for text in PAYLOADS], headers=["e", "t"])
        )

        cells = [row[1] for row in csv.reader(io.StringIO(data.removeprefix("\ufeff"), newline=""), delimiter=";")][1:]
        assert data.startswith("\ufeffe;t\r\n")
        assert [cell for cell in cells if cell.lstrip()[:1] and cell.lstrip()[0] in "=+-@＝＋－＠"] == []

    def test_is_read_back_as_it_was(self):
        data = CsvFormat().export_data(
            tablib.Dataset(*[("a@example.com", text) for text in PAYLOADS], headers=["e", "t"])
        )

        _table, rows = read(data.encode())

        assert [cells[1] if len(cells) > 1 else "" for _line, cells in rows] == PAYLOADS


class TestXlsxExport:
    def test_types_every_cell_as_text(self):
        data = XlsxFormat().export_data(tablib.Dataset(*[(text,) for text in PAYLOADS], headers=["t"]))

        sheet = openpyxl.load_workbook(io.BytesIO(data)).active
        assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None} == {"s"}
        assert sheet["A4"].value == "+7 900 000-00-00"

    def test_is_read_back_as_it_was(self):
        data = XlsxFormat().export_data(
            tablib.Dataset(*[("a@example.com", text) for text in PAYLOADS], headers=["e", "t"])
        )

        _table, rows = read(data)

        # XML knows one line end only.
        expected = [text.replace("\r", "\n") for text in PAYLOADS]
        assert [cells[1].replace("\r", "\n") if len(cells) > 1 else "" for _line, cells in rows] == expected

    def test_survives_control_characters(self):
        data = XlsxFormat().export_data(tablib.Dataset(("a\x00b\x0b",), headers=["t"]))

        assert openpyxl.load_workbook(io.BytesIO(data)).active["A2"].value == "a\ufffdb\ufffd"
