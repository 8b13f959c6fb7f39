"""What an evaluation will be able to measure, said before hours of training are spent."""

from importlib.util import find_spec

from examples.anime_faces.data import Dataset
from examples.anime_faces.metrics._classification_score import LEAST_SAMPLES
from examples.anime_faces.metrics._pictures import LEAST, notes_on_pictures
from examples.anime_faces.metrics._plan import SMALLEST

KID_WITHHELD = "KID is left out: it needs torchmetrics, which is not installed (pip install torchmetrics)."


def forecast(dataset: Dataset, samples: int | None = None) -> tuple[str, ...]:
    """Return in sentences what `evaluate` will measure for a data set, what it will leave out, and why.

    Call it before training: everything that an evaluation would refuse is refused here.

    Args:
        dataset: The data set.
        samples: The number of samples that will be requested. None: the default.

    Raises:
        ValueError: The number of samples is out of its range for this data set.
    """
    check_samples(samples, rendered=dataset.can_be_judged)
    kid = missing_packages()
    if dataset.can_be_judged:
        scored = samples is None or samples >= LEAST_SAMPLES
        score = "" if scored else f", but not the classification score, which needs {LEAST_SAMPLES:,} samples"
        return (f"All figures can be measured{score}.", *kid)
    measured = ["the spectrum", "copies"] if len(dataset) > 1 else []
    if len(dataset) >= 2 * LEAST:
        measured = ["distances to real pictures", "coverage, precision, recall and density", *measured]
    words = f"Measured will be: {', '.join(measured)}." if measured else "Nothing can be measured."
    return (words, *notes_on_pictures(len(dataset)), *kid)


def missing_packages() -> tuple[str, ...]:
    """Return which figures are left out because a package is not installed."""
    return () if find_spec("torchmetrics") is not None else (KID_WITHHELD,)


def check_samples(samples: int | None, *, rendered: bool) -> None:
    """Refuse a number of samples that cannot be measured.

    Args:
        samples: The number. None: the default.
        rendered: Whether they are compared with fresh renders.

    Raises:
        ValueError: It is too small.
    """
    least = SMALLEST if rendered else 1
    if samples is not None and samples < least:
        reason = ", two for each pair of colors" if rendered else ""
        raise ValueError(f"--samples must be at least {least}{reason}, but it is {samples}")
