"""Every failure is noticed, on rendered faces and on pictures of another kind, and real pictures pass."""

from functools import cache
from pathlib import Path

import pytest
import torch
from sklearn.datasets import load_digits
from torch.nn import functional

from examples.anime_faces.judge import render_fresh
from examples.anime_faces.metrics import FAILURES, Failure, Figure, Tools, closeness_figures, parts_figures
from examples.anime_faces.metrics._copies import copy_figures, nearness, pixel_vectors
from examples.anime_faces.metrics._spectrum import spectrum_figures

COUNT = 160
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "faces" / "evaluate.md"
FAILURE_OF = {failure.__name__.replace("_", " "): failure for failure in FAILURES}
UNCHANGED = ("digits", "one part smeared")
"""Digits have no part that is always there, such as an eye, so nothing is lost that others have."""

SHOWN = {
    "fid": "`fid`",
    "precision": "`precision`",
    "coverage_of_real": "`coverage_of_real`",
    "untrained_precision": "`untrained_precision`",
    "untrained_coverage_of_real": "`untrained_coverage_of_real`",
    "parts_distance": "`parts_distance`",
    "parts_distance_worst": "`parts_distance_worst`",
    "spectrum_greatest": "`spectrum_greatest`",
    "copies_pixels": "`copies_pixels`",
}


def faces(count: int) -> torch.Tensor:
    return render_fresh(count, seed=11, workers=0).images


def digits(count: int) -> torch.Tensor:
    """Handwritten digits, warm on a cold ground, with sharp edges."""
    shapes = torch.from_numpy(load_digits(return_X_y=True)[0][:count]).float().reshape(-1, 1, 8, 8) / 16.0
    rng = torch.Generator().manual_seed(0)
    sharp = functional.interpolate(shapes, (64, 64), mode="nearest")
    warm, cold = (255.0 * torch.rand(count, 1, 1, 1, generator=rng) for _ in range(2))
    shade = torch.tensor([[0.5, 0.3, 0.05], [0.05, 0.15, 0.45]])[..., None, None]
    return (warm * shade[0] * sharp + cold * shade[1] * (1.0 - sharp)).clamp(0, 255).to(torch.uint8)


@cache
def sets(kind: str) -> tuple[torch.Tensor, ...]:
    """Real pictures, others for the floors, and pictures that nobody trained on."""
    return {"faces": faces, "digits": digits}[kind](3 * COUNT).split(COUNT)


@cache
def looked_at(kind: str) -> tuple[tuple[torch.Tensor, ...], ...]:
    return tuple((Tools().vectors(images), Tools().parts(images), pixel_vectors(images)) for images in sets(kind)[:2])


@cache
def figures_for(kind: str, name: str) -> dict[str, Figure]:
    """The figures of a failure, of ``real pictures``, or of ``copies of training pictures``."""
    real, _, fresh = sets(kind)
    known = {"real pictures": fresh, "copies of training pictures": real}
    return figures_of(kind, known[name] if name in known else FAILURE_OF[name](fresh))


def figures_of(kind: str, samples: torch.Tensor) -> dict[str, Figure]:
    """The figures that need no labels, which `evaluate` gives for every data set."""
    real, second, _ = sets(kind)
    (vectors, parts, pixels), (other_vectors, other_parts, other_pixels) = looked_at(kind)
    near = nearness(torch.cat([pixels, other_pixels]), pixel_vectors(samples), None)
    return {
        **closeness_figures(vectors, Tools().vectors(samples), other_vectors, seed=0),
        **parts_figures(parts, Tools().parts(samples), other_parts, seed=0)[0],
        **spectrum_figures(real, samples, second)[0],
        **copy_figures(near),
    }


def failed(figures: dict[str, Figure]) -> set[str]:
    return {name for name, figure in figures.items() if figure.passed is False}


def surely_failed(figures: dict[str, Figure]) -> set[str]:
    return {name for name in failed(figures) if not figures[name].undecided}


@pytest.mark.parametrize("kind", ["faces", "digits"])
def test_real_pictures_pass(kind: str):
    assert failed(figures_for(kind, "real pictures")) == set()


@pytest.mark.parametrize("kind", ["faces", "digits"])
def test_copies_of_training_pictures_are_noticed(kind: str):
    assert failed(figures_for(kind, "copies of training pictures")) == {"copies_pixels"}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in ("faces", "digits") for name in FAILURE_OF if (kind, name) != UNCHANGED]
)
def test_every_failure_is_noticed(kind: str, name: str):
    assert surely_failed(figures_for(kind, name))


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_a_failure_gives_as_many_pictures(failure: Failure):
    images = sets("digits")[0][:7]
    before = images.clone()
    samples = failure(images)
    assert (samples.dtype, samples.shape) == (torch.uint8, images.shape)
    assert torch.equal(images, before)
    assert torch.equal(failure(images), samples)


def test_the_untrained_network_sees_what_the_encoder_does_not():
    """In the encoder alone, the average picture and blotched pictures lie among real pictures."""
    for name in ("average picture", "blotches"):
        figures = figures_for("faces", name)
        assert figures["precision"].value > 0.9
        assert figures["untrained_precision"].value < 0.1
    assert (figures_for("faces", "real pictures")["untrained_precision"].floor or 0.0) > 0.8


def table() -> str:
    """The table of the guide: values of faces, those outside their bounds in bold."""
    lines = ["| Samples | " + " | ".join(SHOWN.values()) + " |", "|---|" + "---|" * len(SHOWN)]
    for name in ("real pictures", *FAILURE_OF, "copies of training pictures"):
        figures = figures_for("faces", name)
        cells = [f"{max(figures[column].value, 0.0):.2g}" for column in SHOWN]
        marked = [
            f"**{cell}**" if column in failed(figures) else cell for column, cell in zip(SHOWN, cells, strict=True)
        ]
        lines.append(f"| {name} | " + " | ".join(marked) + " |")
    return "\n".join(lines)


def test_the_table_of_the_guide_shows_what_notices_what():
    """Values may differ in their last digit between processors; what is bold may not."""
    written = {row.split("|")[1].strip(): row for row in GUIDE.read_text(encoding="utf-8").splitlines() if "|" in row}
    for line in table().splitlines()[2:]:
        name = line.split("|")[1].strip()
        assert _bold(written[name]) == _bold(line), name


def _bold(line: str) -> list[bool]:
    return ["**" in cell for cell in line.split("|")[2:-1]]
