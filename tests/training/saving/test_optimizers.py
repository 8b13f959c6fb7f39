import copy
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn, optim
from torch.optim import SGD, Adagrad, Adam, Optimizer

from gankit.training import Update, load_checkpoint, save_checkpoint
from gankit.training._saving._optimizers import fitting_optimizer_state, load_optimizer_state, optimizer_state

Make = Callable[[list[nn.Parameter]], Optimizer]
MAKES: list[Make] = [
    lambda parameters: Adam(parameters, lr=0.1, fused=True),
    lambda parameters: Adam(parameters, lr=0.1, amsgrad=True),
    lambda parameters: SGD(parameters, lr=0.1, momentum=0.9, fused=True),
    lambda parameters: Adagrad(parameters, lr=0.1, fused=True),
]


def _weight(memory_format: torch.memory_format, seed: int = 0) -> nn.Parameter:
    rng = torch.Generator().manual_seed(seed)
    return nn.Parameter(torch.randn(3, 5, 2, 2, generator=rng).contiguous(memory_format=memory_format))


def _step(optimizer: Optimizer, parameter: nn.Parameter, times: int) -> None:
    for turn in range(times):
        rng = torch.Generator().manual_seed(turn)
        parameter.grad = torch.empty_like(parameter).copy_(torch.randn(3, 5, 2, 2, generator=rng))
        optimizer.step()


