"""What is kept beside a data set, and what becomes of files that cannot be used."""

from pathlib import Path

import pytest
import torch

from examples.anime_faces.metrics import _cache
from examples.anime_faces.metrics._cache import Cache, Tensors


class Maker:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Tensors:
        self.asked += 1
        return {"numbers": torch.arange(5), "floats": torch.full((2, 3), 0.5)}


def cache(folder: Path | None, fingerprint: str = "abc") -> Cache:
    return Cache(folder=folder, about={"fingerprint": fingerprint})


def test_what_was_made_is_read_again(tmp_path: Path):
    make = Maker()
    first = cache(tmp_path / "measured").get("vectors", {"seed": 0}, make)
    again = cache(tmp_path / "measured").get("vectors", {"seed": 0}, make)
    assert make.asked == 1
    torch.testing.assert_close(again, first)
    assert cache(tmp_path / "measured").has("vectors", {"seed": 0})
    assert not cache(tmp_path / "measured").has("vectors", {"seed": 1})
    assert [path.suffix for path in (tmp_path / "measured").iterdir()] == [".safetensors"]


def test_a_damaged_file_is_a_note_of_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    make = Maker()
    cache(tmp_path).get("vectors", {}, make)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes().replace(b'"F32"', b'"F\\n2"').replace(b'" ', b'"'))
    cache(tmp_path).get("vectors", {}, make)
    said = capsys.readouterr().out
    assert make.asked == 2
    assert said.startswith(f"note: {path} is not used (")
    assert said.count("\n") == 1


@pytest.mark.parametrize(("fingerprint", "key"), [("other", {"seed": 0}), ("abc", {"seed": 1}), ("abc", {})])
def test_another_key_is_made_anew(tmp_path: Path, fingerprint: str, key: dict[str, object]):
    make = Maker()
    cache(tmp_path).get("vectors", {"seed": 0}, make)
    cache(tmp_path, fingerprint).get("vectors", key, make)
    assert make.asked == 2


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\x00\x00\x00\x00\x00\x00\x00{}      "])
def test_a_damaged_file_is_made_anew_with_a_word(tmp_path: Path, content: bytes, capsys: pytest.CaptureFixture[str]):
    make = Maker()
    cache(tmp_path).get("vectors", {"seed": 0}, make)
    (file,) = tmp_path.iterdir()
    file.write_bytes(content)
    found = cache(tmp_path).get("vectors", {"seed": 0}, make)
    assert make.asked == 2
    assert found["numbers"].tolist() == [0, 1, 2, 3, 4]
    assert "is not used" in capsys.readouterr().out
    cache(tmp_path).get("vectors", {"seed": 0}, make)
    assert make.asked == 2


def test_a_file_of_another_key_under_this_name_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    make = Maker()
    cache(tmp_path).get("vectors", {"seed": 0}, make)
    cache(tmp_path).get("vectors", {"seed": 1}, make)
    first, second = sorted(tmp_path.iterdir())
    first.write_bytes(second.read_bytes())
    for seed in (0, 1):
        cache(tmp_path).get("vectors", {"seed": seed}, make)
    assert make.asked == 3
    assert "it was made for something else" in capsys.readouterr().out


def test_where_nothing_can_be_written_everything_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    place = tmp_path / "measured"
    place.write_text("a file where the folder should be", encoding="utf-8")
    make, kept = Maker(), cache(place)
    for seed in range(3):
        assert kept.get("vectors", {"seed": seed}, make)["numbers"].tolist() == [0, 1, 2, 3, 4]
    assert capsys.readouterr().out.count("cannot be written") == 1


def test_a_missing_folder_means_no_cache(tmp_path: Path):
    make = Maker()
    for _ in range(2):
        cache(None).get("vectors", {}, make)
    assert make.asked == 2
    assert not cache(None).has("vectors", {})
    assert list(tmp_path.iterdir()) == []


def test_only_the_newest_files_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(_cache, "MOST_FILES", 3)
    for seed in range(5):
        cache(tmp_path).get("vectors", {"seed": seed}, Maker())
    assert len(list(tmp_path.iterdir())) == 3
    assert cache(tmp_path).has("vectors", {"seed": 4})


def test_a_file_that_no_memory_holds_is_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    make = Maker()
    cache(tmp_path).get("vectors", {"seed": 0}, make)

    def refuse(*_: object) -> None:
        raise MemoryError("Cannot allocate memory")  # as safetensors does

    monkeypatch.setattr(_cache, "safe_open", refuse)
    cache(tmp_path).get("vectors", {"seed": 0}, make)
    assert make.asked == 2
    assert "is not used (Cannot allocate memory)" in capsys.readouterr().out
