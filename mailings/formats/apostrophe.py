"""The apostrophe that keeps a spreadsheet from running a cell as a formula: put before, and taken off again.

An apostrophe that was there before gets a second one, so that every text survives the way out and back in.
"""

import re

# Excel, LibreOffice and Google Sheets run a cell that starts with one of these, full-width ones and after spaces too.
RISKY = re.compile("'*\\s*[=+\\-@\t\r\n＝＋－＠]")
LITERAL = re.compile("'+\\s*[=+\\-@\t\r\n＝＋－＠]")  # what `uncover` would shorten


def cover(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run, or that would lose one when read back."""
    return f"'{text}" if RISKY.match(text) else text


def cover_literal(text: str) -> str:
    """Put an apostrophe only before a text that would lose one: for files where a cell can be typed as text."""
    return f"'{text}" if LITERAL.match(text) else text


def uncover(text: str) -> str:
    """Take off the one apostrophe that `cover` put there."""
    return text[1:] if text.startswith("'") and LITERAL.match(text) else text
