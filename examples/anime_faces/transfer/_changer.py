"""What changes pictures: a trained generator, the vector that it is given, and a critic that reads vectors of pictures."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from examples.anime_faces.recipes.stargan.conditioning import TargetLabels
from examples.anime_faces.recipes.stargan.vector import TargetVector
from examples.anime_faces.run import LoadedGenerator, load_network
from examples.anime_faces.systems import Drawer

RECIPE = "stargan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changer:
    """A generator that changes pictures.

    Args:
        origin: Where it comes from, in words.
        vector: What its numbers stand for.
        size: Height and width of its pictures.
        drawer: Draws the changed pictures.
        critic: Predicts vectors of pictures. None: there is no such network.
    """

    origin: str
    vector: TargetVector
    size: int
    drawer: Drawer
    critic: nn.Module | None = None


def changer_of_run(run: Path, loaded: LoadedGenerator) -> Changer:
    """Return the averaged generator of a run of `stargan`, and its critic.

    Args:
        run: The run's folder, or one checkpoint.
        loaded: Its networks that draw.

    Raises:
        ValueError: There is no checkpoint, or the run is of another recipe.
    """
    recipe = loaded.settings.recipe
    if recipe != RECIPE or not isinstance(loaded.conditioning, TargetLabels):
        raise ValueError(
            f"--run must be a run of the recipe {RECIPE} or gray_then_color, but {run} was trained with {recipe}"
        )
    return Changer(
        origin=f"step {loaded.step} of {run}",
        vector=loaded.conditioning.vector(loaded.settings.description),
        size=loaded.size,
        drawer=loaded.drawer,
        critic=load_network(run, "critic"),
    )
