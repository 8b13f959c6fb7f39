"""Train the encoder on fresh renders without labels, and write it, with its card, into this folder.

Run it as ``python -m examples.anime_faces.judge.train_encoder`` after every change of the look of the faces.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
import tyro
from torch import nn

from examples.anime_faces.judge._augment import blur, halves_swapped, shuffled, spoiled_views, two_views
from examples.anime_faces.judge._fitting import contrast_loss, fit
from examples.anime_faces.judge._network import CLASS_HEADS, Encoder, prepare, to_bytes
from examples.anime_faces.judge._reading import encode
from examples.anime_faces.judge._renders import Renders, render_fresh
from examples.anime_faces.judge._storage import load_encoder, save, save_card
from examples.anime_faces.judge.train_judge import VARIED
from examples.anime_faces.metrics import choose_machine, frechet_distance, neighborhoods
from examples.anime_faces.printing import open_closed_streams, say

PROJECTED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainEncoder:
    """Train the encoder on fresh renders.

    Args:
        renders: Number of pictures to learn from.
        held_out: Number of pictures to measure it on.
        epochs: Passes over the pictures.
        batch: Pictures in each update; each has two views, and a quarter as many corrupted ones are added.
        rate: Largest learning rate.
        seed: Decides the pictures, the weights, the order and the views.
    """

    renders: int = 16_000
    held_out: int = 4_000
    epochs: int = 9
    batch: int = 128
    rate: float = 3e-3
    seed: int = 5

    def run(self) -> None:
        """Train, write, read back, measure and write the card."""
        start = time.perf_counter()
        torch.manual_seed(self.seed)
        encoder = Encoder().to(device="cpu", memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        train(encoder, self)
        save(encoder, "encoder")
        trained = time.perf_counter() - start
        kept = load_encoder()
        first = render_fresh(self.held_out, seed=self.seed + 1000)
        second = render_fresh(self.held_out, seed=self.seed + 2000)
        card = {
            "made_by": "python -m examples.anime_faces.judge.train_encoder",
            "settings": asdict(self),
            "parameters": sum(parameter.numel() for parameter in kept.parameters()),
            "seconds_of_training": round(trained),
            "read_by_a_linear_map": probe(kept, first, second),
            "faults_seen": faults_seen(kept, first, second, self.seed),
        }
        save_card("encoder", card)
        say(card)


def train(encoder: Encoder, settings: TrainEncoder) -> None:
    """Train an encoder in place on fresh renders.

    Args:
        encoder: The encoder to train.
        settings: Number of pictures and epochs, learning rate, seed.
    """
    images = render_fresh(settings.renders, seed=settings.seed, knobs=VARIED).images
    rng = torch.Generator().manual_seed(settings.seed)
    hardware, _ = choose_machine(None, student=True, seconds=None)
    # The loss is computed after a small network that is thrown away, so the encoder keeps what the loss discards.
    features = encoder.num_features
    projector = nn.Sequential(
        nn.BatchNorm1d(features), nn.ReLU(), nn.Linear(features, features), nn.ReLU(), nn.Linear(features, PROJECTED)
    )
    both = nn.Sequential(encoder, projector)

    def batch_of(indices: torch.Tensor) -> torch.Tensor:
        clean = prepare(images[indices])
        return torch.cat([two_views(clean, rng), spoiled_views(clean[: len(clean) // 4], rng)])

    def loss_of(views: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
        return contrast_loss(both(views), len(indices))

    fit(
        both,
        batch_of,
        loss_of,
        count=len(images),
        steps=settings.epochs * (len(images) // settings.batch),
        batch=settings.batch,
        rate=settings.rate,
        rng=rng,
        hardware=hardware,
    )


def probe(encoder: Encoder, learned: Renders, held_out: Renders) -> dict[str, float]:
    """Return, for each factor with classes, the share of held-out renders that a linear map of the vectors reads right.

    Args:
        encoder: An encoder in evaluation mode.
        learned: Renders that the map is fitted to by least squares.
        held_out: Renders that the map is tested on.
    """
    first, second = (_with_one(encode(encoder, renders.images)) for renders in (learned, held_out))
    right = {}
    for name, classes in CLASS_HEADS.items():
        target = np.eye(classes)[learned.factors[name]]
        solution = np.linalg.lstsq(first, target, rcond=None)[0]
        right[name] = float(((second @ solution).argmax(axis=1) == held_out.factors[name]).mean())
    return right


def faults_seen(encoder: Encoder, first: Renders, second: Renders, seed: int) -> dict[str, dict[str, float]]:
    """Return Fréchet distance, precision and coverage of corrupted renders, and of clean ones for comparison.

    Args:
        encoder: An encoder in evaluation mode.
        first: Renders to compare with.
        second: Renders to corrupt.
        seed: Decides how they are corrupted.
    """
    rng = torch.Generator().manual_seed(seed)
    real = encode(encoder, first.images)
    found = {}
    for name, spoiler in _faults(rng).items():
        # 16 batches, so that the last fault is 16 pictures.
        spoiled = torch.cat([to_bytes(spoiler(prepare(batch))) for batch in second.images.split(len(second) // 16)])
        vectors = encode(encoder, spoiled)
        among = neighborhoods(real, vectors)
        distance = frechet_distance(real, vectors)
        found[name] = {"fid": distance, "precision": among.precision, "coverage": among.coverage}
    return found


def _faults(rng: torch.Generator) -> dict[str, Callable[[torch.Tensor], torch.Tensor]]:
    return {
        "clean": lambda images: images,
        "blur of 1 pixel": lambda images: blur(images, deviation=1.0),
        "blur of 2 pixels": lambda images: blur(images, deviation=2.0),
        "noise of 0.1": lambda images: images + 0.2 * torch.randn(images.shape, generator=rng),
        "halves swapped": lambda images: halves_swapped(images, rng),
        "squares shuffled": lambda images: shuffled(images, rng),
        "16 pictures again and again": lambda images: images[:1].expand_as(images),
    }


def _with_one(vectors: torch.Tensor) -> np.ndarray:
    matrix = vectors.double().numpy()
    return np.concatenate([matrix, np.ones((len(matrix), 1))], axis=1)


if __name__ == "__main__":
    open_closed_streams()
    tyro.cli(TrainEncoder).run()
