"""Where the text of a docstring leads: papers by their identifiers. Plain functions, without Sphinx."""

import re
from collections.abc import Iterator

_PAPER = re.compile(r"\barXiv:(?P<arxiv>\d{4}\.\d{4,5})\b|\bdoi:(?P<doi>10\.\d{4,9}/[\w./-]*\w)")


def split_papers(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text at the identifiers of papers: yield each part with its address, which is empty for plain text.

    ``arXiv:1704.00028`` leads to arxiv.org and ``doi:10.23915/distill.00003`` to doi.org.
    """
    end = 0
    for match in _PAPER.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], ""
        address = f"https://arxiv.org/abs/{match['arxiv']}" if match["arxiv"] else f"https://doi.org/{match['doi']}"
        yield match[0], address
        end = match.end()
    if end < len(text):
        yield text[end:], ""
