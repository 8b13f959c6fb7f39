"""Everything of `Graphed` but the calls of CUDA runs here: a tape on the CPU records and replays in their place."""

import random
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from support.tape import TapeRecorder
from support.update_nets import CASES, SGD as SGD_SLOW, Gan, play, updates
from torch import nn
from torch.optim import SGD

from gankit.constraints import gradient_penalty
from gankit.training import (
    Accumulated,
    Graphed,
    LogRing,
    Loss,
    NonFiniteError,
    ScaledStepper,
    Update,
    Values,
    load_random_state as restore_random,
    random_state,
)

SIZES = (7, 7, 7, 5, 7, 5, 5)


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[TapeRecorder]:
    """The tape recorders that were made, in order."""
    made: list[TapeRecorder] = []

    def make(_: torch.device) -> TapeRecorder:
        made.append(TapeRecorder())
        return made[-1]

    monkeypatch.setattr("gankit.training._graphed.recorder_for", make)
    return made


def _graphed(**options: Any) -> Graphed:
    return Graphed(**{"warmup": 1, **options})


def _net() -> nn.Module:
    torch.manual_seed(5)
    return nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Dropout(0.25), nn.Linear(5, 1)).double()


def _update(net: nn.Module, terms: Callable[..., Any], **options: Any) -> tuple[Update, Graphed]:
    graphed = _graphed(**options)
    return Update(SGD(net.parameters(), lr=0.1), terms, gradients=graphed), graphed


def _x(rows: int = 7) -> torch.Tensor:
    return torch.randn(rows, 3, dtype=torch.float64)


def _replays(recorders: list[TapeRecorder]) -> list[list[int]]:
    return [[tape.replays for tape in recorder.tapes] for recorder in recorders]


