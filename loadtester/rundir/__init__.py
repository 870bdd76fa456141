"""Run directories: the only writer and reader of them."""

from loadtester.rundir.reader import Run, read
from loadtester.rundir.requests import request_lines, request_tables, request_text
from loadtester.rundir.writer import SCHEMA, Writer, new_directory, put, require_writable

__all__ = [
    "SCHEMA",
    "Run",
    "Writer",
    "new_directory",
    "put",
    "read",
    "request_lines",
    "request_tables",
    "request_text",
    "require_writable",
]
