"""The page: writes the tables between their markers."""

import re
from pathlib import Path

from docs.coming_from import others, raw_torch, torchgan_and_mimicry
from docs.coming_from.rows import Table

PAGE = Path(__file__).resolve().parents[1] / "guides" / "coming_from.md"
MARKED = re.compile(r"(<!-- table (\w+) -->\n).*?(<!-- end -->)", flags=re.DOTALL)
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        raw_torch.SCORES,
        raw_torch.PENALTIES,
        torchgan_and_mimicry.TORCHGAN,
        torchgan_and_mimicry.MIMICRY,
        others.STUDIOGAN,
        others.TF_GAN,
        others.VEGANS,
        others.PARTICLEGAN,
    )
}


def fill(text: str) -> str:
    """Return the page with each table between its markers.

    Raises:
        ValueError: A table has no markers, markers have no table, or a name occurs twice.
    """
    places = [name for _, name, _ in MARKED.findall(text)]
    if sorted(places) != sorted(TABLES):
        raise ValueError(f"the page must have one pair of markers per table, got {places} for {list(TABLES)}")
    return MARKED.sub(lambda match: f"{match[1]}\n{TABLES[match[2]].markdown()}\n\n{match[3]}", text)
