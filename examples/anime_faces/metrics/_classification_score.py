"""The classification accuracy score: how well a network trained only on samples classifies real pictures."""

from dataclasses import dataclass

import torch

from examples.anime_faces.judge import Judge, fit, load_card, prepare
from examples.anime_faces.metrics._evaluation import Figure

EPOCHS = 5
BATCH = 64
RATE = 4e-3

JOINT_AT_LEAST = 0.60


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
    epochs: int = EPOCHS,
) -> ClassificationScore:
    """Train a new network on samples, labeled with the requested colors, and test it on real pictures.

    The protocol is always the same: the judge's network with heads only for hair and eyes, AdamW at 4e-3 with a warm-up and a
    cosine decay, batches of 64, 5 epochs, bfloat16, no augmentation.

    Args:
        images: Samples, uint8 of shape ``(n, 3, size, size)`` with n at least one batch.
        class_ids: The requested (hair, eyes) of each, int64 of shape ``(n, 2)``.
        real_images: Real pictures, uint8 of shape ``(m, 3, size, size)``.
        real_class_ids: Their (hair, eyes), int64 of shape ``(m, 2)``.
        seed: Seed of the weights and of the order. The global random state of torch does not change.
        epochs: Passes over the samples.

    Reference:
        Ravuri and Vinyals 2019, "Classification accuracy score for conditional generative models", section 3.
    """
    if len(images) < BATCH:
        raise ValueError(f"images must be at least one batch of {BATCH}, got {len(images)}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        student = Judge({"hair": int(real_class_ids[:, 0].max()) + 1, "eyes": int(real_class_ids[:, 1].max()) + 1})
    fit(
        student,
        lambda indices: prepare(images[indices]),
        lambda pictures, indices: _loss(student, pictures, class_ids[indices]),
        count=len(images),
        epochs=epochs,
        batch=BATCH,
        rate=RATE,
        rng=torch.Generator().manual_seed(seed),
    )
    right = _right(student, real_images, real_class_ids)
    return ClassificationScore(
        hair=float(right[:, 0].float().mean()),
        eyes=float(right[:, 1].float().mean()),
        joint=float(right.all(dim=1).float().mean()),
    )


def _loss(student: Judge, images: torch.Tensor, class_ids: torch.Tensor) -> torch.Tensor:
    outputs = student(images)
    losses = [
        torch.nn.functional.cross_entropy(outputs[name].float(), class_ids[:, k]) for k, name in enumerate(outputs)
    ]
    return torch.stack(losses).sum()


def _right(student: Judge, images: torch.Tensor, class_ids: torch.Tensor) -> torch.Tensor:
    answers = []
    for batch in images.split(256):
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            outputs = student(prepare(batch))
        answers.append(torch.stack([output.argmax(dim=1) for output in outputs.values()], dim=1))
    return torch.cat(answers) == class_ids


def score_figures(score: ClassificationScore, samples: int) -> tuple[dict[str, Figure], str]:
    """Return the figures of a score with those of renders, and a note on how the latter were measured.

    The score of renders was measured once, when the judge was trained, and is in its card: measuring it again would double the
    time of the slowest figure.

    Args:
        score: The score of the samples.
        samples: Number of samples.
    """
    renders = load_card("judge")["classification_score_of_renders"]
    about = "share of real pictures that a network trained only on samples classifies correctly"
    figures = {
        "score_hair": Figure(value=score.hair, floor=renders["hair"], about=f"{about}; by hair"),
        "score_eyes": Figure(value=score.eyes, floor=renders["eyes"], about=f"{about}; by eyes"),
        "score_joint": Figure(
            value=score.joint, floor=renders["joint"], at_least=JOINT_AT_LEAST, about=f"{about}; by both"
        ),
    }
    note = (
        f"The floors of the classification score were measured with {renders['samples']} renders of the plain data set"
    )
    if samples != renders["samples"]:
        note += f"; the score itself was measured with {samples} samples, so the two are not comparable"
    return figures, f"{note}."
