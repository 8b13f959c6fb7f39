"""The classification accuracy score: how well a network trained only on samples classifies real pictures."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from examples.anime_faces.judge import Judge, fit, prepare, updater
from examples.anime_faces.metrics._evaluation import Figure
from examples.anime_faces.metrics._intervals import of_share
from examples.anime_faces.systems import Hardware

STEPS = 240
BATCH = 32
RATE = 6e-3
FEATURES = 96
WIDTHS = (16, 32, 48, 64)

LEAST_SAMPLES = 1_320
"""From this number of samples on, renders reach 1.000 in all three figures; with 528 they reach 0.99, with 264 only 0.35."""

JOINT_AT_LEAST = 0.60

PLAIN = Hardware()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassificationScore:
    """Share of real pictures that a network trained only on samples classifies correctly.

    Args:
        hair: Share with the correct hair color.
        eyes: Share with the correct eye color.
        joint: Share with both correct.
    """

    hair: float
    eyes: float
    joint: float


def classification_score(
    images: torch.Tensor,
    class_ids: torch.Tensor,
    real_images: torch.Tensor,
    real_class_ids: torch.Tensor,
    *,
    seed: int,
    steps: int = STEPS,
    hardware: Hardware = PLAIN,
) -> ClassificationScore:
    """Train a new network on samples, labeled with the requested colors, and test it on real pictures.

    The protocol is always the same: the judge's network at half its width, with heads only for hair and eyes, AdamW at 6e-3
    with a warm-up and a cosine decay, 240 updates of 32 pictures, no augmentation. The number of updates does not depend on the
    number of samples, and so neither does the time.

    Args:
        images: Samples, uint8 of shape ``(n, 3, size, size)`` with n at least one batch.
        class_ids: The requested (hair, eyes) of each, int64 of shape ``(n, 2)``.
        real_images: Real pictures, uint8 of shape ``(m, 3, size, size)``.
        real_class_ids: Their (hair, eyes), int64 of shape ``(m, 2)``.
        seed: Seed of the weights and of the order. The global random state of torch does not change.
        steps: Number of updates.
        hardware: What it is computed on.

    Reference:
        Ravuri and Vinyals 2019, "Classification accuracy score for conditional generative models", section 3.
    """
    if len(images) < BATCH:
        raise ValueError(f"images must be at least one batch of {BATCH}, got {len(images)}")
    classes = (int(real_class_ids[:, 0].max()) + 1, int(real_class_ids[:, 1].max()) + 1)
    student = _student(classes, seed)
    fit(
        student,
        lambda indices: prepare(images[indices]),
        lambda pictures, indices: _loss(student, pictures, class_ids[indices]),
        count=len(images),
        steps=steps,
        batch=BATCH,
        rate=RATE,
        rng=torch.Generator().manual_seed(seed),
        hardware=hardware,
    )
    right = _right(student, real_images, real_class_ids, hardware.device)
    return ClassificationScore(
        hair=float(right[:, 0].float().mean()),
        eyes=float(right[:, 1].float().mean()),
        joint=float(right.all(dim=1).float().mean()),
    )


def one_step(hardware: Hardware) -> Callable[[], torch.Tensor]:
    """Return a function that makes one update of a student that is thrown away, to measure how long it takes.

    Args:
        hardware: What it is computed on.
    """
    classes = (12, 11)
    student = hardware.place(_student(classes, 0))
    class_ids = torch.arange(BATCH)[:, None] % torch.tensor(classes)
    update = updater(
        student, lambda pictures, _: _loss(student, pictures, class_ids), steps=10_000, rate=RATE, hardware=hardware
    )
    images = torch.zeros(BATCH, 3, 64, 64, dtype=torch.uint8)
    return lambda: update(prepare(images), class_ids)


def _student(classes: tuple[int, int], seed: int) -> Judge:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Judge({"hair": classes[0], "eyes": classes[1]}, FEATURES, WIDTHS)


def _loss(student: Judge, images: torch.Tensor, class_ids: torch.Tensor) -> torch.Tensor:
    outputs = student(images)
    targets = class_ids.to(images.device)
    losses = [torch.nn.functional.cross_entropy(outputs[name].float(), targets[:, k]) for k, name in enumerate(outputs)]
    return torch.stack(losses).sum()


def _right(student: Judge, images: torch.Tensor, class_ids: torch.Tensor, device: str) -> torch.Tensor:
    answers = []
    for batch in images.split(256):
        with torch.no_grad():
            outputs = student(prepare(batch.to(device)))
        answers.append(torch.stack([output.argmax(dim=1) for output in outputs.values()], dim=1).cpu())
    return torch.cat(answers) == class_ids


def score_figures(score: ClassificationScore, tested: int) -> dict[str, Figure]:
    """Return the figures of a score, with those of renders: 1, measured with 1,320 and 2,640 of them.

    Args:
        score: The score of at least 1,320 samples.
        tested: Number of real pictures that it was measured on. The intervals say nothing of the draw of the samples.
    """
    about = "share of real pictures that a network trained only on samples classifies correctly"

    def figure(share: float, words: str, at_least: float | None = None) -> Figure:
        interval = of_share(share, tested)
        return Figure(value=share, floor=1.0, at_least=at_least, interval=interval, about=f"{about}; by {words}")

    return {
        "score_hair": figure(score.hair, "hair"),
        "score_eyes": figure(score.eyes, "eyes"),
        "score_joint": figure(score.joint, "both", JOINT_AT_LEAST),
    }
