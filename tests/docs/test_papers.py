"""The papers that docstrings cite."""

import pytest

from docs.api.papers import cited_papers

GRADIENTS = """Do it.

Reference:
    Gulrajani et al. 2017, "Improved Training
    of Wasserstein GANs" (NIPS, arXiv:1704.00028), equation 3; Radford, Metz and Chintala 2016 (DCGAN, arXiv:1511.06434).
    The Keras version of Odena, Olah and Shlens 2017 ("Conditional Synthesis", arXiv:1610.09585) differs.
"""
NETWORK = """Be it.

Example:
    arXiv:0000.00000 is no reference here.

Reference:
    Radford, Metz and Chintala 2016, "Unsupervised Learning" (arXiv:1511.06434). Later work: Radford, Metz and Chintala 2016,
    "Unsupervised Representation Learning", arXiv:1511.06434 (figure 1). arXiv:1511.06434 again.
"""


def test_papers_are_collected_with_the_names_that_cite_them() -> None:
    papers = cited_papers([("a.one", GRADIENTS), ("a.two", NETWORK), ("a.three", "Nothing.")])
    assert [(paper.by, paper.year, paper.title, paper.address, paper.names) for paper in papers] == [
        (
            "Radford, Metz and Chintala",
            "2016",
            "Unsupervised Representation Learning",
            "arXiv:1511.06434",
            ["a.one", "a.two"],
        ),
        ("Gulrajani et al.", "2017", "Improved Training of Wasserstein GANs", "arXiv:1704.00028", ["a.one"]),
        ("Odena, Olah and Shlens", "2017", "Conditional Synthesis", "arXiv:1610.09585", ["a.one"]),
    ]


def test_a_paper_without_author_and_title_is_refused() -> None:
    with pytest.raises(ValueError, match=r"arXiv:1511\.06434 \(a\.one\)"):
        cited_papers([("a.one", GRADIENTS)])
