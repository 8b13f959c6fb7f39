"""Whatever lies in the folder of a data set, there is a data set or one error that names folder and file."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.anime_faces.data import Attribute, Dataset, open_verified
from examples.anime_faces.data._digests import array_digest, dataset_fingerprint, sealed
from examples.anime_faces.data._layout import damaged, read_info
from examples.anime_faces.data._writer import DatasetWriter

ATTRIBUTES = (Attribute("coat", ("long", "short")), Attribute("mood", ("calm", "wild", "odd")))
DAMAGED = "is damaged, prepare it again with --overwrite: "


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of 7 pictures with labels, texts and a factor."""
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    with DatasetWriter(folder, size=5, attributes=ATTRIBUTES) as writer:
        labels = np.eye(5, dtype=np.uint8)[rng.integers(0, 5, 7)]
        images = rng.integers(0, 256, (7, 5, 5, 3), dtype=np.uint8)
        writer.add(images, labels, {"yaw": rng.random(7)}, texts=[f"text {row}" for row in range(7)])
        skipped = [{"file": "a.png", "reason": "a folder"}]
        writer.finish(kind="rendered", settings={"seed": 1}, skipped=skipped, details={"gray": False})
    return folder


def change(folder: Path, **entries: Any) -> None:
    """Change dataset.json as another program would, that knows how it is sealed."""
    path = folder / "dataset.json"
    path.write_text(json.dumps(sealed(json.loads(path.read_text(encoding="utf-8")) | entries)), encoding="utf-8")


