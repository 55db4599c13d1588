"""The files of `reference/security.md` §4, numbered as there, with the outcome that each must have on every way in."""
# ruff: noqa: E501  a table reads best with a file on a line

import datetime as dt
import random
from dataclasses import dataclass, field

from mailings.models import Suppression
from mailings.tests.factories import make_client, make_user
from mailings.tests.workbooks import forged, packed, repacked, sheet_xml, workbook, zip_of

RUSSIAN = "Почта;Имя\nivan@example.com;Иван\n"
IVAN = {"ivan@example.com": "Иван"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
XLSX = packed(workbook(["email", "name"], ["ivan@example.com", "Иван"]))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096)


def nothing(_owner):
    pass


@dataclass
class Case:
    """`refused` is part of the sentence for a file of which nothing is taken; else `clients` are the names by address
    that are there afterwards, `totals` the sums that are not nought, and `says` part of what is said of a row. What the
    command refuses, the pages may ask about instead, with the sentence `asked`, and take it then.
    """

    number: int
    what: str
    data: bytes
    refused: str = ""
    clients: dict[str, str] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=dict)
    says: str = ""
    line: int = 0
    file_name: str = "clients.csv"
    before: object = nothing
    settings: dict = field(default_factory=dict)
    asked: str = ""

    def __str__(self):
        return f"{self.number}-{self.what}"


def taken(number, what, data, clients=None, **more):
    """A file that is taken in without a fault."""
    clients = clients or IVAN
    data = data if isinstance(data, bytes) else data.encode()
    return Case(number, what, data, clients=clients, totals={"new": len(clients), "rows": len(clients)}, **more)


def wrong(number, what, data, says, line=3, **more):
    """A file whose first row is good and whose second is wrong."""
    data = data if isinstance(data, bytes) else data.encode()
    return Case(
        number, what, data, clients={"ivan@example.com": ""}, totals={"new": 1, "wrong": 1, "rows": 2}, says=says, line=line, **more
    )  # fmt: skip


def refused(number, what, data, sentence, file_name="clients.csv", **more):
    data = data if isinstance(data, bytes) else data.encode()
    return Case(number, what, data, refused=sentence, file_name=file_name, **more)


def one_more(address):
    return f'email,name\nivan@example.com,\n"{address}",\n'


def with_name(text):
    return f'email,name\nivan@example.com,\nolga@example.com,"{text}"\n'