@pytest.mark.parametrize("make", MAKES)
@pytest.mark.parametrize("after", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("before", [torch.contiguous_format, torch.channels_last])
def test_a_run_goes_on_in_another_memory_format(
    tmp_path, make: Make, before: torch.memory_format, after: torch.memory_format
) -> None:
    parameter = _weight(before)
    optimizer = make([parameter])
    _step(optimizer, parameter, 2)
    save_checkpoint(tmp_path / "a.pt", {"weight": parameter, "optimizer": optimizer_state(optimizer, {})})
    _step(optimizer, parameter, 3)
    state = load_checkpoint(tmp_path / "a.pt")
    resumed = _weight(after, seed=7)
    resumed.data.copy_(state["weight"])
    other = make([resumed])
    other.load_state_dict(fitting_optimizer_state(other, state["optimizer"]))
    _step(other, resumed, 3)
    # Vectorized loops round elements by their place, so that only the same format gives the same bits.
    allowed = 0.0 if before == after else 1e-6
    torch.testing.assert_close(resumed, parameter, rtol=allowed, atol=allowed)


def test_a_loaded_state_is_a_copy() -> None:
    parameters = [_weight(torch.contiguous_format), _weight(torch.contiguous_format)]
    one, other = (Adam([parameter], lr=0.1) for parameter in parameters)
    _step(one, parameters[0], 2)
    state = optimizer_state(one, {})
    other.load_state_dict(fitting_optimizer_state(other, state))
    expected = copy.deepcopy(state)
    _step(other, parameters[1], 3)
    assert all(torch.equal(value, expected["state"][0][key]) for key, value in one.state[parameters[0]].items())


def test_shapes_that_do_not_fit_are_refused_and_nothing_changes() -> None:
    network, larger = nn.Linear(2, 3), nn.Linear(2, 5)
    update, other = (Update(Adam(n.parameters()), lambda x, n=n: {"loss": n(x).mean()}) for n in (network, larger))
    for one in (update, other):
        one(torch.ones(7, 2))
    before = repr(update.state_dict())
    with pytest.raises(
        ValueError,
        match=r"fit the optimizer's parameters, got 4 faults: 'exp_avg' of parameter 0 has shape \(5, 2\), not \(3, 2\)",
    ):
        update.load_state_dict(other.state_dict())
    assert repr(update.state_dict()) == before


@pytest.mark.parametrize(("faults", "listed", "end"), [(4, 4, "not (3,)"), (5, 5, "not (3,)"), (6, 5, "and 1 more")])
def test_many_faults_are_counted(faults: int, listed: int, end: str) -> None:
    parameters = [nn.Parameter(torch.ones(3)) for _ in range(faults)]
    state = {
        "state": {number: {"momentum_buffer": torch.ones(2)} for number in range(faults)},
        "param_groups": [{**SGD(parameters).state_dict()["param_groups"][0], "params": list(range(faults))}],
    }
    with pytest.raises(ValueError, match=f"got {faults} faults: 'momentum_buffer' of parameter 0 has shape") as caught:
        fitting_optimizer_state(SGD(parameters), state)
    assert str(caught.value).count("has shape") == listed
    assert str(caught.value).endswith(end)


def test_another_number_of_parameters_is_refused() -> None:
    network = nn.Linear(2, 3)
    optimizer = Adam(network.parameters())
    state = optimizer_state(Adam([network.weight]), {})
    with pytest.raises(ValueError, match="group"):
        optimizer.load_state_dict(fitting_optimizer_state(optimizer, state))


def test_factored_moments_and_lists_come_through() -> None:
    for make in (torch.optim.Adafactor, torch.optim.LBFGS):
        network, twin = nn.Linear(3, 2), nn.Linear(3, 2)
        twin.load_state_dict(network.state_dict())
        optimizers: list[Any] = [make(n.parameters(), lr=0.1) for n in (network, twin)]

        def step(number: int, n: nn.Module, optimizer: Any) -> None:
            def closure() -> torch.Tensor:
                optimizer.zero_grad()
                loss = n(torch.arange(12.0).reshape(4, 3) + number).square().mean()
                loss.backward()
                return loss

            optimizer.step(closure)

        step(0, network, optimizers[0])
        twin.load_state_dict(network.state_dict())
        optimizers[1].load_state_dict(fitting_optimizer_state(optimizers[1], optimizer_state(optimizers[0], {})))
        step(1, network, optimizers[0])
        step(1, twin, optimizers[1])
        assert torch.equal(network.weight, twin.weight)


def test_entries_of_no_parameter_are_kept_as_torch_keeps_them() -> None:
    parameter = _weight(torch.contiguous_format)
    optimizer = Adam([parameter], lr=0.1)
    _step(optimizer, parameter, 1)
    state = optimizer_state(optimizer, {})
    state["state"]["shared"] = {"exp_avg": torch.ones(7), "text": "more"}
    optimizer.load_state_dict(fitting_optimizer_state(optimizer, state))
    loaded = optimizer.state_dict()["state"]
    assert loaded["shared"]["exp_avg"].tolist() == [1.0] * 7
    assert loaded[0]["exp_avg"].shape == parameter.shape
    state["state"][99] = {"exp_avg": torch.ones(7)}
    with pytest.raises(ValueError, match="got 1 faults: parameter 99 is in no group"):
        fitting_optimizer_state(optimizer, state)


@pytest.mark.parametrize("shape", [(1, 3), (4, 1), (1, 1, 4, 3), (12,)])
def test_elementwise_moments_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    parameter = nn.Parameter(torch.ones(4, 3))
    optimizer = Adam([parameter], lr=0.1)
    parameter.grad = torch.ones(4, 3)
    optimizer.step()
    state = optimizer_state(optimizer, {})
    state["state"][0]["exp_avg_sq"] = torch.ones(shape)
    with pytest.raises(ValueError, match=r"'exp_avg_sq' of parameter 0 has shape .*, not \(4, 3\)"):
        fitting_optimizer_state(optimizer, state)
    state["state"][0]["exp_avg_sq"] = torch.ones(4, 3)
    for bad in ({"row_var": torch.ones(4, 2)}, {"col_var": torch.ones(2, 3)}, {"own": torch.ones(2, 2)}):
        with pytest.raises(ValueError, match=r"of parameter 0 has shape .*, not \(4, 3\)"):
            fitting_optimizer_state(optimizer, {**state, "state": {0: state["state"][0] | bad}})
    state["state"][0] |= {"preconditioner": torch.ones(7, 7, 7), "row_var": torch.ones(4, 1), "step": torch.tensor(3.0)}
    fitting_optimizer_state(optimizer, state)


KINDS: dict[str, Make] = {
    **{kind: getattr(optim, kind) for kind in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta")},
    **{kind: getattr(optim, kind) for kind in ("RMSprop", "Rprop", "ASGD", "Adafactor", "Muon")},
    "SGD": lambda parameters: SGD(parameters, lr=0.1, momentum=0.9),
}


class Wide(Optimizer):
    """Keeps what torch's optimizers do not: more bits than the parameter has, whole numbers, and lists of them."""

    def __init__(self, parameters: list[nn.Parameter]) -> None:
        super().__init__(parameters, {})

    def step(self, closure: Any = None) -> Any:
        for parameter in self.param_groups[0]["params"]:
            of = self.state[parameter]
            for key in ("exp_avg", "row_var"):
                of[key] = of.get(key, torch.zeros(parameter.shape)) / 3 + parameter.grad.float() * 1e4
            parameter.data.sub_(of["exp_avg"].to(parameter.dtype), alpha=1e-6)
            of["bits"] = torch.arange(3, dtype=torch.uint8)
            of["past"] = [(torch.ones(2) / 3, None), {"a": torch.ones(2, dtype=torch.float64) / 3}]


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return type(one) is type(other) and all(itertools.starmap(_same, zip(one, other, strict=True)))
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return one == other


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", [*KINDS, "SparseAdam", "Wide"])
def test_a_state_comes_back_bit_for_bit_and_so_do_later_steps(tmp_path, kind: str, dtype: torch.dtype) -> None:
    makes: dict[str, Make] = KINDS | {"SparseAdam": optim.SparseAdam, "Wide": Wide}

    def step(parameter: nn.Parameter, optimizer: Optimizer, turns: range) -> None:
        for turn in turns:
            gradient = torch.randn(8, 6, generator=torch.Generator().manual_seed(turn)).to(dtype)
            parameter.grad = gradient.to_sparse(1) if kind == "SparseAdam" else gradient
            optimizer.step()

    parameter, resumed = (nn.Parameter(torch.ones(8, 6, dtype=dtype)) for _ in range(2))
    optimizer, other = makes[kind]([parameter]), makes[kind]([resumed])
    step(parameter, optimizer, range(3))
    save_checkpoint(tmp_path / "a.pt", {"weight": parameter, "optimizer": optimizer_state(optimizer, {})})
    saved = load_checkpoint(tmp_path / "a.pt")
    resumed.data.copy_(saved["weight"])
    load_optimizer_state(other, fitting_optimizer_state(other, saved["optimizer"]))
    assert _same(optimizer.state[parameter], other.state[resumed])
    assert not other._optimizer_load_state_dict_post_hooks  # of this load
    step(parameter, optimizer, range(3, 33))
    step(resumed, other, range(3, 33))
    assert torch.equal(parameter, resumed)
    assert _same(optimizer.state[parameter], other.state[resumed])


def test_moments_of_torch_follow_a_parameter_of_another_dtype() -> None:
    _, optimizer = _stepped(optim.NAdam)
    parameter = nn.Parameter(torch.ones(3, 2, dtype=torch.bfloat16))
    other = optim.NAdam([parameter])
    load_optimizer_state(other, fitting_optimizer_state(other, optimizer_state(optimizer, {})))
    of = other.state[parameter]
    assert [of[key].dtype for key in ("exp_avg", "mu_product")] == [torch.bfloat16, torch.float32]
    parameter.grad = torch.ones_like(parameter)
    other.step()


def test_a_hook_of_the_users_has_the_last_word() -> None:
    _, optimizer = _stepped(optim.NAdam)
    parameter = nn.Parameter(torch.ones(3, 2, dtype=torch.float64))
    other = optim.NAdam([parameter])
    other.register_load_state_dict_post_hook(lambda loaded: loaded.state[parameter]["mu_product"].fill_(0.5))
    load_optimizer_state(other, fitting_optimizer_state(other, optimizer_state(optimizer, {})))
    product = other.state[parameter]["mu_product"]
    assert (product.item(), product.dtype) == (0.5, torch.float32)


def test_an_optimizer_that_passes_its_state_on_to_another_is_loaded_by_that_one() -> None:
    class Passing(Optimizer):
        def __init__(self, inner: Optimizer) -> None:
            self.inner, self.state, self.param_groups = inner, inner.state, inner.param_groups
            self.defaults = inner.defaults

        def load_state_dict(self, state_dict: Any) -> None:
            self.inner.load_state_dict(state_dict)

    parameter, optimizer = _stepped(optim.NAdam)
    passing = Passing(optimizer)
    load_optimizer_state(passing, fitting_optimizer_state(passing, optimizer_state(optimizer, {})))
    assert optimizer.state[parameter]["exp_avg"].tolist() == passing.state[parameter]["exp_avg"].tolist()


def _stepped(make: Make) -> tuple[nn.Parameter, Optimizer]:
    parameter = nn.Parameter(torch.ones(3, 2))
    optimizer = make([parameter])
    parameter.grad = torch.ones(3, 2)
    optimizer.step()
    return parameter, optimizer


@pytest.mark.parametrize("one", KINDS)
def test_the_state_of_another_kind_of_optimizer_is_refused(one: str) -> None:
    state = optimizer_state(_stepped(KINDS[one])[1], {})
    for other, make in KINDS.items():
        parameter = nn.Parameter(torch.ones(3, 2))
        optimizer = make([parameter])
        if {one, other} == {"Adam", "AdamW"} or one == other:  # one formula, with another place for the decay
            load_optimizer_state(optimizer, fitting_optimizer_state(optimizer, state))
            parameter.grad = torch.ones(3, 2)
            optimizer.step()
            continue
        with pytest.raises(ValueError, match=r"same kind of optimizer, \w+, got one with|is missing"):
            fitting_optimizer_state(optimizer, state)


@pytest.mark.parametrize(
    ("before", "after"),
    list(itertools.permutations([{"fused": True}, {"foreach": True}, {"capturable": True}, {"foreach": False}], 2)),
)
def test_the_implementation_is_that_of_the_optimizer_which_is_there(before: Any, after: Any) -> None:
    parameter = nn.Parameter(torch.ones(3))
    state = optimizer_state(Adam([parameter], **before), {})
    state["state"] = {0: {"step": torch.tensor(2.0), "exp_avg": torch.ones(3), "exp_avg_sq": torch.ones(3)}}
    optimizer = Adam([parameter], **after)
    load_optimizer_state(optimizer, fitting_optimizer_state(optimizer, state))
    options = ("fused", "foreach", "capturable")
    assert [optimizer.param_groups[0][option] for option in options] == [
        optimizer.defaults[option] for option in options
    ]
    if "capturable" not in after:  # which steps on devices only
        parameter.grad = torch.ones(3)
        optimizer.step()


def test_a_learning_rate_that_is_a_tensor_stays_that_tensor() -> None:
    rate = torch.tensor(0.5)
    parameter = nn.Parameter(torch.ones(3))
    optimizer = Adam([parameter], lr=rate, foreach=False)
    state = optimizer_state(Adam([parameter], lr=0.25), {})
    load_optimizer_state(optimizer, fitting_optimizer_state(optimizer, state))
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25
    state["param_groups"][0]["lr"] = torch.tensor(0.125, dtype=torch.float64)
    load_optimizer_state(optimizer, fitting_optimizer_state(optimizer, state))
    assert rate.item() == 0.125


def test_a_learning_rate_that_is_a_number_stays_a_number() -> None:
    parameter = nn.Parameter(torch.ones(3))
    state = optimizer_state(Adam([parameter], lr=torch.tensor(0.25), foreach=False), {})
    optimizer = Adam([parameter], foreach=True)
    load_optimizer_state(optimizer, fitting_optimizer_state(optimizer, state))
    assert type(optimizer.param_groups[0]["lr"]) is float
    assert optimizer.param_groups[0]["lr"] == 0.25
    parameter.grad = torch.ones(3)
    optimizer.step()


def test_betas_that_are_tensors_stay_those_tensors() -> None:
    parameter = nn.Parameter(torch.ones(3))
    betas: Any = (torch.tensor(0.5), torch.tensor(0.75))
    optimizer = Adam([parameter], betas=betas, foreach=False)
    state = optimizer_state(Adam([parameter], betas=(0.25, 0.5)), {})
    load_optimizer_state(optimizer, fitting_optimizer_state(optimizer, state))
    assert optimizer.param_groups[0]["betas"][0] is betas[0]
    assert [float(beta) for beta in betas] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("options", "lost"),
    [
        ({"amsgrad": True}, "max_exp_avg_sq"),
        ({}, "exp_avg"),
    ],
)
def test_moments_that_the_next_step_needs_must_be_there(options: Any, lost: str) -> None:
    _, optimizer = _stepped(lambda parameters: Adam(parameters, **options))
    state = copy.deepcopy(optimizer_state(optimizer, {}))
    del state["state"][0][lost]
    with pytest.raises(ValueError, match=f"1 faults: '{lost}' of parameter 0 is missing"):
        fitting_optimizer_state(optimizer, state)
    state["state"].clear()  # a parameter that never had a gradient has no moments
    fitting_optimizer_state(optimizer, state)


@pytest.mark.parametrize(
    ("options", "lost"), [({"momentum": 0.9}, "momentum_buffer"), ({"centered": True}, "grad_avg"), ({}, "square_avg")]
)
def test_moments_of_rmsprop_depend_on_its_options(options: Any, lost: str) -> None:
    _, optimizer = _stepped(lambda parameters: optim.RMSprop(parameters, **options))
    state = copy.deepcopy(optimizer_state(optimizer, {}))
    fitting_optimizer_state(optimizer, state)
    del state["state"][0][lost]
    with pytest.raises(ValueError, match=f"1 faults: '{lost}' of parameter 0 is missing"):
        fitting_optimizer_state(optimizer, state)


def test_moments_must_be_tensors() -> None:
    _, optimizer = _stepped(Adam)
    state = copy.deepcopy(optimizer_state(optimizer, {}))
    state["state"][0]["exp_avg"] = [0.0] * 6
    with pytest.raises(ValueError, match="'exp_avg' of parameter 0 is not a tensor but list"):
        fitting_optimizer_state(optimizer, state)


def test_named_parameters_in_another_order_are_refused() -> None:
    one, other = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    state = optimizer_state(Adam([("module.a", one), ("module.b", other)]), {})
    optimizer = Adam([("a", one), ("b", other)])
    fitting_optimizer_state(optimizer, state)
    swapped = Adam([("b", other), ("a", one)])
    with pytest.raises(ValueError, match=r"in the same order, got 'module.a' in the state where 'b' is here"):
        fitting_optimizer_state(swapped, state)
    fitting_optimizer_state(Adam([one, other]), state)


def test_flags_that_an_older_torch_did_not_save_may_be_missing() -> None:
    parameter = nn.Parameter(torch.ones(2))
    state = Adam([parameter], lr=0.1).state_dict()
    for flag in ("fused", "decoupled_weight_decay", "capturable"):
        state["param_groups"][0].pop(flag, None)
    fitting_optimizer_state(Adam([parameter], lr=0.1), state)
    fitting_optimizer_state(torch.optim.AdamW([parameter], lr=0.1), state)


def test_what_was_there_comes_back() -> None:
    parameter = _weight(torch.contiguous_format)
    rate = torch.tensor(0.1)
    optimizer = Adam([parameter], lr=rate, foreach=False)
    _step(optimizer, parameter, 1)
    fitting = fitting_optimizer_state(optimizer, copy.deepcopy(optimizer.state_dict()))
    fitting["param_groups"][0]["lr"] = torch.tensor(0.5)
    undo = load_optimizer_state(optimizer, fitting)
    assert rate.item() == 0.5
    undo()
    assert rate.item() == pytest.approx(0.1)
    assert optimizer.param_groups[0]["lr"] is rate


@pytest.mark.parametrize(
    ("entry", "value", "why"),
    [
        ("params", [0, "1"], "a list of whole numbers"),
        ("params", [0, True], "a list of whole numbers"),
        ("params", [0.0, 1.0], "a list of whole numbers"),
        ("params", None, "a list of whole numbers"),
        ("params", [0, 0], "must hold each of 'params' once"),
        ("param_names", "ab", "a name for each parameter of a group"),
        ("param_names", ["a", 1], "a name for each parameter of a group"),
        ("param_names", ["a"], "a name for each parameter of a group"),
        ("param_names", None, "a name for each parameter of a group"),
        (3, 1, "must have names of options"),
    ],
)
def test_groups_of_another_form_are_refused(entry: Any, value: Any, why: str) -> None:
    parameters = [("a", _weight(torch.contiguous_format)), ("b", _weight(torch.contiguous_format))]
    optimizer = Adam(parameters)
    state = copy.deepcopy(optimizer.state_dict())
    state["param_groups"][0][entry] = value
    with pytest.raises(ValueError, match=why):
        fitting_optimizer_state(optimizer, state)


def test_an_optimizer_that_refuses_a_state_is_as_before() -> None:
    class Refusing(Adam):
        def load_state_dict(self, state_dict: Any) -> None:
            self.param_groups[0]["lr"].fill_(7.0)
            raise RuntimeError("not today")

    parameter = _weight(torch.contiguous_format)
    optimizer = Refusing([parameter], lr=torch.tensor(0.1), foreach=False, capturable=False)
    _step(optimizer, parameter, 1)
    before = optimizer.state[parameter]["step"].clone()
    with pytest.raises(ValueError, match="state must fit the optimizer, which refuses it: RuntimeError: not today"):
        load_optimizer_state(optimizer, {})
    assert torch.equal(optimizer.state[parameter]["step"], before)
    assert float(optimizer.param_groups[0]["lr"]) == pytest.approx(0.1)


def test_a_lack_of_memory_is_no_fault_of_the_state() -> None:
    class Failing(Adam):
        def load_state_dict(self, state_dict: Any) -> None:
            raise torch.OutOfMemoryError("CUDA out of memory")

    optimizer = Failing([_weight(torch.contiguous_format)])
    with pytest.raises(torch.OutOfMemoryError):
        load_optimizer_state(optimizer, optimizer.state_dict())
