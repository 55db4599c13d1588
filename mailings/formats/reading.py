"""Opens an uploaded file by what is in it: a name that ends in .csv proves nothing."""

import os
from typing import IO

from django.conf import settings
from django.utils.translation import gettext as _

from mailings.formats.table import BadFile, Reading, Table, with_headers
from mailings.formats.text import read_text
from mailings.formats.workbook import read_workbook

ZIP = b"PK\x03\x04"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
# An encrypted .xlsx is an OLE file with a stream of this name ([MS-OFFCRYPTO] 2.3.4.4).
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
CHUNK = 1024 * 1024


def read_table(file: IO[bytes], name: str, reading: Reading | None = None) -> Table:
    """Read a CSV or XLSX file. The table's rows read on from `file`, which therefore has to stay open.

    :raises BadFile: it is none of both, too large, broken, or without rows.
    """
    reading = reading or Reading()
    check_size(file)
    file.seek(0)
    head = file.read(8)
    if head == OLE:
        raise BadFile(why_ole_is_refused(file))
    table = read_workbook(file) if head.startswith(ZIP) else read_text(file, name, reading)
    return with_headers(table, has_header=reading.has_header)


def check_size(file: IO[bytes]) -> None:
    limit = settings.UPLOAD_LIMIT_MB
    file.seek(0, os.SEEK_END)
    if file.tell() > limit * 1024 * 1024:
        raise BadFile(_("The file is larger than %(limit)s MB. Split it."), params={"limit": limit})


def why_ole_is_refused(file: IO[bytes]) -> str:
    if holds(file, ENCRYPTED):
        return _("The workbook is protected by a password. Save it without one and upload it again.")
    return _("This is an old Excel workbook (.xls). Save it as .xlsx or CSV and upload it again.")


def holds(file: IO[bytes], mark: bytes) -> bool:
    tail = b""
    while chunk := file.read(CHUNK):
        if mark in tail + chunk:
            return True
        tail = chunk[-len(mark) :]
    return False