def noise(length):
    """Letters that cannot be packed, so that the file is as large as it looks."""
    source = random.Random(7)  # noqa: S311  no secret
    return "".join(source.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def there_already(owner):
    make_client(owner, "ivan@example.com", full_name="Ваня")


def at_anothers(_owner):
    make_client(make_user(), "ivan@example.com", full_name="zqneedle")


def unsubscribed(owner):
    Suppression.objects.create(owner=owner, address="ivan@example.com", reason=Suppression.Reason.UNSUBSCRIBED)


TEXTS = [
    taken(1, "UTF-8", RUSSIAN),
    taken(2, "UTF-8 with its mark", RUSSIAN.encode("utf-8-sig")),
    taken(3, "UTF-16 little-endian", RUSSIAN.encode("utf-16")),
    taken(3, "UTF-16 big-endian", b"\xfe\xff" + RUSSIAN.encode("utf-16-be")),
    taken(5, "Windows-1251", RUSSIAN.encode("cp1251")),
    taken(8, "semicolons", RUSSIAN),
    taken(9, "tabs", RUSSIAN.replace(";", "\t")),
    refused(11, "pipes", RUSSIAN.replace(";", "|"), "separated by a comma, a semicolon or a tab"),
    taken(12, "CRLF", RUSSIAN.replace("\n", "\r\n")),
    taken(13, "CR only", RUSSIAN.replace("\n", "\r")),
    taken(14, "mixed line ends", "Почта;Имя\r\nivan@example.com;Иван\rolga@example.com;Ольга\n", {**IVAN, "olga@example.com": "Ольга"}),
    refused(15, "an unclosed quote", 'email,name\nivan@example.com,"Иван\nolga@example.com,Ольга\n', "Broken quote, line 2."),
    taken(17, "a line break in a comment", 'email,name,comment\nivan@example.com,Иван,"one\ntwo"\n'),
    wrong(18, "a line break in an address", one_more("olga@exam\nple.com"), "a space, a line break or a control character"),
    wrong(19, "a line break in a name", with_name("Ol\nga"), "a line break or a control character"),
    wrong(19, "a vertical tab in a name", with_name("Ol\x0bga"), "a line break or a control character"),
    wrong(19, "a form feed in a name", with_name("Ol\x0cga"), "a line break or a control character"),
    refused(20, "an empty file", b"", "The file is empty."),
    refused(21, "only a mark", b"\xef\xbb\xbf", "The file is empty."),
    refused(22, "only column names", b"email,name\n", "There are no rows below the column names."),
    refused(
        23, "no column names", b"a@x.test,Ann\nb@x.test,Bob\n", "The first line must hold the column names",
        asked="The first line should hold the column names.", clients={"a@x.test": "", "b@x.test": ""},
        totals={"new": 2, "rows": 2},
    ),
    refused(24, "no column of addresses", "Имя;Телефон\nИван;+7 900\n", "There is no e-mail column."),
    taken(25, "column names in capitals and with spaces", " EMAIL , NAME \nivan@example.com,Иван\n"),
    taken(26, "Russian column names", "Электронная почта;ФИО\nivan@example.com;Иван\n"),
    refused(27, "a repeated column", b"email,Name,name\na@x.test,A,B\n", "The column “name” is repeated."),
    taken(29, "columns named id and owner", "id;owner;email;name\n1;1;ivan@example.com;Иван\n"),
    wrong(30, "a cell too many", "email,name\nivan@example.com,\nolga@example.com,O,extra\n", "more cells than there are columns"),
    taken(31, "a short row", b"email,name,comment\nivan@example.com\n", {"ivan@example.com": ""}),
    wrong(32, "blank lines", b"email\n\nivan@example.com\n\nnonsense\n", "exactly one @", line=5),
    wrong(33, "a line of spaces", b"email\nivan@example.com\n   \nnonsense\n", "exactly one @", line=4),
    wrong(34, "a line of commas", b"email,a,b\nivan@example.com,,\n,,,,\nnonsense,,\n", "exactly one @", line=4),
    taken(35, "spaces around an address", "email,name\n  ivan@example.com\t ,Иван\n"),
    wrong(37, "an address that is none", one_more("nonsense"), "exactly one @"),
    wrong(38, "a domain without a dot", one_more("a@x"), "not a valid domain name"),
    wrong(38, "two dots in a row", one_more("a..b@x.test"), "The part before the @ is not valid."),
    wrong(38, "an underscore in a domain", one_more("a@x_y.test"), "not a valid domain name"),
    wrong(41, "two addresses in a cell", one_more("a@x.test, b@x.test"), "One address only"),
    Case(
        43, "an address twice", b"email,name\nivan@example.com,A\nivan@example.com,B\n", clients={"ivan@example.com": "A"},
        totals={"new": 1, "repeated": 1, "rows": 2}, says="The same address stands in line 2, which counts.", line=3,
    ),
    Case(
        44, "an address twice but for its case", b"email,name\nivan@example.com,A\nIVAN@Example.com,B\n",
        clients={"ivan@example.com": "A"}, totals={"new": 1, "repeated": 1, "rows": 2}, says="The same address", line=3,
    ),
    taken(45, "a plus in an address", b"email\nuser@x.test\nuser+tag@x.test\n", {"user@x.test": "", "user+tag@x.test": ""}),
    wrong(48, "Russian letters before the @", one_more("иван@x.test"), "Letters outside the Latin alphabet before the @"),
    Case(50, "a client there is", RUSSIAN.encode(), clients=IVAN, totals={"changed": 1, "rows": 1}, before=there_already),
    taken(51, "another owner's client", RUSSIAN, before=at_anothers),
    Case(
        52, "an unsubscribed address", RUSSIAN.encode(), clients=IVAN, totals={"new": 1, "suppressed": 1, "rows": 1},
        before=unsubscribed,
    ),
    wrong(53, "a NUL", with_name("Ol\x00ga"), "contains a control character"),
    wrong(56, "a long name", with_name("x" * 101), "at most 100 characters (it has 101)"),
    taken(58, "a formula", 'email,name\nivan@example.com,"=cmd|\' /C calc\'!A0"\n', {"ivan@example.com": "=cmd|' /C calc'!A0"}),
    taken(59, "a script", "email,name\nivan@example.com,<script>alert(1)</script>\n", {"ivan@example.com": "<script>alert(1)</script>"}),
    refused(61, "a picture", PNG, "“photo.csv” is not a text file.", "photo.csv"),
    refused(61, "a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "“paper.csv” is not a text file.", "paper.csv"),
    taken(62, "a workbook called CSV", XLSX),
    taken(63, "a CSV called XLSX", RUSSIAN.encode("cp1251"), file_name="clients.xlsx"),
]  # fmt: skip

DAMAGED, TOO_LARGE = "The workbook is damaged.", "The workbook is too large when unpacked."
LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {name} "{f"&{before};" * 10}">' for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
ROW = ["ivan@example.com", 12345.0, 0.1, True, dt.date(2026, 11, 23), dt.datetime.fromisoformat("2026-11-23 14:30")]

WORKBOOKS = [
    refused(66, "a workbook cut short", XLSX[:-200], DAMAGED, "clients.xlsx"),
    refused(67, "any zip file", zip_of(**{"clients.csv": RUSSIAN}), "This is not an Excel workbook.", "clients.xlsx"),
    refused(68, "an empty sheet", packed(workbook()), "The file is empty.", "clients.xlsx"),
    taken(
        70, "cells of every kind", packed(workbook(["email", "name", *"bcde"], ROW)), {"ivan@example.com": "12345"},
        file_name="clients.xlsx",
    ),
    taken(
        74, "a gap of a million rows", forged(sheet_xml({1: {"A": "email", "B": "name"}, 1_048_576: {"A": "ivan@example.com", "B": "Иван"}})),
        file_name="clients.xlsx",
    ),
    taken(
        75, "a false dimension", forged(sheet_xml({1: {"A": "email", "B": "name"}, 2: {"A": "ivan@example.com", "B": "Иван"}}, "A1:XFD1048576")),
        file_name="clients.xlsx",
    ),
    refused(76, "a zip bomb", forged(b"<" + b" " * 60 * 1024 * 1024), TOO_LARGE, "clients.xlsx"),
    refused(76, "a bomb of empty cells", forged(b"<worksheet><row>" + b"<c/>" * 3_000_000), TOO_LARGE, "clients.xlsx"),
    refused(
        76, "a bomb of empty rows that hardly packs",
        forged("<worksheet><sheetData>" + "".join(f'<row x="{noise(12)}"/>' for _ in range(520_000))), TOO_LARGE, "clients.xlsx",
    ),
    refused(76, "one endless tag", forged(f'<worksheet><sheetData><row x="{noise(3_000_000)}'), TOO_LARGE, "clients.xlsx"),
    refused(
        76, "a bomb of styles", repacked(XLSX, styles="<styleSheet>" + "".join(f'<xf a="{noise(20)}"/>' for _ in range(210_000))),
        TOO_LARGE, "clients.xlsx",
    ),
    refused(77, "entities", forged(f"{LAUGHS}]>" + sheet_xml({1: {"A": "email"}, 2: {"A": "&i;"}})), DAMAGED, "clients.xlsx"),
    refused(77, "entities in the styles", repacked(XLSX, styles=f"{LAUGHS}]><styleSheet>&i;</styleSheet>"), DAMAGED, "clients.xlsx"),
    refused(0, "a password", OLE + "EncryptedPackage".encode("utf-16-le"), "protected by a password", "clients.xlsx"),
    refused(0, "an old workbook", OLE, "an old Excel workbook (.xls)", "clients.xls"),
]  # fmt: skip

LIMITS = [
    refused(78, "too many rows", b"email\n" + b"a@x.test\n" * 4, "The file has more than 3 rows. Split it.", settings={"IMPORT_ROWS_LIMIT": 3}),
    refused(80, "a file that is too large", b"e" * 2 * 1024 * 1024, "The file is larger than 1 MB. Split it.", settings={"UPLOAD_LIMIT_MB": 1}),
    refused(0, "too many columns", ",".join(f"c{n}" for n in range(6)) + "\n1\n", "at most 5 are read", settings={"IMPORT_COLUMNS_LIMIT": 5}),
    wrong(0, "a long cell", with_name("x" * 60), "A cell holds at most 50 characters.", settings={"IMPORT_CELL_LIMIT": 50}),
    refused(0, "a line without an end", b"email\n" + b"x" * 1_100_000, "Line 2 is longer than 1000000 characters."),
    refused(0, "an unpacked size", XLSX, TOO_LARGE, "clients.xlsx", settings={"IMPORT_UNPACKED_LIMIT_MB": 0}),
]  # fmt: skip

ALL = [*TEXTS, *WORKBOOKS, *LIMITS]
