"""`digest`: one number for all state of a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(kw_only=True)
class Digest:
    """Print the SHA-256 of all state of a run's newest checkpoint; equal runs have equal digests."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(name="run")]
    """The run's folder, or one checkpoint file."""

    def run(self) -> None:
        """Print step and digest."""
        from examples.anime_faces.run import digest, load_any_checkpoint

        state = load_any_checkpoint(self.run_folder)
        print(f"step      {state['step']}\ndigest    {digest(state)}")