def header(shape: tuple[int, ...], kind: str = "|u1") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (64 - (len(text) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def an_archive(path: Path) -> bytes:
    np.savez(path, a=np.zeros((7, 5), np.uint8))
    return path.with_suffix(".npz").read_bytes()


ODD = {
    "empty": b"",
    "zeros": bytes(4096),
    "text": b"hello\n",
    "terabytes": header((10**12, 5)) + bytes(64),
    "a negative shape": header((-7, 5)) + bytes(64),
    "a shape beyond 64 bits": header((10**30, 10**30)) + bytes(64),
    "objects": header((7, 5), "|O") + bytes(64),
    "no numbers": header((7, 5), "|V0") + bytes(64),
    "a header of ten million brackets": b"\x93NUMPY\x01\x00" + (60_000).to_bytes(2, "little") + b"(" * 60_000,
    "a header that is a program": b"\x93NUMPY\x01\x00"
    + (40).to_bytes(2, "little")
    + b"__import__('os').system('touch sentinel')",
    "another version": b"\x93NUMPY\x09\x00" + bytes(100),
}


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "factors/yaw.npy"])
@pytest.mark.parametrize("odd", ODD)
def test_whatever_is_called_an_array_is_one_or_is_refused_at_once(folder: Path, name: str, odd: str) -> None:
    (folder / name).write_bytes(ODD[odd])
    begun = time.monotonic()
    with pytest.raises(ValueError, match=rf"{folder} {DAMAGED}{Path(name).name} is cut off, or is not an array"):
        Dataset.open(folder)
    assert time.monotonic() - begun < 20
    assert not Path("sentinel").exists()


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "factors/yaw.npy"])
def test_an_archive_that_is_called_an_array_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).write_bytes(an_archive(tmp_path / "a"))
    with pytest.raises(ValueError, match=rf"{DAMAGED}{Path(name).name} is cut off, or is not an array"):
        Dataset.open(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
def test_a_header_of_gigabytes_takes_no_memory(folder: Path) -> None:
    (folder / "labels.npy").write_bytes(header((7, 2 * 2**30)) + bytes(64))
    program = (
        "import resource, sys; from pathlib import Path; from examples.anime_faces.data import Dataset\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 * 2**30, 3 * 2**30))\n"
        "try: Dataset.open(Path(sys.argv[1]))\n"
        "except ValueError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(folder)], check=True, capture_output=True, text=True)
    assert "labels.npy is cut off, or is not an array: it should have" in done.stdout


NAMES = ["dataset.json", "images.npy", "labels.npy", "skipped.jsonl", "texts.txt", "factors/yaw.npy"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["folder", "dangling link", "pipe", "loop"])
def test_what_is_no_file_is_named(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.unlink()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        if not hasattr(os, "mkfifo"):
            pytest.skip("needs named pipes")
        os.mkfifo(path)
    else:
        path.symlink_to(folder / "nowhere" if kind == "dangling link" else path)
    with pytest.raises(ValueError, match=rf"no data set in {folder}|{folder} {DAMAGED}.*{path.name}"):
        Dataset.open(folder)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"attributes": {}}, "dataset.json: attributes must be a list, but it is an object"),
        ({"attributes": [{"name": "coat"}]}, r"dataset.json: attributes\[0\].classes is missing"),
        ({"size": "5"}, "dataset.json: size must be a whole number, but it is a text"),
        ({"size": 5.0}, "dataset.json: size must be a whole number, but it is a number"),
        ({"factors": ["../labels"]}, r"dataset.json names the factor '../labels', which is no name of a file"),
        ({"factors": ["yaw\0"]}, "dataset.json names the factor"),
        ({"counts": []}, "dataset.json: counts must be an object, but it is a list"),
        ({"sha256": None}, "dataset.json: sha256 must be an object, but it is null"),
        ({"gray": "yes"}, "dataset.json: gray must be true or false, but it is a text"),
        ({"shards": [{"pictures": 7}]}, r"dataset.json: shards\[0\].sha256 is missing"),
        ({"shards": [{"pictures": 10**15, "sha256": ""}]}, "it does not fit into the memory of this computer"),
        ({"counts": {"found": 9, "used": 7, "skipped": 2}}, "skipped.jsonl must have 2 lines, got 1"),
    ],
)
def test_entries_of_another_form_are_named(folder: Path, entries: dict[str, Any], message: str) -> None:
    change(folder, **entries)
    with pytest.raises(ValueError, match=rf"{DAMAGED}({message})"):
        Dataset.open(folder)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("dataset.json", b"[]", "dataset.json: it must be an object, but it is a list"),
        ("dataset.json", b"{" * 100_000, "dataset.json: line 1, column 2: Expecting property name"),
        ("dataset.json", b'{"a":' * 100_000, "dataset.json: it is nested too deeply"),
        ("dataset.json", b'{"schema": 1, "schema": 1}', "dataset.json: 'schema' is there twice"),
        ("dataset.json", b'{"schema": 1e999}', "dataset.json: the number 1e999 is too large"),
        ("dataset.json", b'{"schema": "\xff"}', "dataset.json: byte 13 is not UTF-8"),
        ("skipped.jsonl", b"[]\n", "skipped.jsonl, line 1: it must be an object, but it is a list"),
        ("skipped.jsonl", b'{"file": "a"}\n', "skipped.jsonl, line 1: reason is missing"),
        ("texts.txt", b"text \xff\n" * 7, "texts.txt, line 1: byte 6 is not UTF-8"),
        ("texts.txt", b"text\n" * 6, "texts.txt must have 7 lines, got 6"),
        ("texts.txt", b"text\n" * 8, "texts.txt has more lines than there are pictures, 7"),
        ("texts.txt", b"text\n" * 6 + b"te", "texts.txt is cut off"),
        ("texts.txt", b"text\n" * 3 + b"x" * 2_000_000 + b"\n", "texts.txt, line 4"),
    ],
)
def test_files_of_another_form_are_named(folder: Path, name: str, content: bytes, message: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{DAMAGED}{message}"):
        Dataset.open(folder)


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (FileNotFoundError(2, "No such file", "/data/labels.npy"), "labels.npy is missing"),
        (FileNotFoundError("no file"), "texts.txt: no file"),
        (PermissionError(13, "Permission denied", "/data/labels.npy"), "labels.npy: Permission denied"),
        (OSError("the disk is gone"), "texts.txt: the disk is gone"),
        (OSError(5, "Input/output error", "/data/a\nb"), r"'a\nb': Input/output error"),
        (MemoryError(), "it does not fit into the memory of this computer"),
        (ValueError("texts.txt is cut off"), "texts.txt is cut off"),
        (ValueError("it is cut off"), "texts.txt: it is cut off"),
    ],
)
def test_what_is_wrong_is_said_with_the_name_of_the_file(error: Exception, wrong: str) -> None:
    assert damaged(Path("/data"), error, "texts.txt") == f"the data set in {Path('/data')} {DAMAGED}{wrong}"


def test_texts_are_those_that_were_written(folder: Path) -> None:
    assert Dataset.open(folder).own_texts == tuple(f"text {row}" for row in range(7))


def reverse(path: Path) -> None:
    np.save(path, np.load(path, allow_pickle=False)[::-1])


def zero(path: Path) -> None:
    np.save(path, np.zeros_like(np.load(path, allow_pickle=False)))


@pytest.mark.parametrize("damage", [reverse, zero])
@pytest.mark.parametrize("name", ["labels.npy", "factors/yaw.npy"])
def test_whoever_opens_a_data_set_has_the_labels_that_were_written(
    folder: Path, damage: Callable[[Path], None], name: str
) -> None:
    damage(folder / name)
    with pytest.raises(ValueError, match=f"{DAMAGED}{name.removesuffix('.npy')} has changed since it was written"):
        Dataset.open(folder)


