"""Parts that each rank has for itself, such as pools of earlier pictures, in one checkpoint of all ranks."""

from typing import Any

import pytest
from support.ranks import as_ranks

from examples.anime_faces.run import ALONE, Together
from examples.anime_faces.run._rank_parts import parts_of_all, parts_of_rank
from examples.anime_faces.systems import Share

CHEAT = {"probability": 0.5}
POOLS = [{"rank": rank, "ranks": 2, "pictures": 10 + rank} for rank in range(2)]


def test_alone_parts_are_kept_as_they_are() -> None:
    parts = {"replay": {"rank": 0, "ranks": 1}, "cheat": CHEAT}
    assert parts_of_all(parts, ALONE) == parts
    assert parts_of_rank(parts, ALONE) == parts


def test_parts_of_each_rank_are_kept_together_and_given_back() -> None:
    def kept(rank: int) -> tuple[dict[str, Any], dict[str, Any]]:
        together = Together(Share(rank=rank, ranks=2))
        saved = parts_of_all({"replay": POOLS[rank], "cheat": CHEAT}, together)
        return saved, parts_of_rank(saved, together)

    saved = {"replay": {"of ranks": POOLS}, "cheat": CHEAT}
    assert as_ranks(2, kept) == [(saved, {"replay": POOLS[rank], "cheat": CHEAT}) for rank in range(2)]


@pytest.mark.parametrize(
    ("saved", "ranks", "words"),
    [({"of ranks": POOLS}, 1, "2 ranks"), ({"of ranks": POOLS}, 3, "2 ranks"), ({"rank": 0, "ranks": 1}, 3, "1 rank")],
)
def test_parts_cannot_be_divided_anew(saved: dict[str, Any], ranks: int, words: str) -> None:
    with pytest.raises(ValueError, match="the run must continue with") as caught:
        parts_of_rank({"cheat": CHEAT, "replay": saved}, Together(Share(ranks=ranks)))
    assert str(caught.value) == (
        f"the run must continue with {words}, since each has its own replay, which cannot be divided again, but there are "
        f"{ranks} now"
    )
