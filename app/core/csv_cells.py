"""Cells of CSV files that no spreadsheet takes for a formula."""

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")  # of cells that Excel or LibreOffice would evaluate


def safe_cell(text: str) -> str:
    """Put an apostrophe before what would be a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
