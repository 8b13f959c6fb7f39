"""The figures that hold two sets of feature vectors against each other."""

import torch

from examples.anime_faces.metrics._distances import frechet_distance, kernel_distance
from examples.anime_faces.metrics._figure import Figure
from examples.anime_faces.metrics._neighborhoods import neighborhoods

COVERAGE_AT_LEAST = 0.6


def closeness_figures(
    real: torch.Tensor, samples: torch.Tensor, second: torch.Tensor, *, seed: int
) -> dict[str, Figure]:
    """Return Fréchet and kernel distance, precision, recall, density and coverage, each beside that of real pictures.

    Args:
        real: vectors of real pictures, ``(n, features)``.
        samples: vectors of as many samples.
        second: vectors of as many other real pictures, which stand in for the samples in the floors.
        seed: of the subsets of the kernel distance.
    """
    among, floor = neighborhoods(real, samples), neighborhoods(real, second)
    return {
        "fid": Figure(
            value=frechet_distance(real, samples),
            floor=frechet_distance(real, second),
            about="Fréchet distance to real pictures in the feature space; less is better",
        ),
        "kid": Figure(
            value=kernel_distance(real, samples, seed=seed),
            floor=kernel_distance(real, second, seed=seed),
            about="kernel distance to real pictures in the feature space; less is better",
        ),
        "precision": Figure(
            value=among.precision, floor=floor.precision, about="share of samples that lie among real pictures"
        ),
        "recall": Figure(value=among.recall, floor=floor.recall, about="share of real pictures that lie among samples"),
        "density": Figure(
            value=among.density, floor=floor.density, about="how densely real pictures surround the samples"
        ),
        "coverage": Figure(
            value=among.coverage, floor=floor.coverage, about="share of real pictures with a sample close by"
        ),
        "coverage_of_real": Figure(
            value=among.coverage / max(floor.coverage, 1e-9),
            floor=1.0,
            at_least=COVERAGE_AT_LEAST,
            about="coverage divided by that of fresh real pictures",
        ),
    }