@pytest.mark.parametrize("name", CASES)
def test_every_net_trains_as_it_does_eagerly(name: str, recorders: list[TapeRecorder]) -> None:
    eager, graphed = Gan(name), Gan(name)
    expected = play(eager, updates(eager), SIZES)
    random_after = torch.get_rng_state()
    found = play(graphed, updates(graphed, _graphed), SIZES)
    torch.testing.assert_close(graphed.state(), eager.state(), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert torch.equal(torch.get_rng_state(), random_after)
    assert _replays(recorders) == [[3, 2], [3, 2]]  # one tape for each update and batch size
    assert [recorder.eager for recorder in recorders] == [2, 2]


@pytest.mark.parametrize("name", CASES)
def test_parts_of_a_batch_are_graphs(name: str, recorders: list[TapeRecorder]) -> None:
    """Of unequal sizes: 7 samples are 3 and 4, 5 are 2 and 3. Parts draw other masks and move estimates of spectral norm."""
    eager = Accumulated(2) if name in ("dropout", "spectral norm") else None
    expected, found = Gan(name, whole=False), Gan(name, whole=False)
    logged = play(expected, updates(expected, lambda: eager, optimizer=SGD_SLOW), SIZES)
    both = updates(found, lambda: Accumulated(2, gradients=_graphed()), optimizer=SGD_SLOW)
    found_logged = play(found, both, SIZES)
    torch.testing.assert_close(found.state(), expected.state(), rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(found_logged, logged, rtol=1e-10, atol=1e-12)
    assert _replays(recorders) == [[6, 3, 2], [6, 3, 2]]


def test_channels_last_a_shared_fake_a_scale_and_bursts_are_replayed(recorders: list[TapeRecorder]) -> None:
    def train(gradients: Callable[[], Graphed | None]) -> tuple[dict[str, torch.Tensor], list[float]]:
        gan = Gan("no norm", whole=False)
        gan.critic.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

        def critic_terms(real: torch.Tensor, fake: torch.Tensor, mix: torch.Tensor) -> dict[str, torch.Tensor]:
            penalty = 10 * gradient_penalty(gan.critic, real, fake.detach(), mix=mix)
            return {"loss": gan.critic(fake.detach()).mean() - gan.critic(real).mean(), "penalty": penalty}

        def generator_terms(fake: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": -gan.critic(fake).mean()}

        steppers = [ScaledStepper("cpu", initial_scale=8.0, growth_interval=2, max_norm=0.5) for _ in range(2)]
        critic = Update(SGD(gan.critic.parameters(), lr=0.1), critic_terms, gradients=gradients(), stepper=steppers[0])
        generator = Update(
            SGD(gan.generator.parameters(), lr=0.1),
            generator_terms,
            frozen=[gan.critic],
            gradients=gradients(),
            stepper=steppers[1],
        )
        logged = []
        for seed, burst in enumerate((1, 5, 1, 3)):
            batches = [gan.batch(7, 10 * seed + step) for step in range(burst)]
            fakes = [gan.generator(latents) for _, _, latents, _ in batches]
            for (real, _, _, mix), fake in zip(batches, fakes, strict=True):
                logged += [*critic(real, fake, mix).values()]
            logged += [*generator(fakes[-1]).values()]  # the graph of the fake goes on into the generator
        return gan.state(), [float(value) for value in logged]

    expected, found = train(lambda: None), train(_graphed)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert _replays(recorders) == [[9], [3]]


def test_draws_are_fresh_in_each_replay_and_resume(recorders: list[TapeRecorder]) -> None:
    net = _net()
    update, _ = _update(net, lambda x: {"loss": (net(x) * torch.rand(len(x), 1, dtype=x.dtype)).mean()})
    update.optimizer.param_groups[0]["lr"] = 0.0
    x = _x()
    for _ in range(2):
        update(x)
    state = random_state()
    values = [update(x)["loss"].item() for _ in range(4)]
    restore_random(state)
    assert [update(x)["loss"].item() for _ in range(4)] == values
    assert len(set(values)) == 4
    assert _replays(recorders) == [[9]]


def test_a_tensor_filled_in_place_is_seen_and_one_that_is_written_counts_each_step_once(
    recorders: list[TapeRecorder],
) -> None:
    net, weight, seen = nn.Linear(3, 1).double(), torch.ones((), dtype=torch.float64), torch.zeros(2)

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        seen[1].add_(1.0)
        return {"loss": weight * net(x).square().mean()}

    update, _ = _update(net, terms)
    update.optimizer.param_groups[0]["lr"] = 0.0
    x = _x()
    first = update(x)["loss"].item()
    for factor in (2.0, 3.0, 5.0):
        weight.fill_(factor)
        assert update(x)["loss"].item() == pytest.approx(factor * first)
    assert seen.tolist() == [0.0, 4.0]
    assert _replays(recorders) == [[3]]


def test_returned_values_and_inputs_are_copies(recorders: list[TapeRecorder]) -> None:
    net, log = _net(), LogRing(10)
    update, _ = _update(net, lambda x: ({"loss": net(x).mean()}, {"size": x.square().mean().float()}))
    batches = [_x() for _ in range(5)]
    logged = [update(x) for x in batches]
    kept = [values["size"].item() for values in logged]
    assert kept == pytest.approx([x.square().mean().item() for x in batches], rel=1e-6)
    assert [values["size"].dtype for values in logged] == [torch.float32] * 5
    assert [values["loss"].dtype for values in logged] == [torch.float64] * 5
    logged[-1]["loss"].zero_()
    log.write(update(batches[0]))
    assert len({values["loss"].item() for values in logged}) == 5
    assert torch.equal(batches[0], batches[0].clone())
    assert _replays(recorders) == [[5]]


def _counter(net: nn.Module) -> Callable[..., Any]:
    count = [0]

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        count[0] += 1
        return {"loss": count[0] * net(x).mean()}

    return terms


IMPURE: dict[str, Callable[[nn.Module], Callable[..., Any]]] = {
    "counter": _counter,
    "random": lambda net: lambda x: {"loss": random.random() * net(x).mean()},
    "gradient alone": lambda net: lambda x: {"loss": (net(x) - net(x).detach() + x.sum() * 0).sum() * random.random()},
}


@pytest.mark.parametrize("name", IMPURE)
def test_terms_that_read_python_are_found_when_recorded(name: str, recorders: list[TapeRecorder]) -> None:
    net = _net().eval()
    update, _ = _update(net, IMPURE[name](net))
    x = _x()
    update(x)
    before = {key: value.clone() for key, value in net.state_dict().items()}
    random_before = torch.get_rng_state()
    what = "gradient" if "gradient" in name else "loss"
    with pytest.raises(
        ValueError, match=rf"a replay and the eager step differ in {what}.* terms read something in Python"
    ):
        update(x)
    assert recorders[0].tapes
    torch.testing.assert_close(dict(net.state_dict()), before, rtol=0.0, atol=0.0)
    assert torch.equal(torch.get_rng_state(), random_before)


def test_what_changes_later_is_found_at_the_next_comparison(recorders: list[TapeRecorder]) -> None:
    net, options = nn.Linear(3, 1).double(), {"weight": 1.0}
    update, _ = _update(net, lambda x: {"loss": options["weight"] * net(x).square().mean()}, compare_every=3)
    x = _x()
    for _ in range(6):
        update(x)
    options["weight"] = 1.01
    update(x)
    with pytest.raises(ValueError, match="differ in loss"):
        update(x)
    assert len(recorders[0].tapes) == 1


def test_without_repeated_comparisons_python_runs_twice_after_the_warm_up(recorders: list[TapeRecorder]) -> None:
    net, calls = nn.Linear(3, 1).double(), []

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        calls.append(len(x))
        return {"loss": net(x).mean()}

    update, _ = _update(net, terms, warmup=2, compare_every=None)
    for _ in range(9):
        update(_x())
    assert len(calls) == 2 + 2  # recorded, and compared
    assert _replays(recorders) == [[7]]


def _evaluated(net: nn.Module) -> None:
    net.eval()


def _moved(net: nn.Module) -> None:
    for parameter in net.parameters():
        parameter.data = parameter.data.clone()


def _replaced(net: nn.Module) -> None:
    net[3] = nn.Dropout(0.75)  # pyright: ignore[reportIndexIssue]


def _moved_buffer(net: nn.Module) -> None:
    net[1].running_mean = net[1].running_mean + 1.0  # pyright: ignore[reportIndexIssue]


def _fixed(net: nn.Module) -> None:
    net[0].bias.requires_grad_(False)  # pyright: ignore[reportIndexIssue]


@pytest.mark.parametrize("change", [_evaluated, _moved, _replaced, _moved_buffer, _fixed])
def test_a_changed_network_gets_another_graph(
    change: Callable[[nn.Module], None], recorders: list[TapeRecorder]
) -> None:
    results = []
    for graphed in (False, True):
        net = _net()

        def terms(x: torch.Tensor, net: nn.Module = net) -> dict[str, torch.Tensor]:
            return {"loss": net(x).square().mean()}

        update = Update(SGD(net.parameters(), lr=0.1), terms, gradients=_graphed() if graphed else None)
        torch.manual_seed(1)
        logged = [update(_x())["loss"] for _ in range(3)]
        change(net)
        logged += [update(_x())["loss"] for _ in range(4)]
        results.append((logged, dict(net.state_dict())))
    torch.testing.assert_close(results[1], results[0], rtol=1e-10, atol=1e-12)
    assert _replays(recorders) == [[2, 3]]
    assert recorders[0].eager == 2


def test_a_group_that_the_optimizer_gets_later_starts_anew(recorders: list[TapeRecorder]) -> None:
    net, extra = nn.Linear(3, 1).double(), nn.Parameter(torch.ones((), dtype=torch.float64))
    update, _ = _update(net, lambda x: {"loss": (net(x) * extra.detach()).mean() + 0 * extra}, warmup=1)
    net.register_parameter("extra", extra)
    with pytest.raises(ValueError, match="only parameters of the optimizer"):
        update(_x())
    update.optimizer.add_param_group({"params": [extra]})
    for _ in range(3):
        update(_x())
    assert _replays(recorders) == [[], [2]]


def test_gradients_that_others_cleared_or_filled_do_not_matter(recorders: list[TapeRecorder]) -> None:
    net = nn.Linear(3, 1).double()
    update, _ = _update(net, lambda x: {"loss": net(x).mean()})
    x = _x()
    for to_none in (True, False, True, False):
        update(x)
        torch.testing.assert_close(net.weight.grad, x.mean(0, keepdim=True))
        update.optimizer.zero_grad(set_to_none=to_none)
        net(x).square().sum().backward()
    assert _replays(recorders) == [[3]]


def test_parameters_that_share_a_gradient_are_clipped_once(recorders: list[TapeRecorder]) -> None:
    one, other = (nn.Parameter(torch.ones(3, dtype=torch.float64)) for _ in range(2))
    stepper = ScaledStepper("cpu", initial_scale=4.0)
    update = Update(
        SGD([one, other], lr=0.0), lambda x: {"loss": ((one + other) * x).sum()}, gradients=_graphed(), stepper=stepper
    )
    x = torch.tensor([2.0, 3.0, 5.0], dtype=torch.float64)
    for _ in range(4):
        update(x)
        assert torch.equal(one.grad, x)  # pyright: ignore[reportArgumentType]
        assert torch.equal(other.grad, x)  # pyright: ignore[reportArgumentType]
    assert _replays(recorders) == [[3]]


def test_numbers_that_are_not_finite_are_for_the_stepper(recorders: list[TapeRecorder]) -> None:
    net, counted = nn.Linear(3, 1).double(), [0]

    def terms(x: torch.Tensor) -> dict[str, torch.Tensor]:
        counted[0] += 1
        return {"loss": net(x).mean()}

    update, _ = _update(net, terms)
    update(_x())
    with pytest.raises(NonFiniteError, match="'loss' is nan"):
        update(_x() * float("nan"))
    eager = counted[0]
    for _ in range(3):
        update(_x())
    assert _replays(recorders) == [[4]]
    assert counted[0] == eager + 1  # compared once more, since nothing could be said before


def test_python_values_among_the_inputs_choose_a_graph(recorders: list[TapeRecorder]) -> None:
    net = nn.Linear(3, 1).double()
    update, _ = _update(net, lambda x, given: {"loss": given["factor"] * net(x).mean()}, max_graphs=2)
    x = _x()
    for factor in (1.0, 1.0, 2.0, 2.0, 1.0, 2.0):
        update(x, {"factor": factor})
        torch.testing.assert_close(net.weight.grad, factor * x.mean(0, keepdim=True))
    assert _replays(recorders) == [[2, 2]]
    with pytest.warns(UserWarning, match="more than 2 combinations") as seen:
        update(x, {"factor": 3.0})
    assert seen[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        update(x, {"factor": 1})  # a whole number is another value than 1.0
    torch.testing.assert_close(net.weight.grad, x.mean(0, keepdim=True))
    assert _replays(recorders) == [[2, 2]]


def test_autocast_around_the_call_chooses_a_graph(recorders: list[TapeRecorder]) -> None:
    net = nn.Linear(3, 1)
    update, _ = _update(net, lambda x: ({"loss": net(x).float().mean()}, {"raw": net(x).mean()}))
    x, dtypes = torch.randn(7, 3), []
    for enabled in (False, False, True, True, False, True):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            dtypes.append(update(x)["raw"].dtype)
    assert dtypes == [torch.bfloat16 if enabled else torch.float32 for enabled in (0, 0, 1, 1, 0, 1)]
    assert _replays(recorders) == [[2, 2]]


def test_casts_that_autocast_keeps_are_not_part_of_a_graph(recorders: list[TapeRecorder]) -> None:
    net = nn.Linear(3, 1)
    update, _ = _update(net, lambda x: {"loss": net(x).float().square().mean()})
    x = torch.randn(7, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for _ in range(4):  # the first call keeps casts of the weights of now
            update(x)
    losses = []
    for _ in range(3):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            losses.append(update(x)["loss"].item())
    assert losses == sorted(losses, reverse=True)
    assert len(set(losses)) == 3
    assert _replays(recorders) == [[6]]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.ones(7, 3, device="meta"), "inputs must be on cpu, where the parameters are, got a tensor on meta"),
        (
            torch.ones(7, 3).to_sparse(),
            "inputs must be dense tensors to be recorded, got one of layout torch.sparse_coo",
        ),
        ({"a": bytearray(b"x")}, "inputs must be tensors and plain values in tuples, .* got bytearray"),
        (Values({"a": torch.ones(())}, {}), None),
        (type("Batch", (), {"__init__": lambda self: setattr(self, "x", torch.ones(2))})(), "recorded, got Batch"),
    ],
)
def test_inputs_that_cannot_be_fixed_are_refused(
    given: Any, message: str | None, recorders: list[TapeRecorder]
) -> None:
    net = nn.Linear(3, 1)
    update, _ = _update(net, lambda x, _: {"loss": net(x).mean()})
    if message is None:
        update(torch.ones(7, 3), given)
        return
    with pytest.raises(ValueError, match=message):
        update(torch.ones(7, 3), given)
    assert recorders


def test_two_updates_cannot_share_one(recorders: list[TapeRecorder]) -> None:
    net, graphed = nn.Linear(3, 1).double(), _graphed()
    one, other = (
        Update(SGD(net.parameters(), lr=0.1), lambda x: {"loss": net(x).mean()}, gradients=graphed) for _ in range(2)
    )
    one(_x())
    with pytest.raises(ValueError, match="an update must have a Graphed of its own"):
        other(_x())
    assert len(recorders) == 1


def test_on_the_cpu_it_is_refused() -> None:
    net = nn.Linear(3, 1)
    update = Update(SGD(net.parameters(), lr=0.1), lambda x: {"loss": net(x).mean()}, gradients=Graphed())
    with pytest.raises(ValueError, match=r"needs parameters on a CUDA device, got cpu: use Eager\(\) there"):
        update(torch.ones(2, 3))


def test_several_ranks_shards_and_devices_are_refused(
    monkeypatch: pytest.MonkeyPatch, recorders: list[TapeRecorder]
) -> None:
    net = nn.Linear(3, 1)
    loss = Loss(lambda x: {"loss": net(x).mean()}, list(net.parameters()))
    mixed = Loss(loss.terms, [*loss.parameters, nn.Parameter(torch.ones(2, device="meta"))])
    with pytest.raises(ValueError, match=r"needs parameters on one device, got \['cpu', 'meta'\]"):
        Graphed()(mixed, (torch.ones(2, 3),))
    with pytest.raises(ValueError, match="must have parameters to be recorded, got none"):
        Graphed()(Loss(loss.terms, []), (torch.ones(2, 3),))
    handle = net.bias.register_post_accumulate_grad_hook(lambda _: None)
    with pytest.raises(ValueError, match="takes no parameters with a hook after the accumulation"):
        Graphed()(loss, (torch.ones(2, 3),))
    handle.remove()
    monkeypatch.setattr("gankit.training._graphed.is_sharded", lambda _: True)
    with pytest.raises(ValueError, match="takes no parameters that FSDP2 shards"):
        Graphed()(loss, (torch.ones(2, 3),))
    monkeypatch.setattr("gankit.training._graphed.world_size", lambda: 2)
    with pytest.raises(ValueError, match="runs on one rank without a data-parallel wrapper, got 2 ranks"):
        Graphed()(loss, (torch.ones(2, 3),))
    assert not recorders


@pytest.mark.parametrize("name", ["warmup", "max_graphs", "compare_every"])
def test_numbers_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be at least 1, got 0"):
        Graphed(**{name: 0})
    assert repr(Graphed(2, max_graphs=3, compare_every=None)) == "Graphed(warmup=2, max_graphs=3, compare_every=None)"
