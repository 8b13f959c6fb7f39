"""The two-slot parser of colors, as a text encoder."""

import pytest
import torch

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute
from examples.anime_faces.systems._text_encoders import PromptEncoder
from gankit.embedders import OneHotEmbedder, TextEncoder, VectorTable

HAIR, EYES = FACE_ATTRIBUTES


def test_every_pair_of_colors_is_its_one_hot_vector() -> None:
    encoder: TextEncoder = PromptEncoder(FACE_ATTRIBUTES)
    assert encoder.out_features == 23
    labels = torch.cartesian_prod(torch.arange(12), torch.arange(11))
    texts = [f"{HAIR.classes[hair]} hair {EYES.classes[eyes]} eyes" for hair, eyes in labels.tolist()]
    vectors = encoder(texts)
    assert torch.equal(vectors, OneHotEmbedder((12, 11))(labels))
    swapped = [f"{EYES.classes[eyes]} eyes {HAIR.classes[hair]} hair" for hair, eyes in labels.tolist()]
    assert torch.equal(encoder(swapped), vectors)
    assert torch.equal(VectorTable(texts, vectors)(texts[7:9]), vectors[7:9])


def test_a_half_that_is_left_open_is_zero() -> None:
    red, blue = PromptEncoder(FACE_ATTRIBUTES)(["red hair", "blue eyes"])
    assert red.nonzero().flatten().tolist() == [HAIR.classes.index("red")]
    assert blue.nonzero().flatten().tolist() == [12 + EYES.classes.index("blue")]


def test_several_colors_have_a_place_each() -> None:
    (vector,) = PromptEncoder(FACE_ATTRIBUTES)(["blue hair red hair gray eyes blue hair"])
    places = sorted([HAIR.classes.index("blue"), HAIR.classes.index("red"), 12 + EYES.classes.index("gray")])
    assert vector.nonzero().flatten().tolist() == places
    assert vector.max() == 1


def test_mistakes_are_named() -> None:
    encoder = PromptEncoder(FACE_ATTRIBUTES)
    cases = {
        "attributes must not be empty": lambda: PromptEncoder(()),
        "the text 'yellow hair' cannot be read: 'yellow hair' is not known": lambda: encoder(
            ["red hair", "yellow hair"]
        ),
        "the text '' cannot be read: the prompt is empty": lambda: encoder([""]),
        "texts must be a list of texts, one at least, got 'red hair'": lambda: encoder("red hair"),
        r"texts must be a list of texts, one at least, got \[\]": lambda: encoder([]),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def test_takes_the_attributes_of_any_data_set() -> None:
    encoder = PromptEncoder((Attribute("class", ("cat", "sea lion")),))
    assert encoder(["sea lion", "cat"]).tolist() == [[0, 1], [1, 0]]
    assert repr(encoder).startswith("PromptEncoder(attributes=")
