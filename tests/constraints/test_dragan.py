"""DRAGAN's penalty against critics whose gradients are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from support.critics import Quadratic, linear, smooth_network
from support.oracles import row_norms
from support.second_order import parameters_pass_gradcheck
from support.strategies import normal, sample_shapes, seeds

from gankit._core import batch_in_parts
from gankit.constraints import _dragan, dragan_penalty, gradient_norm

targets = st.floats(0, 3)


def _uniform(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _share(seed: int, samples: torch.Tensor) -> torch.Tensor:
    return _uniform(seed, len(samples), *[1] * (samples.ndim - 1))


class _Seen:
    """A critic with slope 1 everywhere that keeps the points it was shown."""

    def __init__(self) -> None:
        self.points = torch.empty(0)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        self.points = x.detach()
        return x.flatten(1).sum(1)


@given(
    shape=sample_shapes, seed=seeds, scale=st.sampled_from((1e-3, 1.0, 1e3)), target=targets, symmetric=st.booleans()
)
def test_the_penalty_of_a_linear_critic_is_the_squared_excess_of_its_slope(
    shape: tuple[int, ...], seed: int, scale: float, target: float, *, symmetric: bool
) -> None:
    critic, slope = linear(seed, shape[1:], scale)
    penalty = dragan_penalty(critic, normal(seed, *shape), target=target, symmetric=symmetric)
    torch.testing.assert_close(penalty, (slope.norm() - target) ** 2, rtol=1e-9, atol=1e-12)


@given(shape=sample_shapes, seed=seeds, share=st.sampled_from((0.0, 0.5, 1.5)))
def test_the_one_sided_form_is_the_other_above_the_target_and_zero_below(
    shape: tuple[int, ...], seed: int, share: float
) -> None:
    critic, slope = linear(seed, shape[1:])
    target = share * slope.norm().item()
    both = dragan_penalty(critic, normal(seed, *shape), target=target)
    one = dragan_penalty(critic, normal(seed, *shape), target=target, one_sided=True)
    assert one == (both if slope.norm() > target else 0)


@given(shape=sample_shapes, seed=seeds, scale=st.floats(0.1, 3), symmetric=st.booleans(), given=st.booleans())
def test_a_quadratic_critic_sees_where_the_slope_is_taken(
    shape: tuple[int, ...], seed: int, scale: float, *, symmetric: bool, given: bool
) -> None:
    real, noise = normal(seed, *shape, scale=3.0) + 1, _uniform(seed + 1, *shape)
    mix = _share(seed + 2, real)
    critic = Quadratic(seed, real[0].numel())
    x, draw = real.numpy().reshape(len(real), -1), noise.numpy().reshape(len(real), -1)
    deviation = 0.7 if given else np.sqrt(np.sum((x - x.sum() / x.size) ** 2) / (x.size - 1))
    points = [
        row + share * scale * deviation * (2 * step - 1 if symmetric else step)
        for row, share, step in zip(x, mix.flatten().numpy(), draw, strict=True)
    ]
    expected = float(np.mean((row_norms(np.stack(points) @ critic.matrix.numpy()) - 1) ** 2))
    penalty = dragan_penalty(
        critic, real, scale=scale, symmetric=symmetric, deviation=0.7 if given else None, noise=noise, mix=mix
    )
    assert penalty.item() == pytest.approx(expected, rel=1e-9)


@given(shape=sample_shapes, seed=seeds)
def test_shares_are_drawn_first_and_noise_for_every_element(shape: tuple[int, ...], seed: int) -> None:
    real, critic = normal(seed, *shape), _Seen()
    state = torch.get_rng_state()
    dragan_penalty(critic, real, rng=torch.Generator().manual_seed(seed))
    assert torch.equal(state, torch.get_rng_state())
    rng = torch.Generator().manual_seed(seed)
    mix = torch.rand((len(real), *[1] * (real.ndim - 1)), generator=rng, dtype=torch.float64)
    noise = torch.rand(shape, generator=rng, dtype=torch.float64)
    torch.testing.assert_close(critic.points, real + mix * 0.5 * real.std() * noise)
    assert len(set(mix.flatten().tolist())) == len(real)


@given(seed=seeds)
def test_a_generator_draws_only_what_is_not_given(seed: int) -> None:
    real, critic = normal(seed, 3, 5), _Seen()
    noise, mix = _uniform(seed + 1, 3, 5), _share(seed + 2, real)
    dragan_penalty(critic, real, noise=noise, rng=torch.Generator().manual_seed(seed))
    shares = torch.rand((3, 1), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    torch.testing.assert_close(critic.points, real + shares * 0.5 * real.std() * noise)
    dragan_penalty(critic, real, mix=mix, rng=torch.Generator().manual_seed(seed))
    drawn = torch.rand((3, 5), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    torch.testing.assert_close(critic.points, real + mix * 0.5 * real.std() * drawn)


def test_one_sided_noise_brightens_by_a_quarter_of_the_deviation_and_symmetric_noise_does_not() -> None:
    real, mix = normal(0, 200, 3, 16, 16), torch.ones(200, 1, 1, 1, dtype=torch.float64)
    shifts = []
    for symmetric in (False, True):
        critic = _Seen()
        dragan_penalty(critic, real, mix=mix, symmetric=symmetric, rng=torch.Generator().manual_seed(1))
        shifts.append(((critic.points - real).mean() / real.std()).item())
    assert shifts[0] == pytest.approx(0.25, abs=0.002)
    assert shifts[1] == pytest.approx(0, abs=0.004)


def test_parts_of_a_sample_have_their_own_deviations_and_share_the_way() -> None:
    real = {"image": normal(0, 5, 2, 3, scale=4.0), "mask": normal(1, 5, 7, scale=0.1)}
    noise = {"mask": _uniform(3, 5, 7), "image": _uniform(2, 5, 2, 3)}
    mix = _uniform(4, 5)
    images, masks = Quadratic(0, 6), Quadratic(1, 7)
    slopes = []
    for name, critic in (("image", images), ("mask", masks)):
        x, draw = real[name].numpy().reshape(5, -1), noise[name].numpy().reshape(5, -1)
        points = x + mix.numpy()[:, None] * 0.5 * x.std(ddof=1) * draw
        slopes.append(points @ critic.matrix.numpy())
    expected = float(np.mean((row_norms(np.concatenate(slopes, axis=1)) - 1) ** 2))
    penalty = dragan_penalty(lambda x: images(x["image"]) + masks(x["mask"]), real, noise=noise, mix=mix)
    assert penalty.item() == pytest.approx(expected, rel=1e-9)


def test_a_given_deviation_may_be_a_tensor_and_makes_parts_of_a_batch_right() -> None:
    real, noise = normal(0, 6, 3), _uniform(1, 6, 3)
    mix, critic = _share(2, real), Quadratic(0, 3)
    whole = dragan_penalty(critic, real, noise=noise, mix=mix)
    with batch_in_parts():
        parts = [
            dragan_penalty(critic, real[rows], deviation=real.std(), noise=noise[rows], mix=mix[rows])
            for rows in (slice(2), slice(2, None))
        ]
    torch.testing.assert_close((2 * parts[0] + 4 * parts[1]) / 6, whole)


def test_ranks_share_one_deviation(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = normal(0, 2, 1), normal(1, 3, 1) + 4
    both = torch.cat([own, other])
    answers = [torch.tensor([other.sum(), other.numel()]), (other - both.mean()).square().sum()]
    monkeypatch.setattr(_dragan, "ranks_of_whole_batch", lambda name: {"dragan_penalty": 2}[name])
    monkeypatch.setattr(_dragan, "sum_over_ranks", lambda values: values + answers.pop(0))
    critic, mix = _Seen(), torch.ones(2, 1, dtype=torch.float64)
    dragan_penalty(critic, own, scale=1.0, noise=torch.ones_like(own), mix=mix)
    torch.testing.assert_close(critic.points, own + both.std())
    assert not answers


def test_ranks_sum_squares_beyond_half_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dragan, "ranks_of_whole_batch", lambda _: 2)
    monkeypatch.setattr(_dragan, "sum_over_ranks", lambda values: values)
    real, ones, critic = torch.tensor([[300.0], [-300.0]], dtype=torch.float16), torch.ones(2, 1), _Seen()
    dragan_penalty(critic, real, scale=1.0, noise=ones, mix=ones)
    torch.testing.assert_close(critic.points.float(), real.float() + 300 * math.sqrt(2), rtol=1e-3, atol=1e-3)


def test_the_deviation_of_half_precision_is_that_of_float32() -> None:
    # 300 squared is beyond float16, and 4096 ones are beyond the whole numbers of bfloat16.
    for dtype in (torch.float16, torch.bfloat16):
        real, critic = torch.tensor([[300.0], [-300.0]], dtype=dtype).expand(2, 4096), _Seen()
        ones = torch.ones(2, 4096, dtype=dtype)
        dragan_penalty(critic, real, scale=1.0, noise=ones, mix=ones[:, :1])
        torch.testing.assert_close(critic.points, (real.float() + real.float().std()).to(dtype), rtol=0.01, atol=3.0)


def test_a_part_of_the_batch_alone_is_refused() -> None:
    with batch_in_parts(), pytest.raises(ValueError, match="dragan_penalty needs the whole batch, got one part of it"):
        dragan_penalty(lambda x: x.sum(1), torch.randn(2, 3))


def test_a_batch_without_spread_is_penalized_where_it_is() -> None:
    critic = _Seen()
    dragan_penalty(critic, torch.full((2, 3), 2.0))
    assert torch.equal(critic.points, torch.full((2, 3), 2.0))
    ends, mix = torch.tensor([[0.0, 0.5, 1.0]] * 2), torch.ones(2, 1)
    dragan_penalty(critic, torch.ones(2, 3), deviation=0.0, noise=ends)
    assert torch.equal(critic.points, torch.ones(2, 3))
    dragan_penalty(critic, torch.ones(2, 3), deviation=2, noise=ends, mix=mix)
    assert torch.equal(critic.points, 1 + ends)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_parameters_get_the_second_order_gradient(seed: int, *, one_sided: bool) -> None:
    real, noise = normal(seed, 3, 2, 4, 4), _uniform(seed, 3, 2, 4, 4)
    mix = _share(seed + 1, real)
    assert parameters_pass_gradcheck(
        smooth_network(seed),
        lambda critic: dragan_penalty(critic, real, target=0.1, one_sided=one_sided, noise=noise, mix=mix),
    )


def test_at_a_zero_gradient_the_penalty_is_the_squared_target_and_its_slope_is_finite() -> None:
    slope = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    penalty = dragan_penalty(lambda x: x @ slope, normal(0, 5, 3), target=2.0)
    penalty.backward()
    assert penalty.item() == 4.0
    assert slope.grad is not None
    assert torch.equal(slope.grad, torch.zeros_like(slope))


def test_samples_noise_and_deviation_get_no_gradient() -> None:
    real, noise = torch.randn(5, 3, requires_grad=True), torch.rand(5, 3, requires_grad=True)
    deviation = torch.tensor(1.0, requires_grad=True)
    critic = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Softplus(), torch.nn.Linear(4, 1))
    dragan_penalty(critic, real, noise=noise).backward()
    dragan_penalty(critic, real, noise=noise, deviation=deviation).backward()
    assert (real.grad, noise.grad, deviation.grad) == (None, None, None)
    assert next(critic.parameters()).grad is not None


def test_under_no_grad_the_value_is_the_same_and_the_mode_stays() -> None:
    critic, real, noise = smooth_network(0), normal(0, 2, 2, 4, 4), _uniform(1, 2, 2, 4, 4)
    mix = _share(2, real)
    penalty = dragan_penalty(critic, real, noise=noise, mix=mix)
    with torch.no_grad():
        logged = dragan_penalty(critic, real, noise=noise, mix=mix)
        assert not torch.is_grad_enabled()
    assert torch.equal(penalty, logged)
    assert penalty.requires_grad
    assert not logged.requires_grad


def test_half_precision_points_are_computed_in_float32() -> None:
    real = torch.randn(4, 3, dtype=torch.bfloat16)
    penalty = dragan_penalty(lambda x: (x * torch.tensor([3.0, 4.0, 12.0], dtype=x.dtype)).sum(1), real)
    assert penalty.dtype == torch.float32
    assert penalty == 144


def test_the_condition_reaches_the_critic_unchanged() -> None:
    labels = torch.tensor([0.5, 2.0], dtype=torch.float64)
    real = normal(0, 2, 3)

    def critic(x: torch.Tensor) -> torch.Tensor:
        return (x * labels[:, None]).sum(1)

    expected = (gradient_norm(critic, real) - 1).square().mean()
    torch.testing.assert_close(dragan_penalty(critic, real), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": -0.1}, "target must be 0 or more"),
        ({"target": math.nan}, "target must be a finite number"),
        ({"scale": 0.0}, "scale must be above 0"),
        ({"deviation": -1.0}, "deviation must be 0 or more"),
        ({"deviation": math.inf}, "deviation must be a finite number"),
        ({"deviation": torch.ones(2)}, r"deviation must be a number or a 0-d tensor, got shape \(2,\)"),
        ({"noise": torch.rand(2, 1)}, r"noise and real must have the same shape, got \(2, 1\) and \(2, 3\)"),
        ({"noise": torch.full((2, 3), -0.5)}, "noise must hold uniform numbers in 0..1, got -0.5"),
        ({"noise": torch.tensor([[0.5, 0.5, 2.0]] * 2)}, r"noise must hold uniform numbers in 0..1, got 0.5\.\.2"),
        ({"noise": torch.full((2, 3), math.nan)}, "noise must hold uniform numbers in 0..1, got nan"),
        ({"noise": torch.full((2, 3), 1.5)}, r"noise must hold uniform numbers in 0..1, got 1.5\.\.1.5"),
        ({"mix": torch.rand(2)}, r"mix must have shape \(2, 1\)"),
        (
            {"noise": torch.rand(2, 3), "mix": torch.rand(2, 1), "rng": torch.Generator()},
            "noise, mix and rng must not all be given",
        ),
    ],
)
def test_options_are_checked(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dragan_penalty(lambda x: x.sum(1), torch.randn(2, 3), **options)  # type: ignore[arg-type]


def test_samples_and_critic_are_checked() -> None:
    with pytest.raises(ValueError, match="real must not be empty"):
        dragan_penalty(lambda x: x.sum(1), torch.zeros(0, 3))
    with pytest.raises(ValueError, match="real must be a floating-point tensor"):
        dragan_penalty(lambda x: x.sum(1), torch.zeros(2, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match="real must hold more than one element to have a deviation"):
        dragan_penalty(lambda x: x.sum(1), torch.zeros(1, 1))
    assert dragan_penalty(lambda x: 3 * x.sum(1), torch.zeros(1, 1), deviation=1.0) == 4
    with pytest.raises(ValueError, match="ignore its input"):
        dragan_penalty(lambda x: torch.ones(2), torch.randn(2, 3))
    with torch.inference_mode(), pytest.raises(ValueError, match=r"use torch\.no_grad\(\)"):
        dragan_penalty(lambda x: x.sum(1), torch.randn(2, 3))
