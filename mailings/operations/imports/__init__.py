"""Client lists out of files: received, checked, loaded, undone. Each step may be another process's, hours later."""

from mailings.operations.imports.control import can_be_undone, queue, resume, start_undo, stop
from mailings.operations.imports.receive import choose, correct, receive, reread
from mailings.operations.imports.rejected import rejected_lines
from mailings.operations.imports.sweep import sweep
from mailings.operations.imports.undo import used_since
from mailings.operations.imports.work import is_small, left_over, nothing, work

__all__ = [
    "can_be_undone",
    "choose",
    "correct",
    "is_small",
    "left_over",
    "nothing",
    "queue",
    "receive",
    "rejected_lines",
    "reread",
    "resume",
    "start_undo",
    "stop",
    "sweep",
    "used_since",
    "work",
]
