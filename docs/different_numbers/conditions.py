"""Losses of conditions: matching pairs, class heads, data to data, conditioning augmentation."""

from collections.abc import Callable
from functools import partial

import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cosine_similarity, cross_entropy, relu, softplus

import gankit as gk
from docs.different_numbers.example import Example
from docs.different_numbers.scores import TF_GAN
from docs.different_numbers.tables import Row, Table, read, run


def matching_aware(example: Example) -> Table:
    """Compare weights of real, mismatched and fake pairs, for the logistic objective."""
    real, mismatched, fake = example.real_scores, example.mismatched_scores, example.fake_scores
    own = gk.losses.matching_aware_critic_loss(gk.losses.Logistic(), real, mismatched, fake).item()
    unweighted = softplus(-real).mean() + softplus(mismatched).mean() + softplus(fake).mean()
    same = (
        read("GAN-CLS (reedscot)", "main_cls.lua, cls_weight 0.5"),
        read("StackGAN-Pytorch", "code/miscc/utils.py, stage I"),
    )
    rows = (
        Row(what="**gankit**: real + ½ mismatched + ½ fake", value=own, by=same),
        Row(
            what="all with weight 1, in gankit only with `balanced=False`",
            value=unweighted.item(),
            by=(read("Text-to-Image-Synthesis (aelnouby)", "trainer.py, at 36edc46; ½ and ½ before"),),
        ),
    )
    return Table(name="matching_aware", rows=rows)


def shift_of_unbalanced(example: Example) -> Table:
    """Compare how the matching-aware Wasserstein loss changes if 100 is added to every score."""
    loss = partial(gk.losses.matching_aware_critic_loss, gk.losses.Wasserstein())
    scores = (example.real_scores, example.mismatched_scores, example.fake_scores)
    moved = tuple(side + 100 for side in scores)

    def change(loss: Callable[..., torch.Tensor]) -> float:
        return abs(round((loss(*moved) - loss(*scores)).item(), 9))

    rows = (
        Row(what="**gankit**: weights ½ and ½", value=change(loss)),
        Row(
            what="all with weight 1: lower scores always lower the loss, so the critic's bias falls without limit",
            value=change(partial(loss, mismatched_weight=1.0, fake_weight=1.0, balanced=False)),
            by=(read("Text-to-Image-Synthesis (aelnouby)", "trainer.py, _train_wgan"),),
        ),
    )
    return Table(name="shift_of_unbalanced", rows=rows)


def class_terms(example: Example) -> Table:
    """Compare losses of the class head of an AC-GAN's critic."""
    real, fake, classes = example.real_logits, example.fake_logits, example.classes
    own = gk.losses.class_loss(real, classes) + gk.losses.class_loss(fake, classes)
    both = cross_entropy(real, classes) + cross_entropy(fake, classes)
    rows = (
        Row(
            what="**gankit**: one `class_loss` on reals plus one on fakes, as in the paper",
            value=own.item(),
            by=(run(TF_GAN, "python/losses/losses_impl.py"),),
        ),
        Row(
            what="a quarter of it; the score's loss is halved too",
            value=0.25 * both.item(),
            by=(read("PyTorch-GAN", "implementations/acgan/acgan.py"),),
        ),
        Row(
            what="reals only, in gankit one call",
            value=cross_entropy(real, classes).item(),
            by=(read("StarGAN", "solver.py"),),
        ),
    )
    return Table(name="class_terms", rows=rows)


def tags(example: Example) -> Table:
    """Compare averages over independent tags."""
    logits, wanted = example.real_logits, example.tags
    rows = (
        Row(
            what="**gankit**: the sum over tags, the mean over samples",
            value=gk.losses.multi_label_loss(logits, wanted).item(),
            by=(read("StarGAN", "solver.py"),),
        ),
        Row(
            what="the mean over tags too",
            value=binary_cross_entropy_with_logits(logits, wanted).item(),
            by=(run("torch 2.13.0", "nn.functional.binary_cross_entropy_with_logits"),),
        ),
    )
    return Table(name="tags", rows=rows)


def unlabeled_rows(example: Example) -> Table:
    """Compare the loss of a batch of 5 with 2 unlabeled rows."""
    classes = example.classes.clone()
    classes[:2] = -1
    rows = (
        Row(
            what="**gankit**: the sum over labeled rows divided by the number of all rows; a batch is the mean of its parts",
            value=gk.losses.class_loss(example.real_logits, classes).item(),
        ),
        Row(
            what="divided by the number of labeled rows; NaN without any",
            value=cross_entropy(example.real_logits, classes, ignore_index=-1).item(),
            by=(run("torch 2.13.0", "nn.functional.cross_entropy, ignore_index=-1"),),
        ),
    )
    return Table(name="unlabeled_rows", rows=rows)


def data_to_data(example: Example) -> Table:
    """Compare data-to-data cross-entropies, temperature 0.5 and margins 0.98 and 0.02."""
    embeddings, goals, classes = example.embeddings, example.proxies[example.classes], example.classes
    others = cosine_similarity(embeddings.unsqueeze(1), embeddings.unsqueeze(0), dim=-1)
    itself = torch.eye(len(classes), dtype=torch.bool)
    repulsion = (others - 0.02) / 0.5
    largest = repulsion.masked_fill(itself, -torch.inf).amax(dim=1, keepdim=True)
    differs = classes.unsqueeze(1) != classes.unsqueeze(0)
    shifted = (differs * torch.exp(relu(repulsion) - largest)).sum(1)
    attraction = relu(0.98 - cosine_similarity(embeddings, goals, dim=-1)) / 0.5
    program = attraction + torch.log(torch.exp(-attraction) + shifted)
    own = gk.losses.data_to_data_loss(embeddings, example.proxies, classes).item()
    rows = (
        Row(what="**gankit**, as the paper's equation 9", value=own),
        Row(
            what="only the other samples' part is divided by the exponential of its largest exponent",
            value=program.mean().item(),
            by=(read("StudioGAN", "src/utils/losses.py, Data2DataCrossEntropyLoss"),),
        ),
    )
    return Table(name="data_to_data", rows=rows)


def conditioning_kl(example: Example) -> Table:
    """Compare averages of the divergence of conditioning augmentation, for 7 features."""
    mean, log_variance = example.conditions, 0.5 * example.real_logits
    costs = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)
    rows = (
        Row(
            what="**gankit**: the sum over features, the mean over samples, as the divergence is defined",
            value=gk.losses.conditioning_kl_loss(mean, log_variance).item(),
        ),
        Row(
            what="the mean over features too",
            value=costs.mean().item(),
            by=(read("StackGAN-Pytorch", "code/miscc/utils.py"),),
        ),
    )
    return Table(name="conditioning_kl", rows=rows)
