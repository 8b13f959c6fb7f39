"""Heads: class logits, the projection's two terms, maps of scores, and embeddings on the sphere."""

import copy
import pickle

import numpy as np
import pytest
import torch
from blocks import oracles
from blocks.cases import fill_, numpy_state
from blocks.promises import check_copies, check_derivatives, check_inputs_stay, check_samples_apart
from hypothesis import given, strategies as st
from support.strategies import PRIMES, batch_sizes, normal, seeds
from torch import nn
from torch.testing import assert_close

from gankit.blocks import ClassHead, Conditioned, DataToDataHead, PatchHead, ProjectionHead
from gankit.constraints import gradient_penalty
from gankit.losses import Hinge, critic_loss, data_to_data_loss

primes = st.sampled_from(PRIMES)


@given(
    seed=seeds, samples=batch_sizes, features=primes, num_classes=st.lists(st.integers(1, 7), min_size=1, max_size=3)
)
def test_class_logits_equal_their_definition(seed: int, samples: int, features: int, num_classes: list[int]) -> None:
    head = ClassHead(features, num_classes).double()
    fill_(head, seed)
    x = normal(seed + 7, samples, features)
    logits = head(x)
    assert isinstance(logits, tuple)
    start = 0
    for count, got in zip(num_classes, logits, strict=True):
        rows = head.logits.weight.detach().numpy()[start : start + count]
        shifts = head.logits.bias.detach().numpy()[start : start + count]
        wanted = np.array([[float(np.dot(row, h) + b) for row, b in zip(rows, shifts, strict=True)] for h in x.numpy()])
        assert_close(got, torch.from_numpy(wanted), rtol=1e-12, atol=1e-12)
        start += count


@given(seed=seeds, samples=batch_sizes, features=primes, condition_features=primes)
def test_projection_equals_its_definition(seed: int, samples: int, features: int, condition_features: int) -> None:
    head = ProjectionHead(features, condition_features).double()
    fill_(head, seed)
    x, condition = normal(seed + 7, samples, features), normal(seed + 8, samples, condition_features)
    weight, bias = (value.detach().numpy() for value in head.linear.parameters())
    vectors = head.project.weight.detach().numpy()
    wanted = [
        np.sum(weight[0] * h) + bias[0] + np.sum((vectors @ c) * h)
        for h, c in zip(x.numpy(), condition.numpy(), strict=True)
    ]
    scores = head(x, condition)
    assert scores.shape == (samples,)
    assert_close(scores, torch.from_numpy(np.array(wanted)), rtol=1e-11, atol=1e-11)


@given(seed=seeds, samples=batch_sizes)
def test_projection_keeps_samples_apart(seed: int, samples: int) -> None:
    head = ProjectionHead(5, 3).double()
    x, condition = normal(seed, samples, 5), normal(seed + 1, samples, 3)
    apart = torch.cat([head(x[i : i + 1], condition[i : i + 1]) for i in range(samples)])
    assert_close(head(x, condition), apart, rtol=1e-12, atol=1e-12)


def test_a_condition_of_zeros_leaves_only_the_linear_term() -> None:
    head = ProjectionHead(5, 3).double()
    x = normal(1, 2, 5)
    assert_close(head(x, torch.zeros(2, 3).double()), head.linear(x).squeeze(1))


def test_projection_is_marked_as_conditioned() -> None:
    assert isinstance(ProjectionHead(2, 2), Conditioned)


def test_head_first_and_second_derivatives() -> None:
    head = ProjectionHead(3, 2).double()
    inputs = normal(1, 4, 3).requires_grad_(), normal(2, 4, 2).requires_grad_()
    assert torch.autograd.gradcheck(head, inputs)
    assert torch.autograd.gradgradcheck(head, inputs)
    classes = ClassHead(3, (2, 5)).double()
    assert torch.autograd.gradcheck(classes, inputs[:1])


