"""One rank that plays rounds of recipes, started by test_ranks.py:
`ranks_worker.py RANK WORLD MEET DATA OUT GRADIENTS NUMBER...`; GRADIENTS is eager or compiled.

In float64, so that rounding does not hide a difference to one process with the whole batch.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

import torch
from support.recipe_forms import FORMS, in_double, in_float64, options_of
from torch import distributed
from torch.utils._pytree import tree_map

import gankit as gk
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.run import Feed
from examples.anime_faces.run._stores import ResidentStore
from examples.anime_faces.systems import Hardware, Share, assemble

ROUNDS = 2
GRADIENTS = {"eager": gk.training.Eager, "compiled": lambda: gk.training.Compiled(backend="aot_eager")}


def trained(name: str, options: Any, faces: Dataset, share: Share, gradients: str) -> dict[str, Any]:
    """Play rounds; return what was logged, and the state."""
    selection = find_recipe(name).conditioning(options).select(faces)
    torch.manual_seed(3)
    recipe, hardware = in_float64(find_recipe(name)), Hardware()
    part = GRADIENTS[gradients]
    training = assemble(
        recipe, selection.description, options, steps=10, hardware=hardware, share=share, gradients=part
    )
    store = ResidentStore(faces.images, "cpu")
    feed = Feed.of_system(training.system, store, selection, seed=0, hardware=hardware, share=share)
    batches = (tree_map(lambda one: in_double(one) if isinstance(one, torch.Tensor) else one, batch) for batch in feed)
    logged = [training.play(step, batches) for step in range(ROUNDS)]
    return {"logged": logged, "random": torch.get_rng_state(), **training.state_dict()}


def main() -> None:
    """Play the forms with these numbers, and save what was found."""
    rank, world, meet, data, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]), Path(sys.argv[5])
    torch.set_num_threads(1)
    if world > 1:
        distributed.init_process_group("gloo", f"file://{meet}", rank=rank, world_size=world)
    faces, share, found = Dataset.open(data), Share(rank=rank, ranks=world), []
    for number in map(int, sys.argv[7:]):
        name, form = FORMS[number]
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("always")
            one = trained(name, options_of(name, form), faces, share, sys.argv[6])
        found.append({**one, "warned": [str(warning.message) for warning in seen]})
    gk.training.save_checkpoint(out, found)
    if world > 1:
        distributed.destroy_process_group()


if __name__ == "__main__":
    main()