@pytest.mark.parametrize("damage", [reverse, zero])
def test_pictures_are_compared_where_they_are_used(folder: Path, damage: Callable[[Path], None]) -> None:
    assert open_verified(folder).fingerprint == Dataset.open(folder).fingerprint
    damage(folder / "images.npy")
    dataset = Dataset.open(folder)  # which does not read them
    with pytest.raises(ValueError, match=f"{folder} {DAMAGED}images has changed since it was written"):
        dataset.verify()
    with pytest.raises(ValueError, match=f"{DAMAGED}images has changed since it was written"):
        open_verified(folder)


def test_bytes_are_compared_once_for_each_time_that_they_were_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[Path] = []
    verify = Dataset.verify
    monkeypatch.setattr(Dataset, "verify", lambda self: (verified.append(self.path), verify(self)))
    for _ in range(3):
        open_verified(folder)
    assert len(verified) == 1
    images = np.load(folder / "images.npy", allow_pickle=False)
    np.save(folder / "images.npy", images)
    open_verified(folder)
    assert len(verified) == 2


def test_labels_outside_of_their_classes_are_refused(folder: Path) -> None:
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    labels[3, 1] = 7
    np.save(folder / "labels.npy", labels)
    info = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
    digests = info["sha256"] | {"labels": array_digest(labels)}  # as another program would write it
    change(folder, sha256=digests, fingerprint=dataset_fingerprint(ATTRIBUTES, digests))
    with pytest.raises(ValueError, match=f"{DAMAGED}labels.npy must be 0 and 1, got 7 in row 3"):
        Dataset.open(folder)


@pytest.mark.parametrize("entries", [{"kind": "table"}, {"gray": True}, {"settings": {"seed": 2}}])
def test_what_no_array_says_is_compared_too(folder: Path, entries: dict[str, Any]) -> None:
    path = folder / "dataset.json"
    info = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(info | entries), encoding="utf-8")
    with pytest.raises(ValueError, match=f"{DAMAGED}dataset.json has changed since it was written"):
        Dataset.open(folder)
    path.write_text(json.dumps({name: value for name, value in info.items() if name != "seal"}), encoding="utf-8")
    Dataset.open(folder).verify()  # as earlier versions wrote it


@pytest.mark.parametrize("words", ["dataset.json, line 3: odd", "odd"])
def test_a_message_names_the_file_once(words: str) -> None:
    assert damaged(Path("data"), ValueError(words), "dataset.json").count("dataset.json") == 1
    assert "dataset.json" not in damaged(Path("data"), ValueError("odd"))


def test_all_that_has_changed_is_named(folder: Path) -> None:
    reverse(folder / "factors" / "yaw.npy")
    zero(folder / "labels.npy")
    with pytest.raises(ValueError, match=r": labels, factors/yaw have changed since they were written$"):
        Dataset.open(folder)


@pytest.mark.parametrize(("values", "shape"), [(np.float64(1.0), r"\(\)"), (np.zeros(6), r"\(6,\)")])
def test_a_factor_has_a_row_for_each_picture(folder: Path, values: Any, shape: str) -> None:
    np.save(folder / "factors" / "yaw.npy", values)
    with pytest.raises(ValueError, match=rf"{DAMAGED}factors/yaw.npy must have 7 rows, got {shape}$"):
        Dataset.open(folder)


def test_a_name_with_an_end_of_line_is_shown_as_one_line(tmp_path: Path) -> None:
    missing = FileNotFoundError(2, "No such file", str(tmp_path / "factors" / "a\nb.npy"))
    assert damaged(tmp_path, missing).endswith(r"--overwrite: 'a\nb.npy' is missing")
    full = OSError(5, "Input/output error", str(tmp_path / "a\x1b[0m.npy"))
    assert damaged(tmp_path, full).endswith(r"--overwrite: 'a\x1b[0m.npy': Input/output error")
    assert damaged(tmp_path, FileNotFoundError(2, "", str(tmp_path / "hair.npy"))).endswith("hair.npy is missing")


def test_a_folder_without_a_data_set_leads_to_one(tmp_path: Path) -> None:
    def said() -> str:
        with pytest.raises(ValueError, match="no data set in ") as caught:
            read_info(tmp_path)
        return str(caught.value)

    assert said().endswith(f"-m examples.anime_faces prepare --out {tmp_path}`")
    (tmp_path / "cat.jpg").touch()
    assert said().endswith(f"prepare --images {tmp_path} --out data/mine`")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "dataset.json").touch()
    assert said().endswith(f"below it is {tmp_path / 'mine'}")
    (tmp_path / "settings.json").touch()
    assert said().endswith("it is the folder of a run; name the one that it was trained on")
    (tmp_path / "mine").rename(tmp_path / "data")
    assert said().endswith(f"it is the folder of a run; its data set is {tmp_path / 'data'}")