def test_one_number_of_classes_is_one_attribute() -> None:
    (logits,) = ClassHead(3, 7)(torch.zeros(2, 3))
    assert logits.shape == (2, 7)


def test_copies_pickles_and_keys() -> None:
    x, condition = normal(1, 2, 5), normal(2, 2, 3)
    classes, projection = ClassHead(5, (2, 3)).double(), ProjectionHead(5, 3).double()
    for copied in (copy.deepcopy, lambda head: pickle.loads(pickle.dumps(head))):
        assert_close(copied(classes)(x), classes(x), rtol=0, atol=0)
        assert_close(copied(projection)(x, condition), projection(x, condition), rtol=0, atol=0)
    assert list(classes.state_dict()) == ["logits.weight", "logits.bias"]
    assert list(projection.state_dict()) == ["linear.weight", "linear.bias", "project.weight"]
    assert "num_classes=(2, 3)" in repr(classes)


def test_head_mistakes_are_named() -> None:
    classes, projection = ClassHead(5, (2, 3)), ProjectionHead(5, 3)
    cases = {
        "in_features must be at least 1, got 0": lambda: ClassHead(0, (2,)),
        "num_classes must name at least one attribute": lambda: ClassHead(5, ()),
        "num_classes must be at least 1, got 0": lambda: ClassHead(5, (2, 0)),
        r"features must have shape \(n, 5\), got \(2, 4\)": lambda: classes(torch.zeros(2, 4)),
        r"features must have shape \(n, 5\), got \(2, 5, 1, 1\)": lambda: classes(torch.zeros(2, 5, 1, 1)),
        "features must not be empty": lambda: classes(torch.zeros(0, 5)),
        "features must be a floating-point tensor": lambda: classes(torch.zeros(2, 5).long()),
        "condition_features must be at least 1, got 0": lambda: ProjectionHead(5, 0),
        "condition must be given": lambda: projection(torch.zeros(2, 5)),
        r"condition must have shape \(2, 3\), got \(1, 3\)": lambda: projection(torch.zeros(2, 5), torch.zeros(1, 3)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
    with pytest.raises(ValueError, match="in_features must be at least 1"):
        ProjectionHead(0, 3)


def patch_head_filled(in_channels: int, kernel_size: int = 4, padding: int = 1, seed: int = 4) -> PatchHead:
    head = PatchHead(in_channels, kernel_size=kernel_size, padding=padding).double()
    fill_(head, seed)
    return head


@given(
    seed=seeds,
    channels=st.sampled_from(PRIMES),
    size=st.sampled_from(((5, 7), (3, 4), (4, 2))),
    window=st.sampled_from(((4, 1), (3, 1), (1, 0), (2, 0), (5, 2))),
)
def test_patch_head_equals_its_definition(
    seed: int, channels: int, size: tuple[int, int], window: tuple[int, int]
) -> None:
    head, x = patch_head_filled(channels, *window, seed=seed), normal(seed + 9, 3, channels, *size)
    state = numpy_state(head)
    wanted = oracles.convolve(x.numpy(), state["score.weight"], state["score.bias"], padding=window[1])
    assert_close(head(x), torch.from_numpy(wanted), rtol=1e-10, atol=1e-11)


def test_one_score_sees_one_patch() -> None:
    head, x = patch_head_filled(3, 3, 1), normal(1, 1, 3, 7, 5).requires_grad_()
    (slope,) = torch.autograd.grad(head(x)[0, 0, 2, 3], x)
    seen = slope[0].abs().sum(dim=0) > 0
    wanted = torch.zeros(7, 5, dtype=torch.bool)
    wanted[1:4, 2:5] = True
    assert torch.equal(seen, wanted)


def test_losses_take_the_map() -> None:
    head, real, fake = patch_head_filled(3), normal(1, 2, 3, 5, 5), normal(2, 2, 3, 5, 5)
    assert_close(
        critic_loss(Hinge(), head(real), head(fake)),
        critic_loss(Hinge(), head(real).flatten(), head(fake).flatten()),
    )


def test_derivatives_samples_and_inputs() -> None:
    head, x = patch_head_filled(2), normal(1, 2, 2, 4, 3)
    check_derivatives(head, x)
    check_samples_apart(head, x)
    check_inputs_stay(head, x)


def test_layouts_agree() -> None:
    head, x = patch_head_filled(3), normal(1, 2, 3, 6, 5)
    assert_close(head(x.clone(memory_format=torch.channels_last)), head(x), rtol=1e-11, atol=1e-12)


def test_copies_and_keys() -> None:
    check_copies(patch_head_filled(3), normal(1, 2, 3, 6, 5), keys=["score.weight", "score.bias"])


def test_the_smallest_maps() -> None:
    assert PatchHead(3)(torch.zeros(1, 3, 2, 2)).shape == (1, 1, 1, 1)
    assert PatchHead(3, kernel_size=3)(torch.zeros(1, 3, 1, 1)).shape == (1, 1, 1, 1)
    assert PatchHead(3, kernel_size=1, padding=0)(torch.zeros(1, 3, 1, 2)).shape == (1, 1, 1, 2)


def test_patch_head_mistakes_are_named() -> None:
    head = PatchHead(3)
    cases = {
        "in_channels must be at least 1, got 0": lambda: PatchHead(0),
        "kernel_size must be at least 1, got 0": lambda: PatchHead(3, kernel_size=0),
        "padding must be at least 0, got -1": lambda: PatchHead(3, padding=-1),
        r"x must have shape \(n, 3, height, width\), got \(2, 3\)": lambda: head(torch.zeros(2, 3)),
        "x must have a height and width of at least 2, got 5 x 1": lambda: head(torch.zeros(2, 3, 5, 1)),
        "x must not be empty": lambda: head(torch.zeros(0, 3, 4, 4)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()


def sphere_head_filled(in_features: int, num_classes: int, embedding_features: int, seed: int = 4) -> DataToDataHead:
    head = DataToDataHead(in_features, num_classes, embedding_features).double()
    fill_(head, seed)
    return head


@given(seed=seeds, samples=batch_sizes, in_features=primes, num_classes=st.integers(1, 5), embedding_features=primes)
def test_sphere_head_equals_its_definition(
    seed: int, samples: int, in_features: int, num_classes: int, embedding_features: int
) -> None:
    head, features = (
        sphere_head_filled(in_features, num_classes, embedding_features, seed),
        normal(seed + 9, samples, in_features),
    )
    state = numpy_state(head)
    raw = [state["embed.weight"] @ x + state["embed.bias"] for x in features.numpy()]
    embeddings, proxies = head(features)
    wanted = np.stack([vector / np.sqrt(np.sum(vector**2)) for vector in raw])
    assert_close(embeddings, torch.from_numpy(wanted), rtol=1e-10, atol=1e-12)
    wanted = np.stack([vector / np.sqrt(np.sum(vector**2)) for vector in state["proxies"]])
    assert_close(proxies, torch.from_numpy(wanted), rtol=1e-12, atol=1e-13)


@given(seed=seeds)
def test_lengths_do_not_count(seed: int) -> None:
    head, features = sphere_head_filled(3, 5, 7, seed), normal(seed, 4, 3)
    head.embed.bias.data.zero_()
    before = head(features)
    head.proxies.data.mul_(3)
    assert_close(head(1e3 * features), before, rtol=1e-11, atol=1e-12)


@given(seed=seeds)
def test_the_loss_takes_it_as_it_is(seed: int) -> None:
    head, features, labels = sphere_head_filled(3, 5, 7, seed), normal(seed, 4, 3), torch.tensor([0, 4, 2, 0])
    wanted = data_to_data_loss(head.embed(features), head.proxies, labels)
    embeddings, proxies = head(features)
    assert_close(data_to_data_loss(embeddings, proxies, labels), wanted, rtol=1e-10, atol=1e-12)


def test_learns_classes() -> None:
    torch.manual_seed(1)
    head, labels = DataToDataHead(8, 3, 16), torch.arange(12) % 3
    features = torch.randn(3, 8)[labels] + 0.1 * torch.randn(12, 8)
    optimizer = torch.optim.Adam(head.parameters(), 0.05)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        embeddings, proxies = head(features)
        loss = data_to_data_loss(embeddings, proxies, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    embeddings, proxies = head(features)
    assert losses[-1] < losses[0]
    assert torch.equal((embeddings @ proxies.T).argmax(dim=1), labels)


@pytest.mark.parametrize("result", [0, 1])
def test_sphere_head_first_and_second_derivatives(result: int) -> None:
    check_derivatives(sphere_head_filled(3, 2, 5), normal(1, 4, 3), call=lambda head, features: head(features)[result])


def test_a_penalty_runs_through_the_embeddings() -> None:
    head = sphere_head_filled(3, 2, 5)
    real, fake = normal(3, 4, 3), normal(4, 4, 3)
    gradient_penalty(lambda x: head(x)[0].pow(3).sum(dim=1), real, fake).backward()
    assert head.embed.weight.grad is not None
    assert head.embed.weight.grad.abs().min() > 0


def test_a_row_of_zeros_stays_and_gets_a_finite_slope() -> None:
    head = sphere_head_filled(3, 2, 5)
    head.embed.bias.data.zero_()
    features = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    embeddings, _ = head(features)
    assert torch.equal(embeddings, torch.zeros(2, 5, dtype=torch.float64))
    (slope,) = torch.autograd.grad(embeddings.sum(), features)
    assert slope.isfinite().all()
    assert slope.abs().max() < 10


def test_is_wide_under_autocast_and_in_half_precision() -> None:
    head, features = sphere_head_filled(3, 2, 5).float(), torch.randn(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert [part.dtype for part in head(features)] == [torch.float32] * 2
    assert [part.dtype for part in head.bfloat16()(features.bfloat16())] == [torch.float32] * 2


def test_keeps_its_inputs_copies_and_keys() -> None:
    head, features = sphere_head_filled(3, 2, 5), normal(1, 4, 3)
    check_inputs_stay(head, features)
    check_copies(head, features, keys=["proxies", "embed.weight", "embed.bias"])
    assert "num_classes=2" in repr(head)
    assert isinstance(DataToDataHead(3, 2).embed, nn.Linear)
    assert DataToDataHead(3, 2).proxies.shape == (2, 512)


def test_proxies_start_in_all_directions() -> None:
    torch.manual_seed(1)
    _, proxies = DataToDataHead(2, 300, 64)(torch.ones(1, 2))
    assert_close(proxies.mean(0), torch.zeros(64), rtol=0, atol=0.04)
    assert_close((proxies.mT @ proxies) / 300, torch.eye(64) / 64, rtol=0, atol=0.006)


def test_sphere_head_mistakes_are_named() -> None:
    head = DataToDataHead(3, 2)
    cases = {
        "in_features must be at least 1, got 0": lambda: DataToDataHead(0, 2),
        "num_classes must be at least 1, got 0": lambda: DataToDataHead(3, 0),
        "embedding_features must be at least 1, got 0": lambda: DataToDataHead(3, 2, 0),
        r"num_classes must be a whole number, got \(12, 11\)": lambda: DataToDataHead(3, (12, 11)),  # type: ignore[arg-type]
        r"features must have shape \(n, 3\), got \(4, 5\)": lambda: head(torch.zeros(4, 5)),
        "features must not be empty": lambda: head(torch.zeros(0, 3)),
    }
    for message, mistake in cases.items():
        with pytest.raises(ValueError, match=message):
            mistake()
