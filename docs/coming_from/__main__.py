"""Write the tables into the page: ``python -m docs.coming_from``."""

from docs.coming_from.page import PAGE, fill

if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE}")
