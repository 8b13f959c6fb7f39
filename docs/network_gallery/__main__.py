"""Makes the tables again and writes them into the page: ``python -m docs.network_gallery``."""

from docs.network_gallery.page import PAGE, fill, make_entries

if __name__ == "__main__":
    PAGE.write_text(fill(PAGE.read_text(encoding="utf-8"), make_entries()), encoding="utf-8")
    print(f"wrote {PAGE}")
