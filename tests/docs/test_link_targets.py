"""Where the text of a docstring leads."""

import pytest

from docs.api.link_targets import split_papers


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no paper", [("no paper", "")]),
        (
            "(arXiv:1704.00028), equation 3",
            [
                ("(", ""),
                ("arXiv:1704.00028", "https://arxiv.org/abs/1704.00028"),
                ("), equation 3", ""),
            ],
        ),
        (
            "doi:10.23915/distill.00003.",
            [
                ("doi:10.23915/distill.00003", "https://doi.org/10.23915/distill.00003"),
                (".", ""),
            ],
        ),
        ("arXiv:1704.000289", [("arXiv:1704.000289", "")]),
    ],
)
def test_identifiers_of_papers_are_cut_out_with_their_addresses(text: str, parts: list[tuple[str, str]]) -> None:
    assert list(split_papers(text)) == parts
