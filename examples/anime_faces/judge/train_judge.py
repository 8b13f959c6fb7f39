"""Train the judge on fresh renders and write it, with its card, beside the code.

Run it as ``python -m examples.anime_faces.judge.train_judge`` after every change of the look of the faces.
"""

import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import tyro

from examples.anime_faces.data.render import Knobs
from examples.anime_faces.judge._augment import SPOILERS, jitter, spoil
from examples.anime_faces.judge._fitting import fit, judging_loss, targets_of
from examples.anime_faces.judge._network import BINARY_HEADS, CLASS_HEADS, NUMBER_HEADS, Judge, prepare, to_bytes
from examples.anime_faces.judge._reading import read
from examples.anime_faces.judge._renders import Renders, render_fresh
from examples.anime_faces.judge._storage import load_card, load_judge, save, save_card
from examples.anime_faces.metrics import choose_machine, classification_score
from examples.anime_faces.printing import open_closed_streams, say

VARIED = Knobs(glasses_rate=0.3, ribbon_rate=0.4, highlight_rate=0.6)
"""The judge must learn every attribute both ways, whatever a data set shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainJudge:
    """Train the judge on fresh renders.

    Args:
        renders: Number of pictures to learn from.
        held_out: Number of pictures to measure its accuracy on.
        epochs: Passes over the pictures.
        batch: Faces in each update; a quarter as many corrupted ones are added.
        rate: Largest learning rate.
        seed: Decides the pictures, the weights, the order and the small changes.
        score_samples: Pictures for the reference of the classification accuracy score.
    """

    renders: int = 16_000
    held_out: int = 4_000
    epochs: int = 10
    batch: int = 128
    rate: float = 3e-3
    seed: int = 1
    score_samples: int = 12_000

    def run(self) -> None:
        """Train, write, read back, measure and write the card."""
        start = time.perf_counter()
        torch.manual_seed(self.seed)
        judge = Judge().to(device="cpu", memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        train(judge, self)
        save(judge, "judge")
        trained = time.perf_counter() - start
        card = {"made_by": "python -m examples.anime_faces.judge.train_judge", "settings": asdict(self)}
        kept = load_judge()
        plain = render_fresh(self.held_out, seed=self.seed + 1000)
        varied = render_fresh(self.held_out, seed=self.seed + 2000, knobs=VARIED)
        card |= {
            "parameters": sum(parameter.numel() for parameter in kept.parameters()),
            "seconds_of_training": round(trained),
            "held_out": {"plain": measure(kept, plain), "varied": measure(kept, varied)},
            "spoiled_called_no_face": _spoiled(kept, plain, self.seed),
            "classification_score_of_renders": self._reference(plain),
        }
        save_card("judge", card)
        say(load_card("judge"))

    def _reference(self, held_out: Renders) -> dict[str, Any]:
        """Return the classification accuracy score of renders, which a generator cannot be expected to exceed."""
        learned = render_fresh(self.score_samples, seed=self.seed + 3000)
        labels = torch.from_numpy(np.stack([learned.factors["hair"], learned.factors["eyes"]], axis=1))
        truth = torch.from_numpy(np.stack([held_out.factors["hair"], held_out.factors["eyes"]], axis=1))
        score = classification_score(learned.images, labels, held_out.images, truth, seed=self.seed)
        return asdict(score) | {"samples": self.score_samples, "tested_on": len(held_out)}


def train(judge: Judge, settings: TrainJudge) -> None:
    """Train a judge in place on fresh renders.

    Args:
        judge: A judge with the default heads.
        settings: Number of pictures and epochs, learning rate, seed.
    """
    renders = render_fresh(settings.renders, seed=settings.seed, knobs=VARIED)
    targets = targets_of(renders.factors)
    rng = torch.Generator().manual_seed(settings.seed)
    hardware, _ = choose_machine(None, student=True, seconds=None)

    def batch_of(indices: torch.Tensor) -> torch.Tensor:
        clean = prepare(renders.images[indices])
        return torch.cat([jitter(clean, rng), spoil(clean[: len(clean) // 4], rng)])

    def loss_of(images: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        return judging_loss(
            judge(images), {name: target[indices].to(images.device) for name, target in targets.items()}
        )

    fit(
        judge,
        batch_of,
        loss_of,
        count=len(renders),
        steps=settings.epochs * (len(renders) // settings.batch),
        batch=settings.batch,
        rate=settings.rate,
        rng=rng,
        hardware=hardware,
    )


def measure(judge: Judge, renders: Renders) -> dict[str, float]:
    """Return for each head with classes or answers the share it gets right, and for each number its root mean square error.

    Args:
        judge: A judge in evaluation mode.
        renders: Renders with their labels.
    """
    readings = read(judge, renders.images)
    right: dict[str, float] = {}
    for name in CLASS_HEADS:
        right[name] = float((readings[name].argmax(axis=1) == renders.factors[name]).mean())
    for name in BINARY_HEADS:
        truth = renders.factors.get(name, np.ones(len(renders)))  # every render is a face
        right[name] = float(((readings[name] > 0.5) == truth.astype(bool)).mean())
    for name, size in NUMBER_HEADS.items():
        right[f"{name}_error"] = float(np.sqrt(np.mean((readings[name] - renders.factors[name] / size) ** 2)))
    return right


def _spoiled(judge: Judge, renders: Renders, seed: int) -> dict[str, float]:
    rng = torch.Generator().manual_seed(seed)
    shares = {}
    for spoiler in SPOILERS:
        pictures = torch.cat([spoiler(prepare(batch), rng) for batch in renders.images[:1024].split(64)])
        shares[spoiler.__name__] = float((read(judge, to_bytes(pictures))["face"] < 0.5).mean())
    return shares


if __name__ == "__main__":
    open_closed_streams()
    tyro.cli(TrainJudge).run()
