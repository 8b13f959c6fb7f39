"""Evaluation of a trained run against its data set."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from examples.anime_faces.data import MEASURED_FOLDER, Dataset, open_verified
from examples.anime_faces.data.render import Knobs
from examples.anime_faces.files import check_writable
from examples.anime_faces.judge import renderer_fingerprint
from examples.anime_faces.metrics._asked import class_ids_for, drawing_colors, further_asked, pairs_of
from examples.anime_faces.metrics._by_class import shares_by_class
from examples.anime_faces.metrics._cache import Cache
from examples.anime_faces.metrics._evaluation import Evaluation, write_metrics
from examples.anime_faces.metrics._features import load_features
from examples.anime_faces.metrics._forecast import check_samples, missing_packages
from examples.anime_faces.metrics._pictures import evaluate_pictures
from examples.anime_faces.metrics._plan import choose_machine, measure_costs, plan_samples, same_threads_afterwards
from examples.anime_faces.metrics._rendered import evaluate_rendered
from examples.anime_faces.metrics._tools import Tools
from examples.anime_faces.printing import say
from examples.anime_faces.run import LoadedGenerator, RunFolder, load_generator
from examples.anime_faces.systems import Hardware


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to evaluate, and how.

    Args:
        run: Folder of a run, or one of its checkpoints.
        data: Folder of the data set. Default: the one that the run was trained on.
        samples: Number of pictures to draw. Default: 2,640, or as many as fit into `seconds`.
        seed: Seed of the samples and of the pictures that they are compared with.
        features: Name of a feature network, as ``package.module:callable``. Default: the encoder.
        device: A device as torch spells it. Default: CUDA if there is one, else the CPU.
        recipe: The run's recipe, needed only if it is from outside.
        seconds: About how long the evaluation may take; where it does not suffice, fewer samples are drawn, and the slowest
            figure is left out. Default: no limit. It does not change a requested number of samples.
        temperature: What the noise of the samples is multiplied by.
        truncation: Numbers of the noise that are farther from 0 are drawn again. None: none are.
    """

    run: Path
    data: Path | None = None
    samples: int | None = None
    seed: int = 0
    features: str | None = None
    device: str | None = None
    recipe: str | None = None
    seconds: float | None = None
    temperature: float = 1.0
    truncation: float | None = None


def evaluate_run(question: Question) -> dict[str, Any]:
    """Draw, measure, write metrics.json into the run's folder, and return its contents.

    Raises:
        ValueError: There is no such run or data set, or they do not fit together.
    """
    start = time.perf_counter()
    if question.seconds is not None and not question.seconds > 0:
        raise ValueError(f"--seconds must be above 0, but it is {question.seconds}")
    check_writable(metrics_path(question.run))
    device = question.device or ("cuda" if torch.cuda.is_available() else "cpu")
    generator = load_generator(
        question.run,
        device=device,
        recipe=question.recipe,
        data=question.data,
        temperature=question.temperature,
        truncation=question.truncation,
    )
    dataset = open_verified(question.data or Path(generator.settings.data))
    _check_fit(generator, dataset)
    check_samples(question.samples, rendered=dataset.can_be_judged)
    with same_threads_afterwards():
        hardware, figures = choose_machine(device, student=dataset.can_be_judged, seconds=question.seconds)
        say(f"evaluate: computes on {hardware} ({figures})", flush=True)
        evaluation = _evaluate(question, generator, dataset, hardware, start)
    if generator.warning:
        evaluation.notes.append(f"Warning: {generator.warning}.")
    if generator.noise.changes:
        evaluation.notes.append(f"The noise of the samples is not that of training: {generator.noise}.")
    about = {
        "run": str(question.run),
        "step": generator.step,
        "noise": {"temperature": question.temperature} | generator.noise.changes,
        "data": {"kind": dataset.kind, "fingerprint": dataset.fingerprint, "pictures": len(dataset)},
        "features": question.features or "the encoder trained on renders",
        "device": device,
        "hardware": {"chosen": str(hardware), "timed": figures},
    }
    return write_metrics(metrics_path(question.run), evaluation, about)


def metrics_path(run_or_checkpoint: Path) -> Path:
    """Return where the metrics of a run are written, or of one of its checkpoints: those of a kept one are beside it."""
    if run_or_checkpoint.is_dir():
        return RunFolder(run_or_checkpoint).metrics
    folder = RunFolder(run_or_checkpoint.parent.parent)  # RUN/checkpoints/FILE
    step = run_or_checkpoint.stem.removeprefix("checkpoint-")
    if run_or_checkpoint.parent == folder.kept and step.isdecimal():
        return folder.kept_metrics(int(step))
    return folder.metrics


