"""Tables in files: CSV and XLSX in, whatever program wrote them, and out again so that Excel opens them harmlessly."""

from mailings.formats.export import EXPORT_FORMATS, CsvFormat, XlsxFormat
from mailings.formats.reading import read_table
from mailings.formats.table import BadFile, Reading, Record, Table
from mailings.formats.text import DELIMITERS, ENCODINGS

__all__ = [
    "DELIMITERS",
    "ENCODINGS",
    "EXPORT_FORMATS",
    "BadFile",
    "CsvFormat",
    "Reading",
    "Record",
    "Table",
    "XlsxFormat",
    "read_table",
]
