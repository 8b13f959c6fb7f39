"""Seen labels, and the prompts of the table, by a generator that reads what the test says."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from examples.anime_faces.data import FACE_ATTRIBUTES, parse_prompt
from examples.anime_faces.run import seen, table_prompts
from examples.anime_faces.run._seen import COLOR_PROMPTS, marks_of

HAIR, EYES = (attribute.classes for attribute in FACE_ATTRIBUTES)


def dataset_of(*prompts: str) -> Any:
    """A data set with a picture of each of these prompts; what one leaves open is not known of its picture."""
    ids = np.array([parse_prompt(prompt, FACE_ATTRIBUTES) for prompt in prompts])
    return SimpleNamespace(class_ids_of=lambda attributes: ids[:, : len(attributes)])


def generator_of(
    rows: Sequence[str] = (), *, unknown: Sequence[str] = (), examples: tuple[str, ...] | None = None
) -> Any:
    """A generator whose own grid has these rows, and that knows all words but some."""

    def check_text(text: str) -> None:
        parse_prompt(text, FACE_ATTRIBUTES)
        if any(word in text for word in unknown):
            raise ValueError(f"{text} is not known")

    def grid(description: object, count: int) -> SimpleNamespace:
        assert description == "the description"
        return SimpleNamespace(names=list(rows)[:count])

    return SimpleNamespace(
        attributes=FACE_ATTRIBUTES,
        reads_labels=True,
        example_texts=examples,
        check_text=check_text,
        conditioning=SimpleNamespace(grid=grid),
        settings=SimpleNamespace(description="the description"),
    )


def test_a_picture_must_have_all_classes_of_a_prompt_the_first_class_too() -> None:
    dataset = dataset_of(f"{HAIR[3]} hair {EYES[5]} eyes", f"{HAIR[4]} hair", f"{HAIR[2]} hair {EYES[0]} eyes")
    asked = {
        f"{HAIR[3]} hair": True,
        f"{EYES[5]} eyes": True,
        f"{HAIR[3]} hair {EYES[5]} eyes": True,
        f"{HAIR[3]} hair {EYES[0]} eyes": False,  # in two pictures
        f"{HAIR[4]} hair {EYES[5]} eyes": False,  # the eyes of that picture are not known
        f"{HAIR[0]} hair": False,
        f"{EYES[0]} eyes": True,
    }
    assert seen(list(asked), generator_of(), dataset) == list(asked.values())
    marks = ["in training" if is_seen else "not in training" for is_seen in asked.values()]
    assert marks_of(list(asked), generator_of(), dataset) == marks


def test_a_prompt_that_cannot_be_read_is_neither_seen_nor_unseen() -> None:
    with pytest.raises(ValueError, match="blue hair is not known"):
        seen(["red hair", "blue hair"], generator_of(unknown=["blue"]), dataset_of("blue hair red eyes"))


def test_beside_the_colors_of_the_report_stands_the_first_other_row_that_was_seen() -> None:
    rows = ["", COLOR_PROMPTS[2], "red hair", "pink hair", "gray hair"]
    dataset = dataset_of(COLOR_PROMPTS[2], "pink hair blue eyes", "gray hair blue eyes")
    assert table_prompts(generator_of(rows), dataset) == [*COLOR_PROMPTS, "pink hair"]
    assert table_prompts(generator_of(rows), dataset_of("blue hair")) == list(COLOR_PROMPTS)


def test_colors_that_a_run_does_not_know_are_left_out() -> None:
    found = table_prompts(generator_of(["pink hair"], unknown=["green"]), dataset_of("pink hair red eyes"))
    assert found == ["blue hair blue eyes", "blue hair red eyes", "pink hair"]


def test_a_run_that_knows_none_of_the_colors_shows_five_rows_of_its_own_grid() -> None:
    rows = ["", *(f"{color} hair" for color in ("red", "pink", "gray", "black", "white", "brown"))]
    dataset = dataset_of("red hair")
    assert table_prompts(generator_of(rows, unknown=["blue"]), dataset) == rows[1:5]  # of five, one has no prompt
    assert table_prompts(generator_of(rows[1:], unknown=["blue"]), dataset) == rows[1:6]


def test_rows_of_a_run_that_reads_texts_are_texts_of_its_training() -> None:
    texts = ("", "red hair", "pink hair", "gray hair", "black hair", "white hair", "brown hair")
    found = table_prompts(generator_of(["purple hair"], unknown=["blue"], examples=texts), cast("Any", None))
    assert found == list(texts[1:6])
