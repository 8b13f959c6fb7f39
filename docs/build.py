"""Builds the whole documentation, strictly and offline: ``python docs/build.py``.

It builds the site with the API reference, runs the examples of the docstrings, looks for undocumented public names, and
checks every link of the site, and what its search finds.
"""

import os
import subprocess
import sys
from pathlib import Path

from check_site import check_site
from reference_pages import DocumentationError, run_sphinx
from site_search import check_search, find_node, read_words

DOCS = Path(__file__).resolve().parent
SITE = DOCS.parent / "site"


def build_site() -> None:
    """Build the pages."""
    # Without this, the theme prints an announcement at each build.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-f", str(DOCS / "mkdocs.yml")]
    if subprocess.run(command, check=False, env=environment).returncode != 0:
        raise DocumentationError("MkDocs refused the site; its messages are above")


def main() -> int:
    """Run every step and stop at the first that fails."""
    try:
        print("pages and API reference", flush=True)
        build_site()
        print("examples of the docstrings", flush=True)
        run_sphinx("doctest")
        print("undocumented public names", flush=True)
        run_sphinx("coverage")
    except DocumentationError as error:
        print(error, file=sys.stderr)
        return 1
    faults = check_site(SITE)
    node = find_node()
    if node is None:
        print("the search was not checked: Node.js is missing")
    else:
        print("what a search finds first")
        faults += check_search(SITE, read_words(), node)
    for fault in faults:
        print(fault, file=sys.stderr)
    print(f"{sum(1 for _ in SITE.rglob('*.html'))} pages, {len(faults)} faults; open {SITE / 'index.html'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
