"""Workbooks for tests, as Excel writes them and as a forger would."""

import io
import zipfile

import openpyxl


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
    """Write a workbook again with some of its files replaced or added, by the end of their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            key = name.rsplit("/", 1)[-1].split(".")[0]
            target.writestr(name, replaced.get(key, source.read(name)))
    return out.getvalue()


def forged(xml):
    """Put this in the place of a workbook's only sheet."""
    return repacked(packed(workbook(["x"])), sheet1=xml)


def sheet_xml(rows, dimension="A1:B2"):
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    cells = "".join(
        f'<row r="{line}">'
        + "".join(f'<c r="{col}{line}" t="inlineStr"><is><t>{text}</t></is></c>' for col, text in cells.items())
        + "</row>"
        for line, cells in rows.items()
    )
    return f'<worksheet xmlns="{space}"><dimension ref="{dimension}"/><sheetData>{cells}</sheetData></worksheet>'


def zip_of(**members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def member(data, name):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def with_strings(data, xml):
    """Add a part with shared texts, which openpyxl does not write but Excel does."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}" /></Types>'.encode()
    manifest = member(data, "[Content_Types].xml").replace(b"</Types>", part)
    out = io.BytesIO(repacked(data, **{"[Content_Types]": manifest}))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", xml)
    return out.getvalue()
