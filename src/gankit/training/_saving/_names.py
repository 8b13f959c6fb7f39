"""How the names of parameters and buffers compare, however a network is wrapped: decided here alone."""

from collections.abc import Collection, Iterator
from functools import lru_cache

from torch import nn
from torch.nn.parallel import DataParallel, DistributedDataParallel

WRAPPERS = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"}
"""Names that only wrappers give to what they wrap: those of ``torch.compile``, FSDP and activation checkpointing."""
DATA_PARALLEL = "module"
"""The name that data-parallel wrappers give to what they wrap. Ordinary layers have it too."""


def bare(network: nn.Module) -> nn.Module:
    """Return the network inside data-parallel wrappers and ``torch.compile``.

    Raises:
        ValueError: It is no module, such as a ``functools.partial`` around one.
    """
    while True:
        if isinstance(network, DistributedDataParallel | DataParallel):
            network = network.module
        elif isinstance(compiled := getattr(network, "_orig_mod", None), nn.Module):
            network = compiled
        elif isinstance(network, nn.Module):
            return network
        else:
            raise ValueError(f"network must be a torch.nn.Module, got {type(network).__name__}: pass the module in it")


@lru_cache(maxsize=4096)
def plain_name(name: str) -> str:
    """Return the name of a parameter or buffer without the parts that wrappers and parametrizations inside added."""
    parts: list[str] = []
    parametrized = False
    for part in name.split("."):
        if part == "parametrizations":
            parametrized = True
        elif part not in WRAPPERS and not (parametrized and part == "original"):
            parts.append(part)
    return ".".join(parts)


def plain_names(network: nn.Module, names: Collection[str]) -> dict[str, str]:
    """Return the plain name of each entry of the network's state; data-parallel wrappers inside the network leave no trace.

    Raises:
        ValueError: Two entries would have the same plain name.
    """
    kinds = (DistributedDataParallel, DataParallel)
    inner = [f"{prefix}." for prefix, module in network.named_modules() if isinstance(module, kinds)]
    plain: dict[str, str] = {}
    for name in names:
        shown = name
        for prefix in reversed(inner):  # the innermost first, so that the prefixes of the outer ones still fit
            if shown.startswith(f"{prefix}{DATA_PARALLEL}."):
                shown = prefix + shown.removeprefix(f"{prefix}{DATA_PARALLEL}.")
        plain[name] = plain_name(shown)
    taken: set[str] = set()
    for name in plain.values():
        if name in taken:
            raise ValueError(f"network must have distinct plain names, got {name!r} twice")
        taken.add(name)
    return plain


def own_spelling(own: set[str], given: Collection[str]) -> dict[str, str]:
    """Return each given name as this network spells it, or as it is where nothing here corresponds to it.

    Files that were not written by gankit have the prefixes of wrappers: ``module.``, ``_orig_mod.`` and others, also inside
    names. The whole file is read in one way, since a layer may be called ``module`` too: as it is, without the parts that
    only wrappers add, without a ``module.`` that all names begin with, or without any ``module``. The first way that leaves
    the fewest names over is taken; one that gives two entries the same name is not considered.
    """
    ways = [ways for ways in _ways(own, given) if len(set(ways.values())) == len(ways)]
    return min(ways, key=lambda way: len(own ^ set(way.values())))


def _ways(own: set[str], given: Collection[str]) -> Iterator[dict[str, str]]:
    yield {name: name for name in given}
    plain = {name: plain_name(name) for name in given}
    yield plain
    shorter = dict(plain)
    while shorter and all(name.startswith(f"{DATA_PARALLEL}.") for name in shorter.values()):
        shorter = {name: short.removeprefix(f"{DATA_PARALLEL}.") for name, short in shorter.items()}
        yield shorter
    cores = [_core(name) for name in own]
    spelled = {core: name for core, name in zip(cores, own, strict=True) if cores.count(core) == 1}
    yield {name: spelled.get(_core(short), short) for name, short in plain.items()}


def _core(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != DATA_PARALLEL)
