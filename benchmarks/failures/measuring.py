"""What is measured at the end of a run: one number for each way to fail."""

import copy
from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import gankit as gk
from benchmarks.failures.faces import Faces
from benchmarks.failures.networks import LATENTS
from benchmarks.failures.plan import Plan
from benchmarks.failures.training import Outcome, samples_of
from examples.anime_faces.judge import encode, load_encoder, load_judge, read
from examples.anime_faces.metrics import frechet_distance

SAMPLES = 1_024


def to_bytes(images: torch.Tensor) -> torch.Tensor:
    """Return pictures in -1..1 as uint8."""
    return ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)


def watched(samples: torch.Tensor, faces: Faces, *, by_judge: bool) -> dict[str, float]:
    """Return what a few samples of fixed latents show, labels being the first of the data set.

    Args:
        samples: In -1..1.
        faces: The data set.
        by_judge: Whether the judge reads the hair colors, which takes a while.
    """
    figures = {
        "variety": _apart(samples) / _apart(faces.held_out[:256]),
        "checkers": _checkers(samples) / _checkers(faces.held_out),
        "darkest": _darkest(samples),
    }
    if by_judge:
        figures["hair"] = _as_asked(read(load_judge(), to_bytes(samples)), faces.labels[: len(samples)])
    return figures


def measure(outcome: Outcome, faces: Faces, plan: Plan) -> dict[str, float]:
    """Return the figures of a run by a plan; those of its curves are medians of the last ten points."""
    rng = torch.Generator().manual_seed(0)
    labels = faces.labels[:SAMPLES]
    samples = samples_of(outcome.generator, torch.randn(SAMPLES, LATENTS, generator=rng), labels)
    if not bool(samples.isfinite().all()):
        return {}
    real, fake = to_bytes(faces.held_out), to_bytes(samples)
    encoder = load_encoder()
    seen = read(load_judge(), fake)
    last = {name: _last(values) for name, values in outcome.curves.items()}
    return {
        "distance": frechet_distance(encode(encoder, real), encode(encoder, fake)),
        "variety": _apart(samples[:256]) / _apart(faces.held_out[:256]),
        "faces": float((seen["face"] > 0.5).mean()),
        "hair": _as_asked(seen, labels),
        "darkest": _darkest(samples),
        "checkers": _checkers(samples) / _checkers(faces.held_out),
        "memory": _memory(outcome.critic, plan, faces),
        "slope": _slope(outcome.critic, faces, samples),
        "coupling": _coupling(outcome.critic, faces, plan.batch_size),
        "motion": _motion(outcome.moved) / _apart(faces.held_out[:256]),
        **{name: value for name, value in last.items() if "/" in name},
    }


def _as_asked(seen: Mapping[str, np.ndarray], labels: torch.Tensor) -> float:
    return float((torch.from_numpy(seen["hair"]).argmax(1) == labels.argmax(1)).float().mean())


def _darkest(samples: torch.Tensor) -> float:
    """Return the value that a twentieth of all numbers is below."""
    return float(samples.flatten().kthvalue(samples.numel() // 20).values)


def _last(values: list[float]) -> float:
    return float(torch.tensor(values[-10:]).median())


def _reduced(images: torch.Tensor) -> torch.Tensor:
    return functional.adaptive_avg_pool2d(images, 16).flatten(1)


def _apart(images: torch.Tensor) -> float:
    """Return the mean distance of two pictures."""
    return float(torch.pdist(_reduced(images)).mean())


def _motion(sets: list[torch.Tensor]) -> float:
    """Return the mean distance of pictures of the same latents, one set of rounds apart."""
    if len(sets) < 2:
        return 0.0
    steps = [(after - before).norm(dim=1).mean() for before, after in pairwise(map(_reduced, sets))]
    return float(torch.stack(steps).mean())


def _checkers(images: torch.Tensor) -> float:
    """Return how much brightness depends on whether row and column are even: the variance of the means of the four kinds.

    Real pictures have next to none, since the four kinds of pixels are alike. A layer that doubles pictures and treats them
    differently prints a pattern of two pixels. Only details count: the mean of the neighbors is subtracted first.
    """
    gray = images.mean(1, keepdim=True)
    details = gray - functional.avg_pool2d(gray, 3, stride=1, padding=1, count_include_pad=False)
    kinds = functional.pixel_unshuffle(details, 2).mean((2, 3))
    return float(kinds.var(1).mean())


@torch.no_grad()
def _memory(critic: nn.Module, plan: Plan, faces: Faces) -> float:
    """Return how far a critic scores pictures that it was trained on above others, in standard deviations of both."""
    trained, new = plan.data(faces.images[: plan.pictures])[:SAMPLES], plan.data(faces.held_out)
    was = critic.training
    critic.eval()
    scores, others = (critic(images, faces.labels[: len(images)]) for images in (trained, new))
    critic.train(was)
    return float((scores.mean() - others.mean()) / torch.cat([scores, others]).std().clamp_min(1e-6))


def _slope(critic: nn.Module, faces: Faces, samples: torch.Tensor) -> float:
    """Return the median norm of the critic's gradient half way between real pictures and samples, each alone."""
    was = critic.training
    critic.eval()
    points = (faces.held_out[:256] + samples[:256]) / 2
    norms = gk.constraints.gradient_norm(lambda x: critic(x, faces.labels[: len(x)]), points)
    critic.train(was)
    return float(norms.detach().median())


@torch.no_grad()
def _coupling(critic: nn.Module, faces: Faces, batch_size: int) -> float:
    """Return how much a picture's score depends on the others of its batch: its standard deviation between batches.

    It is divided by the standard deviation of the scores of different pictures.
    """
    critic = copy.deepcopy(critic).train()
    rng = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(32):
        others = torch.randint(32, len(faces.held_out), (32, batch_size - 1), generator=rng)
        rows = [torch.cat([torch.tensor([one]), row]) for one, row in enumerate(others)]
        batches.append(torch.stack([critic(faces.held_out[row], faces.labels[row])[0] for row in rows]))
    scores = torch.stack(batches)  # (batches, pictures)
    return float(scores.std(0).mean() / scores.mean(0).std().clamp_min(1e-6))
