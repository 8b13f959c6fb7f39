"""Evaluation of a trained run against its data set."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from examples.anime_faces.data import Dataset
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.metrics._evaluation import Evaluation, write_metrics
from examples.anime_faces.metrics._features import Features
from examples.anime_faces.metrics._pictures import evaluate_pictures
from examples.anime_faces.metrics._rendered import evaluate_rendered
from examples.anime_faces.run import LoadedGenerator, RunFolder, load_generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to evaluate, and how.

    Args:
        run: Folder of a run, or one of its checkpoints.
        data: Folder of the data set. Default: the one that the run was trained on.
        samples: Number of pictures to draw.
        seed: Seed of the samples and of the pictures that they are compared with.
        features: Name of a feature network, as ``package.module:callable``. Default: the encoder.
        device: A device as torch spells it. Default: CUDA if there is one, else the CPU.
        recipe: The run's recipe, needed only if it is from outside.
    """

    run: Path
    data: Path | None = None
    samples: int = 12_000
    seed: int = 0
    features: str | None = None
    device: str | None = None
    recipe: str | None = None


def evaluate_run(question: Question) -> dict[str, Any]:
    """Draw, measure, write metrics.json into the run's folder, and return its contents.

    Raises:
        ValueError: There is no such run or data set, or they do not fit together.
    """
    device = question.device or ("cuda" if torch.cuda.is_available() else "cpu")
    generator = load_generator(question.run, device=device, recipe=question.recipe, data=question.data)
    dataset = Dataset.open(question.data or Path(generator.settings.data))
    _check_fit(generator, dataset)
    evaluation = _evaluate(question, generator, dataset, device)
    about = {
        "run": str(question.run),
        "step": generator.step,
        "data": {"kind": dataset.kind, "fingerprint": dataset.fingerprint, "pictures": len(dataset)},
        "features": question.features or "the encoder trained on renders",
        "device": device,
    }
    return write_metrics(metrics_path(question.run), evaluation, about)


def load_features(name: str, device: torch.device | str = "cpu") -> Features:
    """Return the callable that ``package.module:callable`` names.

    It must take uint8 pictures of shape ``(n, 3, size, size)`` and return vectors of shape ``(n, features)``. A module is moved
    to the device and set to evaluation mode. The current folder is searched too.

    Args:
        name: The name, as ``package.module:callable``.
        device: Device of the network.

    Raises:
        ValueError: There is no such module, or it has no such callable.
    """
    place, colon, attribute = name.partition(":")
    if not (place and colon and attribute):
        raise ValueError(f"features must be given as package.module:callable, got {name!r}")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(importlib.import_module(place), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"features {name!r} cannot be loaded: {error}") from error
    if isinstance(found, nn.Module):
        return found.to(device).eval()
    if not callable(found):
        raise ValueError(f"features {name!r} must be callable, got {type(found).__name__}")
    return cast("Features", found)


def metrics_path(run_or_checkpoint: Path) -> Path:
    """Return where the metrics of a run, or of one of its checkpoints, are written."""
    # A checkpoint is two levels down: RUN/checkpoints/FILE.
    return RunFolder(run_or_checkpoint if run_or_checkpoint.is_dir() else run_or_checkpoint.parent.parent).metrics


def knobs_of(dataset: Dataset) -> Knobs:
    """Return the knobs that a rendered data set was made with."""
    written: dict[str, Any] = dict(dataset.info["settings"]["knobs"])
    pairs = written.pop("withheld_pairs")
    # JSON has lists where knobs have tuples.
    plain: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in written.items()
    }
    return Knobs(**plain, withheld_pairs=tuple((int(hair), int(eyes)) for hair, eyes in pairs))


def summary(record: dict[str, Any]) -> str:
    """Return the figures of a metrics record as a table to print."""
    lines = [f"{'figure':<26}{'value':>10}{'real':>10}   verdict"]
    for name, figure in record["figures"].items():
        floor = "" if figure["floor"] is None else f"{figure['floor']:.4g}"
        lines.append(f"{name:<26}{figure['value']:>10.4g}{floor:>10}   {_verdict(figure)}".rstrip())
    lines.append(f"{record['passed']} of {record['bounded']} thresholds passed")
    return "\n".join([*lines, *record["notes"]])


def _evaluate(question: Question, generator: LoadedGenerator, dataset: Dataset, device: str) -> Evaluation:
    features = None if question.features is None else load_features(question.features, device)

    def generate(class_ids: torch.Tensor) -> torch.Tensor:
        return generator.generate(class_ids, seed=question.seed)

    seed, samples = question.seed, question.samples
    if dataset.kind == "rendered":
        knobs = knobs_of(dataset)
        return evaluate_rendered(
            generate, dataset.images, knobs, seed=seed, samples=samples, features=features, device=device
        )
    if generator.example_texts is None:
        ask, asked, rows = generate, dataset.class_ids_of(generator.attributes), np.arange(len(dataset))
    else:
        texts = generator.texts_of(dataset)
        asked, rows = np.arange(len(dataset))[:, None], np.array(list(texts))

        def ask(class_ids: torch.Tensor) -> torch.Tensor:
            """Draw the texts of the pictures whose rows are given instead of class ids."""
            return generator.generate_texts([texts[row] for row in class_ids[:, 0].tolist()], seed=question.seed)

    return evaluate_pictures(
        ask, dataset.images, asked, rows=rows, seed=seed, samples=samples, features=features, device=device
    )


def _verdict(figure: dict[str, Any]) -> str:
    if figure["passed"] is None:
        return ""
    bounds = [f"at least {figure['at_least']:.4g}"] if figure["at_least"] is not None else []
    bounds += [f"at most {figure['at_most']:.4g}"] if figure["at_most"] is not None else []
    return f"{'passed' if figure['passed'] else 'FAILED'}: {' and '.join(bounds)}"


def _check_fit(generator: LoadedGenerator, dataset: Dataset) -> None:
    if generator.size != dataset.size:
        raise ValueError(
            f"--data must have pictures of the run's size, {generator.size}, but {dataset.path} has {dataset.size}"
        )
    if dataset.kind == "rendered" and tuple(generator.attributes) != tuple(dataset.attributes):
        raise ValueError(f"--data must have the run's attributes and classes, but {dataset.path} has others")
    try:
        dataset.class_ids_of(generator.attributes)  # pictures of a run's classes, of all or of some
    except ValueError as error:
        raise ValueError(f"--data must have no other attributes and classes than the run, but {error}") from error
