"""report.html: the report as one page for people; one file a section."""

from loadtester.reporters.html.page import html_page

__all__ = ["html_page"]
