"""What is computed from real pictures alone, kept beside the data set, so that the next evaluation can read it."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from examples.anime_faces.files import written_whole
from examples.anime_faces.printing import say

Tensors: TypeAlias = dict[str, torch.Tensor]

MOST_FILES = 24


@dataclass(slots=True, kw_only=True)
class Cache:
    """Tensors by a key that says all that they depend on; a file that cannot be used is computed again, with a word.

    Args:
        folder: Where the files are. None: nothing is kept.
        about: What every file depends on, such as the fingerprint of the data set.
    """

    folder: Path | None = None
    about: Mapping[str, object] = field(default_factory=dict[str, object])

    def get(self, what: str, key: Mapping[str, object], make: Callable[[], Tensors]) -> Tensors:
        """Return the tensors that are kept under the key, or make and keep them.

        Args:
            what: What they are, in a word; the beginning of the file's name.
            key: What they depend on besides `about`, as plain data.
            make: Computes them.
        """
        if self.folder is None:
            return make()
        words = json.dumps({"what": what, **self.about, **key}, sort_keys=True, default=str)
        path = self.folder / f"{what}-{hashlib.sha256(words.encode()).hexdigest()[:16]}.safetensors"
        kept = _read(path, words)
        if kept is not None:
            return kept
        made = make()
        self._keep(path, made, words)
        return made

    def has(self, what: str, key: Mapping[str, object]) -> bool:
        """Return whether there is a file under the key; it may still turn out to be damaged."""
        words = json.dumps({"what": what, **self.about, **key}, sort_keys=True, default=str)
        name = f"{what}-{hashlib.sha256(words.encode()).hexdigest()[:16]}.safetensors"
        return self.folder is not None and (self.folder / name).is_file()

    def _keep(self, path: Path, tensors: Tensors, words: str) -> None:
        about = {"key": words, "sha256": _digest(tensors)}
        try:
            path.parent.mkdir(exist_ok=True)
            with written_whole(path) as temporary:
                save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, about)
            for old in sorted(path.parent.glob("*.safetensors"), key=lambda one: one.stat().st_mtime)[:-MOST_FILES]:
                old.unlink(missing_ok=True)
        except (OSError, SafetensorError) as error:
            say(f"note: {path.parent} cannot be written ({error}), so the next evaluation computes this again")
            self.folder = None


def _read(path: Path, words: str) -> Tensors | None:
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("key") == words:
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                if about.get("sha256") == _digest(tensors):
                    return tensors
                reason = "it has changed since it was written, or an earlier version wrote it"
            else:
                reason = "it was made for something else"
    except (OSError, ValueError, MemoryError, SafetensorError) as error:
        reason = " ".join(str(error).split())  # it quotes the file, which may have ends of lines there
    say(f"note: {path} is not used ({reason}); it is computed again")
    return None


def _digest(tensors: Tensors) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name}:{tensor.dtype}:{tuple(tensor.shape)}:".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
