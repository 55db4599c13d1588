"""Files as programs and people really make them, and a few that nobody should."""

import csv
import datetime as dt
import io
import time
import zipfile

import openpyxl
import pytest
import tablib
from hypothesis import given
from hypothesis import strategies as st

from mailings.formats import BadFile, CsvFormat, XlsxFormat, read_table
from mailings.formats.apostrophe import RISKY, cover, cover_literal, uncover

RUSSIAN = "Почта;Имя\nivan@example.com;Иван\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4


def read(data, name="clients.csv"):
    table = read_table(io.BytesIO(data), name)
    return table, list(table.rows)


def refusal(data, name="clients.csv"):
    with pytest.raises(BadFile) as refused:
        read(data, name)
    return refused.value.messages[0]


def workbook(*rows, title="Sheet", state="visible"):
    book = openpyxl.Workbook()
    book.active.title = title
    for row in rows:
        book.active.append(row)
    book.active.sheet_state = state
    return book


def packed(book):
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def repacked(data, **replaced):
    """Write a workbook again with some of its files replaced, as a forger would."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            key = name.rsplit("/", 1)[-1].split(".")[0]
            target.writestr(name, replaced.get(key, source.read(name)))
    return out.getvalue()


def sheet_xml(rows, dimension="A1:B2"):
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = "".join(
        f'<row r="{line}">'
        + "".join(f'<c r="{col}{line}" t="inlineStr"><is><t>{text}</t></is></c>' for col, text in cells.items())
        + "</row>"
        for line, cells in rows.items()
    )
    return f'<worksheet xmlns="{space}"><dimension ref="{dimension}"/><sheetData>{cells}</sheetData></worksheet>'


class TestEncoding:
    @pytest.mark.parametrize(
        ("codec", "shown"),
        [
            ("utf-8", "UTF-8"),
            ("utf-8-sig", "UTF-8"),
            ("utf-16", "UTF-16"),
            ("cp1251", "Windows-1251"),
        ],
    )
    def test_is_recognised(self, codec, shown):
        table, rows = read(RUSSIAN.encode(codec))

        assert (table.encoding, table.headers, rows) == (shown, ["Почта", "Имя"], [(2, ["ivan@example.com", "Иван"])])

    def test_big_endian_with_its_mark_is_recognised(self):
        table, rows = read(b"\xfe\xff" + RUSSIAN.encode("utf-16-be"))

        assert (table.encoding, rows) == ("UTF-16", [(2, ["ivan@example.com", "Иван"])])

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
    def test_beyond_the_limit_is_refused(self):
        with pytest.raises(BadFile, match="larger than 10 MB"):
            read_table(io.BytesIO(bytes(20 * 1024 * 1024)), "big.csv")

    def test_of_the_file_leaves_it_open_for_its_owner(self):
        file = io.BytesIO(RUSSIAN.encode())

        list(read_table(file, "clients.csv").rows)

        assert not file.closed


class TestWorkbook:
    def test_gives_text_as_a_person_would_type_it(self):
        row = [
            "a@example.com",
            12345.0,
            0.5,
            7,
            True,
            dt.date(2026, 11, 23),
            dt.datetime.fromisoformat("2026-11-23 14:30"),
        ]

        table, rows = read(packed(workbook(["email", *"bcdefg"], row, title="Клиенты")))

        texts = ["a@example.com", "12345", "0.5", "7", "True", "2026-11-23", "2026-11-23 14:30:00"]
        assert (table.kind, table.sheet, rows) == ("xlsx", "Клиенты", [(2, texts)])

    def test_is_recognised_by_its_content_whatever_its_name(self):
        _table, rows = read(packed(workbook(["email"], ["a@example.com"])), "clients.csv")

        assert rows == [(2, ["a@example.com"])]

    def test_may_be_a_csv_in_truth(self):
        table, _rows = read(RUSSIAN.encode("cp1251"), "clients.xlsx")

        assert (table.kind, table.encoding) == ("csv", "Windows-1251")

    def test_shows_its_first_visible_sheet(self):
        book = workbook(["email"], ["hidden@example.com"], state="hidden")
        shown = book.create_sheet("Shown")
        shown.append(["email"])
        shown.append(["shown@example.com"])

        table, rows = read(packed(book))

        assert (table.sheet, rows) == ("Shown", [(2, ["shown@example.com"])])

    def test_is_read_over_a_gap_of_a_million_rows_in_no_time(self):
        xml = sheet_xml({1: {"A": "email"}, 2: {"A": "a@example.com"}, 1_048_576: {"A": "b@example.com"}})
        started = time.monotonic()

        _table, rows = read(repacked(packed(workbook(["x"])), sheet1=xml))

        assert rows == [(2, ["a@example.com"]), (1_048_576, ["b@example.com"])]
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("dimension", ["A1:XFD1048576", "A1:A1"])
    def test_is_not_believed_its_dimension(self, dimension):
        xml = sheet_xml({1: {"A": "email", "B": "name"}, 2: {"A": "a@example.com", "B": "Ann"}}, dimension)

        _table, rows = read(repacked(packed(workbook(["x"])), sheet1=xml))

        assert rows == [(2, ["a@example.com", "Ann"])]

    def test_that_is_a_bomb_is_refused_before_it_is_unpacked(self):
        bomb = repacked(packed(workbook(["x"])), sheet1=b"<" + b" " * 60 * 1024 * 1024)

        assert len(bomb) < 1024 * 1024
        assert refusal(bomb).startswith("The workbook is too large when unpacked.")

    def test_that_is_a_bomb_of_empty_cells_is_refused_before_it_is_parsed(self):
        bomb = repacked(packed(workbook(["x"])), sheet1=b"<worksheet><row>" + b"<c/>" * 3_000_000)

        assert refusal(bomb).startswith("The workbook is too large when unpacked.")

    def test_with_entities_is_refused(self):
        xml = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + sheet_xml({1: {"A": "&b;"}, 2: {"A": "&b;"}})

        assert refusal(repacked(packed(workbook(["x"])), sheet1=xml)).startswith("The workbook is damaged.")

    @pytest.mark.parametrize("cut", [30, 1000, -30])
    def test_cut_short_is_refused(self, cut):
        assert refusal(packed(workbook(["email"], ["a@example.com"]))[:cut]).startswith("The workbook is damaged.")

    def test_with_a_broken_sheet_is_refused(self):
        assert refusal(repacked(packed(workbook(["x"])), sheet1=b"<worksheet><oops")).startswith(
            "The workbook is damaged"
        )

    def test_is_more_than_any_zip_file(self):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("clients.csv", RUSSIAN)

        assert refusal(out.getvalue()).startswith("This is not an Excel workbook.")

    def test_with_a_password_is_refused(self):
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024)

        assert "protected by a password" in refusal(ole + "EncryptedPackage".encode("utf-16-le"), "clients.xlsx")

    def test_of_the_old_kind_is_refused_with_the_remedy(self):
        ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1024)

        assert refusal(ole, "clients.xls") == (
            "This is an old Excel workbook (.xls). Save it as .xlsx or CSV and upload it again."
        )


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