def knobs_of(dataset: Dataset) -> Knobs:
    """Return the knobs that a rendered data set was made with.

    Raises:
        ValueError: It does not say them, or other versions have other ones.
    """
    try:
        written: dict[str, Any] = dict(dataset.info["settings"]["knobs"])
        pairs = written.pop("withheld_pairs")
        # JSON has lists where knobs have tuples.
        plain: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in written.items()
        }
        return Knobs(**plain, withheld_pairs=tuple((int(hair), int(eyes)) for hair, eyes in pairs))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{dataset.path} does not say how its faces were drawn ({error}): prepare it again") from error


def _evaluate(
    question: Question, generator: LoadedGenerator, dataset: Dataset, hardware: Hardware, start: float
) -> Evaluation:
    rendered = dataset.can_be_judged
    ask, asked, rows = _requests(generator, dataset, question.seed)
    costs = measure_costs(
        lambda count: ask(asked[rows[np.arange(count) % len(rows)]]) if len(rows) else None,
        size=dataset.size,
        rendered=rendered,
        hardware=hardware,
    )
    until = math.inf if question.seconds is None else start + question.seconds
    left = None if question.seconds is None else until - time.perf_counter()
    plan = plan_samples(
        question.samples,
        left,
        costs,
        rendered=rendered,
        reads_labels=generator.reads_labels,
        most=None if rendered else len(rows) // 2,
    )
    features = None if question.features is None else load_features(question.features, hardware.device)
    about = {"fingerprint": dataset.fingerprint, "renderer": renderer_fingerprint() if rendered else None}
    tools = Tools(
        hardware=hardware,
        features=features,
        cache=Cache(folder=dataset.path / MEASURED_FOLDER, about=about),
        costs=costs,
    )
    say(f"evaluate: {plan.samples} samples: {plan.expected(costs)}", flush=True)
    if question.samples is not None:
        until = math.inf
    if rendered:
        knobs, draw = knobs_of(dataset), drawing_colors(generator, dataset, question.seed)
        evaluation = evaluate_rendered(
            draw,
            dataset.images,
            knobs,
            seed=question.seed,
            samples=plan.samples,
            score=plan.score,
            tools=tools,
            until=until,
            reads_labels=generator.reads_labels,
            pairs=pairs_of(dataset.attributes),
            further=further_asked(generator, dataset, plan.samples, question.seed),
        )
        evaluation.details["share_of_pictures"] = shares_by_class(dataset)
        if generator.drawer.changes_pictures:
            why = f"the recipe changes pictures of {generator.data or generator.settings.data}"
            evaluation.exempt(OF_WHAT_IS_ASKED, why)
    else:
        evaluation = evaluate_pictures(
            lambda some: ask(some.numpy()),
            dataset.images,
            asked,
            rows=rows,
            trained=_trained_on(generator, dataset),
            seed=question.seed,
            samples=plan.samples,
            tools=tools,
            until=until,
        )
    evaluation.notes += [*plan.notes, *missing_packages()]
    return evaluation


OF_WHAT_IS_ASKED = frozenset(
    f"{withheld}{what}_accuracy" for withheld in ("", "withheld_") for what in ("hair", "eye", "pair")
) | {"noise_usage", "score_hair", "score_eyes", "score_joint"}
"""Figures that expect every color that is requested. What changes pictures sets some colors, and keeps the others."""


def _requests(
    generator: LoadedGenerator, dataset: Dataset, seed: int
) -> tuple[Callable[[np.ndarray], torch.Tensor], np.ndarray, np.ndarray]:
    """Return what draws pictures for rows of requests, the request of each picture, and the pictures that have one."""
    if generator.example_texts is None or dataset.can_be_judged:
        return (
            lambda some: generator.generate(torch.from_numpy(some), seed=seed),
            class_ids_for(generator, dataset),
            np.arange(len(dataset)),
        )
    texts = generator.texts_of(dataset)

    def ask(some: np.ndarray) -> torch.Tensor:
        return generator.generate_texts([texts[row] for row in some[:, 0].tolist()], seed=seed)

    return ask, np.arange(len(dataset))[:, None], np.array(list(texts))


def _trained_on(generator: LoadedGenerator, dataset: Dataset) -> np.ndarray | None:
    """Return the pictures of the run's own data set; None if it is this one, or not there any more."""
    wanted, path = generator.settings.fingerprint, Path(generator.settings.data)
    if dataset.fingerprint == wanted:
        return None
    try:
        own = open_verified(path)
    except ValueError:
        own = None
    if own is not None and own.fingerprint == wanted:
        return own.images
    say(f"note: copies are searched in {dataset.path}, since the data set of the run is no longer in {path}")
    return None


def _check_fit(generator: LoadedGenerator, dataset: Dataset) -> None:
    if generator.size != dataset.size:
        raise ValueError(
            f"--data must have pictures of the run's size, {generator.size}, but {dataset.path} has {dataset.size}"
        )
    try:
        dataset.class_ids_of(generator.attributes)  # pictures of a run's classes, of all or of some
    except ValueError as error:
        raise ValueError(f"--data must have no other attributes and classes than the run, but {error}") from error
