"""Writing the pictures of a data set as WebDataset shards: tar files of PNG and JSON."""

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from examples.anime_faces.bars import Bar
from examples.anime_faces.data._dataset import Dataset
from examples.anime_faces.data._digests import dataset_fingerprint, sealed_text, shards_digest
from examples.anime_faces.data._layout import INFO_FILE
from examples.anime_faces.data._sharded import (
    IMAGES_FILE,
    SHARDS_ENTRY,
    SHARDS_FOLDER,
    rows_of_shards,
    shard_name,
    webdataset_module,
)
from examples.anime_faces.data._staging import staged_folder


def write_shards(dataset: Dataset, shards: int) -> Dataset:
    """Replace the array of a data set's pictures by shards, all or nothing, and open it again.

    Labels, factors and texts stay as they are, beside the shards; the shards hold them too, for other programs.

    Raises:
        ValueError: There would be fewer than two pictures in a shard.
    """
    there = dataset.info.get(SHARDS_ENTRY)
    if there is not None and len(there) == shards:
        return dataset
    if not 1 <= shards <= max(1, len(dataset) // 2):
        raise ValueError(f"--shards must be from 1 to half the pictures ({len(dataset)}), but it is {shards}")
    dataset.verify()  # the shards get digests of their own
    path = dataset.path
    with staged_folder(path, overwrite=True) as folder:
        for one in path.iterdir():
            if one.name not in (IMAGES_FILE, INFO_FILE, SHARDS_FOLDER):
                shutil.copytree(one, folder / one.name) if one.is_dir() else shutil.copy2(one, folder / one.name)
        (folder / SHARDS_FOLDER).mkdir()
        entries = list(_written(dataset, shards, folder))
        digests = {name: of for name, of in dataset.info["sha256"].items() if name != "images"}
        digests["shards"] = shards_digest(entries)
        info = {**dataset.info, SHARDS_ENTRY: entries, "sha256": digests}
        info["fingerprint"] = dataset_fingerprint(dataset.attributes, digests)
        (folder / INFO_FILE).write_text(sealed_text(info), encoding="utf-8", errors="backslashreplace")
    return Dataset.open(path)


def _written(dataset: Dataset, shards: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Write each shard, and return its number of pictures and its digest."""
    names = [(one.name, name) for one in dataset.attributes for name in one.classes]
    writing = webdataset_module("webdataset")
    with Bar(total=len(dataset), unit="pictures", desc="writing shards") as bar:
        for number, rows in enumerate(rows_of_shards(len(dataset), shards)):
            path = folder / SHARDS_FOLDER / shard_name(number)
            with path.open("xb") as file, writing.TarWriter(file, encoder=False, mtime=0) as writer:
                for row, picture in zip(rows.tolist(), dataset.images[rows], strict=True):
                    entry: dict[str, Any] = {"row": row}
                    entry["labels"] = [list(one) for one, has in zip(names, dataset.labels[row], strict=True) if has]
                    if dataset.own_texts is not None:
                        entry["text"] = dataset.own_texts[row]
                    writer.write(
                        {"__key__": f"{row:09d}", "json": json.dumps(entry).encode(), "png": _encoded(picture)}
                    )
            bar.update(len(rows))
            data = path.read_bytes()
            yield {"pictures": len(rows), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _encoded(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()
