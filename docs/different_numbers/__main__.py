"""Compute the tables and write them into the page: ``python -m docs.different_numbers``."""

from docs.different_numbers.page import PAGE, fill, make_tables

if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), make_tables()), encoding="utf-8")
    print(f"wrote {PAGE}")
