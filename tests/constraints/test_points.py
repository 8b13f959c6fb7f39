"""Points of one part and of several: one norm over all parts, one share a sample for all of them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Quadratic
from support.oracles import row_norms
from support.strategies import normal, sample_pairs, seeds

from gankit.constraints import (
    dragan_penalty,
    finite_difference_penalty,
    gradient_norm,
    gradient_penalty,
    matching_aware_gradient_penalty,
    max_gradient_penalty,
    score_gradient,
    zero_centered_penalty,
)
from gankit.constraints._points import share_of_each_sample, wider_dtype


class Pair(NamedTuple):
    """An image and its text."""

    image: torch.Tensor
    text: torch.Tensor


class JointQuadratic:
    """Quadratic in both parts together: the gradient of each part changes with both."""

    def __init__(self, seed: int) -> None:
        self.joint = Quadratic(seed, 2 * 3 + 5)

    def of(self, image: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        return self.joint(torch.cat([image.flatten(1), text], dim=1))

    def of_mapping(self, x: Mapping[str, torch.Tensor]) -> torch.Tensor:
        return self.of(x["image"], x["text"])

    def of_pair(self, x: Pair) -> torch.Tensor:
        return self.of(x.image, x.text)

    def of_tuple(self, x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        return self.of(*x)


def _parts(seed: int, n: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    return normal(seed, n, 2, 3), normal(seed + 1, n, 5)


def _oracle(critic: JointQuadratic, image: torch.Tensor, text: torch.Tensor) -> np.ndarray[Any, np.dtype[np.float64]]:
    rows = np.concatenate([image.reshape(len(image), -1).numpy(), text.numpy()], axis=1)
    return row_norms(rows @ critic.joint.matrix.numpy())


@given(seed=seeds)
def test_the_norm_is_over_all_parts_together_in_every_form(seed: int) -> None:
    critic, (image, text) = JointQuadratic(seed), _parts(seed)
    expected = torch.from_numpy(_oracle(critic, image, text))
    mapping, pair = {"image": image, "text": text}, Pair(image, text)
    for norm in (
        gradient_norm(critic.of_mapping, mapping),
        gradient_norm(critic.of_mapping, MappingProxyType(mapping)),
        gradient_norm(critic.of_pair, pair),
        gradient_norm(critic.of_tuple, (image, text)),
    ):
        torch.testing.assert_close(norm, expected)
    torch.testing.assert_close(zero_centered_penalty(critic.of_mapping, mapping), expected.square().mean())


@given(seed=seeds)
def test_one_share_a_sample_mixes_all_parts(seed: int) -> None:
    critic, real, fake = JointQuadratic(seed), _parts(seed), _parts(seed + 2)
    mix = torch.rand(7, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    image, text = (
        mix.view(-1, *[1] * (r.ndim - 1)) * r + (1 - mix.view(-1, *[1] * (r.ndim - 1))) * f
        for r, f in zip(real, fake, strict=True)
    )
    expected = np.mean((_oracle(critic, image, text) - 1) ** 2)
    given_mix = gradient_penalty(critic.of_tuple, real, fake, mix=mix)
    assert given_mix.item() == pytest.approx(expected, rel=1e-9)
    drawn = gradient_penalty(critic.of_pair, Pair(*real), Pair(*fake), rng=torch.Generator().manual_seed(seed))
    assert drawn.item() == pytest.approx(expected, rel=1e-9)


@given(seed=seeds)
def test_parts_of_mappings_are_matched_by_name(seed: int) -> None:
    critic, real, fake = JointQuadratic(seed), _parts(seed), _parts(seed + 2)
    mix = torch.rand(7, dtype=torch.float64)
    in_order = gradient_penalty(critic.of_tuple, real, fake, mix=mix)
    turned = {"text": fake[1], "image": fake[0]}
    named = gradient_penalty(critic.of_mapping, {"image": real[0], "text": real[1]}, turned, mix=mix)
    torch.testing.assert_close(named, in_order)


@given(pair=sample_pairs(), seed=seeds)
def test_one_part_in_a_tuple_is_the_part_alone(pair: tuple[torch.Tensor, torch.Tensor], seed: int) -> None:
    real, fake = pair
    critic = Quadratic(seed, real[0].numel())
    alone = gradient_penalty(critic, real, fake, rng=torch.Generator().manual_seed(seed))
    wrapped = gradient_penalty(lambda x: critic(x[0]), (real,), (fake,), rng=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(wrapped, alone)


def test_the_critic_and_the_gradient_have_the_form_of_the_points() -> None:
    image, text = (part.requires_grad_() for part in _parts(0))
    pair = Pair(image, text)
    gradient = score_gradient(JointQuadratic(0).of_pair(pair), pair)
    assert type(gradient) is Pair
    assert [part.shape for part in gradient] == [image.shape, text.shape]
    forms: list[type] = []

    def critic(x: Any) -> torch.Tensor:
        forms.append(type(x))
        return sum(part.flatten(1).sum(1) for part in (x.values() if isinstance(x, dict) else x))  # type: ignore[return-value]

    gradient_norm(critic, pair)
    gradient_norm(critic, (image, text))
    gradient_norm(critic, MappingProxyType({"a": image}))
    assert forms == [Pair, tuple, dict]


def test_a_part_with_a_zero_gradient_has_the_right_second_derivative() -> None:
    def norm(weight: torch.Tensor) -> torch.Tensor:
        return gradient_norm(lambda x: 3 * x[0].sum(1) + (x[1] * weight).sum(1), (torch.zeros(2, 3), torch.zeros(2, 1)))

    weight = torch.zeros(1, requires_grad=True)
    (first,) = torch.autograd.grad(norm(weight).sum(), weight, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), weight)
    # The norm is sqrt(27 + weight ** 2): its second derivative at 0 is 1 / sqrt(27), once for each of two samples.
    torch.testing.assert_close(second, torch.full((1,), 2 / 27**0.5))


def test_no_part_reaches_the_generator() -> None:
    weight = torch.ones(3, requires_grad=True)
    real, fake = (torch.ones(2, 3), torch.ones(2, 3)), (weight * torch.ones(2, 3), weight + torch.ones(2, 3))
    layer = torch.nn.Linear(3, 1)
    gradient_penalty(lambda x: layer(x[0] * x[1]), real, fake).backward()
    assert weight.grad is None
    assert layer.weight.grad is not None


def test_shares_are_drawn_in_the_widest_dtype_of_all_points() -> None:
    narrow, wide = normal(0, 3, 2, dtype=torch.float32), normal(1, 3, 2)
    drawn = torch.rand(3, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    for points in ((narrow, wide), (wide, narrow), (narrow, narrow, wide)):
        shares = share_of_each_sample(None, torch.Generator().manual_seed(5), *points)
        assert shares.dtype == torch.float64
        assert torch.equal(shares, drawn)
    assert wider_dtype(narrow, narrow) == torch.float32


def test_a_share_of_another_dtype_leaves_the_samples_dtype() -> None:
    seen: list[torch.dtype] = []

    def critic(x: tuple[torch.Tensor, ...]) -> torch.Tensor:
        seen.extend(part.dtype for part in x)
        return x[0].sum(1) + x[1].sum(1)

    real = torch.zeros(2, 3, dtype=torch.bfloat16), torch.zeros(2, 3)
    gradient_penalty(critic, real, real, mix=torch.rand(2, dtype=torch.float64))
    gradient_penalty(critic, real, (real[1], real[1]))
    assert seen == [torch.bfloat16, torch.float32, torch.float32, torch.float32]


_TWO = {"a": torch.zeros(2, 3), "b": torch.zeros(2, 1)}


@pytest.mark.parametrize(
    ("real", "fake", "match"),
    [
        ([torch.zeros(2, 3)], [torch.zeros(2, 3)], "real must be a tensor, or a mapping or a tuple of tensors, got list"),
        ((), (), "real must hold at least one tensor, got an empty tuple"),
        ({}, {}, "real must hold at least one tensor, got an empty dict"),
        ({**_TWO, "b": 1.0}, _TWO, r"real\['b'\] must be a tensor, got float"),
        (_TWO, {**_TWO, "b": torch.zeros(2, 1).int()}, r"fake\['b'\] must be a floating-point tensor, got dtype torch.int32"),
        ({**_TWO, "b": torch.zeros(0, 1)}, _TWO, r"real\['b'\] must not be empty, got shape \(0, 1\)"),
        ({**_TWO, "b": torch.zeros(3, 1)}, _TWO, r"real\['b'\] must hold as many samples as real\['a'\], got 3 and 2"),
        ({**_TWO, "b": torch.zeros(2, 1, device="meta")}, _TWO,
         r"real\['b'\] must be on the device of real\['a'\], got meta and cpu"),
        (_TWO, {"a": _TWO["a"]}, r"same parts, got \[\"fake\['a'\]\"\] and \[\"real\['a'\]\", \"real\['b'\]\"\]"),
        (_TWO, tuple(_TWO.values()), r"fake and real must have the same parts, got \['fake\[0\]', 'fake\[1\]'\] and"),
        (_TWO["a"], (_TWO["a"],), r"fake and real must have the same parts, got \['fake\[0\]'\] and \['real'\]"),
        (_TWO, {**_TWO, "b": torch.zeros(2, 2)},
         r"fake\['b'\] and real\['b'\] must have the same shape, got \(2, 2\) and \(2, 1\)"),
    ],
)  # fmt: skip
def test_mistakes_are_named_by_part(real: Any, fake: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        gradient_penalty(lambda x: x["a"].sum(1) + x["b"].sum(1), real, fake)


def test_the_share_of_several_parts_has_one_axis() -> None:
    parts = (torch.zeros(2, 3), torch.zeros(2, 3))
    with pytest.raises(ValueError, match=r"mix must have shape \(2,\), one share per sample, got \(2, 1\)"):
        gradient_penalty(lambda x: x[0].sum(1) + x[1].sum(1), parts, parts, mix=torch.zeros(2, 1))
    with pytest.raises(ValueError, match=r"mix must be a floating-point tensor, got dtype torch\.int64"):
        gradient_penalty(lambda x: x.sum(1), parts[0], parts[1], mix=torch.zeros(2, 1).long())


def test_a_part_that_the_critic_ignores_is_named() -> None:
    parts = {"a": torch.zeros(2, 3), "b": torch.zeros(2, 1)}
    with pytest.raises(ValueError, match=r"scores must depend on inputs\['b'\], got a critic that ignores its input"):
        zero_centered_penalty(lambda x: x["a"].sum(1), parts)


def test_a_part_without_gradients_is_named() -> None:
    parts = (torch.zeros(2, 3, requires_grad=True), torch.zeros(2, 1))
    with pytest.raises(ValueError, match=r"inputs\[1\] must require gradients before the critic sees them"):
        score_gradient(parts[0].sum(1) + parts[1].sum(1), parts)


@given(n=st.integers(2, 7))
def test_one_score_for_several_samples_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"got a 0-d tensor for {n} samples: a mean over the batch divides each"):
        gradient_norm(lambda x: x.mean(), torch.zeros(n, 3))
    assert gradient_norm(lambda x: x.sum(), torch.zeros(1, 4)).tolist() == [2.0]


PENALTIES: dict[str, Callable[[Any, torch.Tensor], object]] = {
    "gradient_norm": gradient_norm,
    "gradient_penalty": lambda critic, points: gradient_penalty(critic, points, points + 1),
    "max_gradient_penalty": lambda critic, points: max_gradient_penalty(critic, points, points + 1),
    "zero_centered_penalty": zero_centered_penalty,
    "dragan_penalty": dragan_penalty,
    "finite_difference_penalty": finite_difference_penalty,
    "matching_aware_gradient_penalty": lambda critic, points: matching_aware_gradient_penalty(
        critic and (lambda x, y: critic(x + y)), points, points
    ),
}
every_penalty = pytest.mark.parametrize("penalty", PENALTIES.values(), ids=PENALTIES)


@every_penalty
@pytest.mark.parametrize("rows", [1, 3, 6, 8, 11])
def test_scores_of_other_rows_than_the_samples_are_refused(penalty: Callable[..., object], rows: int) -> None:
    def critic(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x, x]).square().sum(1)[:rows]

    expected = (
        rf"scores must have as many rows as there are samples, or a multiple, got shape \({rows},\) for 7 samples"
    )
    with pytest.raises(ValueError, match=expected):
        penalty(critic, normal(1, 7, 3))


def test_several_scores_of_each_sample_may_be_in_rows_of_their_own() -> None:
    points, critic = normal(1, 7, 3), Quadratic(2, 3)
    summed = gradient_norm(lambda x: 3 * critic(x), points)
    torch.testing.assert_close(gradient_norm(lambda x: torch.cat([critic(x), 2 * critic(x)]), points), summed)
    torch.testing.assert_close(
        gradient_norm(lambda x: torch.stack([critic(x), 2 * critic(x)], 1).flatten(), points), summed
    )


@every_penalty
def test_what_is_no_critic_is_named(penalty: Callable[..., object]) -> None:
    with pytest.raises(ValueError, match="critic must be a callable from samples to scores, got None"):
        penalty(None, normal(1, 7, 3))


@every_penalty
def test_a_critic_that_needs_labels_says_how_to_bind_them(penalty: Callable[..., object]) -> None:
    def critic(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return x.sum(1) * labels

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'labels'") as found:
        penalty(critic, normal(1, 7, 3))
    (note,) = found.value.__notes__
    assert note.startswith("A penalty calls the critic with the samples alone.")
    assert note.endswith("bind them: lambda x: critic(x, labels)")


def test_a_critic_of_another_form_is_a_type_error() -> None:
    def of_tensor(x: torch.Tensor) -> torch.Tensor:
        return x.sum(1)

    # pyright reports an unneeded ignore: these lines fail the type check once the forms are no longer told apart.
    with pytest.raises(AttributeError):
        zero_centered_penalty(of_tensor, _TWO)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="same parts"):
        gradient_penalty(of_tensor, _TWO["a"], _TWO)  # pyright: ignore[reportArgumentType]
