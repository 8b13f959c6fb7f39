"""Texts as conditions: which pictures have one, and what the networks are given."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

import gankit as gk
from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute, Dataset
from examples.anime_faces.recipes import find_options
from examples.anime_faces.systems import Description, EveryText, TextDescription

GAN_CLS, MATCHING = find_options("gan_cls"), find_options("matching_wgan")
TEXTS = ["blue hair cat", "", "touhou", "blue hair cat", "^_^", "Touhou", "zun"]


@dataclass
class Written:
    """Stands for a data set of which only texts matter."""

    own: list[str]
    kind: str = "tags"
    size: int = 32
    attributes: tuple[Attribute, ...] = FACE_ATTRIBUTES

    def __len__(self) -> int:
        return len(self.own)

    def texts(self, *, all_tags: bool = True) -> list[str]:
        return self.own if all_tags else ["cat" if text else "" for text in self.own]


def select(own: list[str], **options: str | bool):
    return EveryText(**options).select(Written(own))  # pyright: ignore[reportArgumentType]


def test_every_picture_with_a_word_is_taken_and_each_vector_made_once() -> None:
    selection = select(TEXTS)
    assert selection.rows.tolist() == [0, 2, 3, 5, 6]
    assert selection.mixed
    assert selection.conditions is not None
    assert selection.vectors is not None
    # "touhou" and "Touhou" have one vector, so they are one condition and never a wrong pair.
    assert selection.conditions.tolist() == [0, 1, 0, 1, 2]
    expected = gk.embedders.HashedNGrams()(["blue hair cat", "touhou", "zun"])
    torch.testing.assert_close(selection.vectors, expected)
    text = selection.description.text
    assert text is not None
    assert (text.encoder, text.features, text.pictures) == ("hashed n-grams", 2400, 5)
    assert set(text.examples) == {"blue hair cat", "touhou", "Touhou", "zun"}


def test_many_texts_are_encoded_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.anime_faces.systems._texts.ENCODED_AT_ONCE", 2)
    assert torch.equal(select(TEXTS).vectors, gk.embedders.HashedNGrams()(["blue hair cat", "touhou", "zun"]))  # pyright: ignore[reportArgumentType]


def test_rendered_faces_have_the_words_of_their_labels(faces: Dataset) -> None:
    conditioning = EveryText.from_options(GAN_CLS())
    selection = conditioning.select(faces)
    assert len(selection.rows) == len(faces)
    assert selection.vectors is not None
    ids = torch.from_numpy(faces.class_ids())
    encoded = conditioning.encode(ids, selection.description)
    assert torch.equal(encoded, selection.vectors[torch.from_numpy(selection.conditions)])  # pyright: ignore[reportArgumentType]
    assert selection.description.pictures == len(faces)
    assert Description.from_dict(selection.description.to_dict(), pictures=len(faces)) == selection.description


def test_options_say_what_a_text_is() -> None:
    with pytest.raises(ValueError, match="needs texts that differ, but all 5 pictures have the same, 'cat'"):
        EveryText.from_options(GAN_CLS()).select(Written(["a", "b", "c", "d", "e"]))  # pyright: ignore[reportArgumentType]
    everything = EveryText.from_options(MATCHING()).select(Written(["a", "b"]))  # pyright: ignore[reportArgumentType]
    assert everything.description.text == TextDescription(
        encoder="hashed n-grams", features=2400, pictures=2, examples=("a", "b")
    )


def test_prompts_are_cleaned_as_tags_were() -> None:
    description = select(TEXTS).description
    encoded = EveryText().encode_texts(["2:blue hair  cat", "zun", "zun"], description)
    assert torch.equal(encoded, gk.embedders.HashedNGrams()(["blue hair cat", "zun", "zun"]))
    other = Description(size=32, kind="classes", attributes=(), incomplete=())
    kept = EveryText().encode_texts(["class 2"], other)
    assert torch.equal(kept, gk.embedders.HashedNGrams()(["class 2"]))
    for prompt in ("", " 7 : ", "^_^"):
        with pytest.raises(
            ValueError, match=r"a prompt must have a word in it, got .*; write for example 'blue hair cat'"
        ):
            EveryText().encode_texts(["zun", prompt], description)


def test_data_without_texts_is_refused() -> None:
    with pytest.raises(ValueError, match="none of the 3 pictures has one; --recipe default trains without"):
        select(["", "--", ""])


def test_a_table_takes_the_place_of_the_hash(tmp_path: Path) -> None:
    vectors, path = torch.randn(3, 7), tmp_path / "vectors.npy"
    table = gk.embedders.VectorTable(["blue hair cat", "touhou", "zun"], vectors)
    table.save(path, path.with_suffix(".txt"))
    conditioning = EveryText(text_vectors=str(path))
    chosen = [text for text in TEXTS if text != "Touhou"]
    selection = conditioning.select(Written(chosen))  # pyright: ignore[reportArgumentType]
    torch.testing.assert_close(selection.vectors, vectors)
    text = selection.description.text
    assert text is not None
    assert text.features == 7
    assert text.encoder.startswith("the table vectors.npy (sha256 ")
    torch.testing.assert_close(conditioning.encode_texts(["zun"], selection.description), vectors[2:])
    with pytest.raises(
        ValueError, match="texts must be in the table of 3 texts, got 'Touhou'; similar texts are 'touhou'"
    ):
        conditioning.select(Written(TEXTS))  # pyright: ignore[reportArgumentType]
    gk.embedders.VectorTable(["blue hair cat", "touhou", "zun"], -vectors).save(path, path.with_suffix(".txt"))
    again = EveryText(text_vectors=str(path)).select(Written(chosen))  # pyright: ignore[reportArgumentType]
    assert again.description != selection.description  # a run cannot go on with another table
    gk.embedders.VectorTable(["touhou", "blue hair cat", "zun"], -vectors).save(path, path.with_suffix(".txt"))
    swapped = EveryText(text_vectors=str(path)).select(Written(chosen))  # pyright: ignore[reportArgumentType]
    assert swapped.description != again.description  # nor with the same vectors for other texts


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (torch.ones(3, 7), "all 3 pictures have texts with the same vector, as 'blue hair cat' has"),
        (torch.diag(torch.tensor([1.0, torch.nan, 1.0])), "must be finite, got NaN or infinity in that of 'touhou'"),
        (torch.diag(torch.tensor([1.0, 1.0, torch.inf])), "must be finite, got NaN or infinity in that of 'zun'"),
    ],
)
def test_a_table_that_tells_nothing_is_refused(tmp_path: Path, vectors: torch.Tensor, message: str) -> None:
    texts = ["blue hair cat", "touhou", "zun"]
    np.save(tmp_path / "vectors.npy", vectors.numpy())
    (tmp_path / "vectors.txt").write_text("\n".join(texts) + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        select(texts, text_vectors=str(tmp_path / "vectors.npy"))


def test_skip_thoughts_take_the_place_of_the_hash(tmp_path: Path) -> None:
    random, features, size = np.random.default_rng(0), 5, 7
    (tmp_path / "dictionary.txt").write_text("<eos>\nUNK\nblue\nhair\ntouhou\n")
    np.save(tmp_path / "utable.npy", random.normal(size=(5, features)))
    weights = {"W": (features, 2 * size), "U": (size, 2 * size), "b": (2 * size,)}
    weights |= {"Wx": (features, size), "Ux": (size, size), "bx": (size,)}
    np.savez(tmp_path / "uni_skip.npz", **{f"encoder_{key}": random.normal(size=s) for key, s in weights.items()})
    selection = select(TEXTS, skip_thoughts=str(tmp_path))
    assert selection.vectors is not None
    assert selection.conditions is not None
    # Unknown words are all one to it: "Touhou" and "zun" are one condition.
    assert selection.conditions.tolist() == [0, 1, 0, 2, 2]
    encoder = gk.embedders.SkipThoughts(tmp_path)
    torch.testing.assert_close(selection.vectors, encoder(["blue hair cat", "touhou", "zun"]))
    assert selection.description.text is not None
    assert selection.description.text.encoder == "skip-thoughts"


def test_only_one_encoder_can_be_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--text-vectors and --skip-thoughts must not both be given"):
        select(TEXTS, text_vectors="a.npy", skip_thoughts="b")
    with pytest.raises(ValueError, match=r"none\.npy"):
        select(TEXTS, text_vectors=str(tmp_path / "none.npy"))


def test_named_colors_are_one_place_a_class() -> None:
    own = ["blue hair", "red eyes", "Blue  hair", "red hair red eyes"]
    selection = select(own, named_colors=True)
    assert selection.conditions is not None
    assert selection.conditions.tolist() == [0, 1, 0, 2]
    assert selection.vectors is not None
    assert selection.vectors.shape == (3, 23)
    assert selection.vectors.sum(1).tolist() == [1, 1, 2]
    assert selection.description.text is not None
    assert selection.description.text.encoder == "the words for the labels"
    again = EveryText(named_colors=True).encode_texts(["red eyes"], selection.description)
    torch.testing.assert_close(again, selection.vectors[1:2])
    with pytest.raises(ValueError, match=r"'touhou' is not known.* With --named-colors, --no-all-tags leaves"):
        select([*own, "touhou"], named_colors=True)


def test_named_colors_take_pictures_with_several_of_them() -> None:
    selection = select(["blue hair red hair red eyes", "blue hair red eyes", "red hair red eyes"], named_colors=True)
    assert selection.vectors is not None
    assert selection.vectors.sum(1).tolist() == [3, 2, 2]
    torch.testing.assert_close(selection.vectors[0], selection.vectors[1:].amax(0))


def test_two_encoders_are_refused() -> None:
    with pytest.raises(ValueError, match="--skip-thoughts and --named-colors must not both be given"):
        select(TEXTS, skip_thoughts="folder", named_colors=True)
