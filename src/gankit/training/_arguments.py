"""Checks of what an update is given, and of what its gradient part returned."""

import inspect
from collections.abc import Iterable, Sequence

from torch import nn
from torch.optim import LBFGS, Optimizer

from gankit.training._loss import Values
from gankit.training._ranks import is_sharded
from gankit.training._saving import bare, held, plain_name


def names_of_parameters(optimizer: Optimizer, network: nn.Module | None) -> dict[int, str]:
    """Return the plain names of parameters by ``id``, as far as the optimizer or the network knows them."""
    names: dict[int, str] = {}
    for group in optimizer.param_groups:
        names |= {
            id(p): plain_name(name) for p, name in zip(group["params"], group.get("param_names", ()), strict=False)
        }
    named = () if network is None else bare(network).named_parameters()
    return names | {id(parameter): plain_name(name) for name, parameter in named}


def check_result(values: object, optimizer: Optimizer) -> None:
    """Check what a gradient part left at its first call, since it may be a user's own.

    Raises:
        ValueError: It returned no `Values`, left no gradient, or gradients that a fused optimizer would apply to the wrong
            elements.
    """
    if not isinstance(values, Values):
        raise ValueError(f"gradients must return the Values of the loss, got {type(values).__name__}")
    if all(parameter.grad is None for parameter in held(optimizer)):
        raise ValueError(
            "gradients must leave the gradient in the .grad of the optimizer's parameters, got none in any: Loss.assign "
            "does, and sends the gradient of a shared fake on into its graph"
        )
    parameters = [parameter for group in optimizer.param_groups if group.get("fused") for parameter in group["params"]]
    for position, parameter in enumerate(parameters):
        gradient = parameter.grad
        if gradient is None or gradient.layout is not parameter.layout or is_sharded(parameter):
            continue
        axes = zip(parameter.shape, parameter.stride(), gradient.stride(), strict=True)
        if any(own != other for size, own, other in axes if size > 1):
            raise ValueError(
                f"gradients must be stored as the parameters are for a fused optimizer, got strides {gradient.stride()} for "
                f"parameter {position} with strides {parameter.stride()}: copy into torch.empty_like(parameter)"
            )


def check_kinds(optimizer: object, network: object, stepper: object) -> None:
    """Refuse arguments of another kind."""
    if not hasattr(optimizer, "param_groups"):
        raise ValueError(f"optimizer must be an optimizer of torch, got {type(optimizer).__name__}")
    if isinstance(optimizer, LBFGS) or _needs_closure(optimizer):
        raise ValueError(
            f"optimizer must take a step without a closure, got {type(optimizer).__name__}, which evaluates the loss itself"
        )
    if network is not None and not isinstance(network, nn.Module):
        raise ValueError(f"network must be a module, got {type(network).__name__}")
    missing = [name for name in ("scale", "state_dict", "load_state_dict") if not hasattr(stepper, name)]
    if callable(stepper) and missing:
        raise ValueError(f"stepper must have {missing}, see gankit.training.Stepper, got {stepper!r}")


def _needs_closure(optimizer: object) -> bool:
    step = getattr(optimizer, "step", None)
    if not callable(step):
        raise ValueError(f"optimizer must have a step, got {type(optimizer).__name__}")
    try:
        # Of the class: a learning-rate scheduler of torch replaces the step of the instance by a function with `self`.
        parameters = list(inspect.signature(getattr(type(optimizer), "step", step)).parameters.values())
    except ValueError:  # written in C
        return False
    if hasattr(type(optimizer), "step"):
        parameters = parameters[1:]
    return any(p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def check_callables(**given: object) -> None:
    """Refuse what cannot be called, and classes in place of their instances."""
    for name, value in given.items():
        a_class = name in ("gradients", "stepper") and isinstance(value, type)
        if (not callable(value) and (value is not None or name == "terms")) or a_class:
            raise ValueError(f"{name} must be callable, and an instance rather than a class, got {value!r}")


def checked_networks(frozen: Iterable[nn.Module], own: Sequence[nn.Parameter]) -> list[nn.Module]:
    """Return the networks to freeze; refuse those that the optimizer updates."""
    if isinstance(frozen, nn.Module):
        raise ValueError(f"frozen must be a sequence of networks, got one {type(frozen).__name__}: write frozen=[it]")
    networks = list(frozen)
    for network in networks:
        if not isinstance(network, nn.Module):
            raise ValueError(f"frozen must hold networks, got {type(network).__name__}")
    others = {id(parameter) for network in networks for parameter in network.parameters()}
    both = sum(id(parameter) in others for parameter in own)
    if both:
        raise ValueError(f"frozen must not name what the optimizer updates, got {both} parameters in both")
    return networks
