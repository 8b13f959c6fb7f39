"""Where the text of a docstring leads: papers, names of gankit, names of torch. Plain functions, without Sphinx."""

import re
from collections.abc import Iterator, Mapping
from functools import reduce

import torch

_PAPER = re.compile(r"\barXiv:(?P<arxiv>\d{4}\.\d{4,5})\b|\bdoi:(?P<doi>10\.\d{4,9}/[\w./-]*\w)")
_NAME = re.compile(r"(?P<name>[A-Za-z_]\w*(?:\.\w+)*)(?:\(.*\))?", flags=re.DOTALL)
_TORCH = "https://docs.pytorch.org/docs/stable/"
_LISTED = {  # names without a page of their own
    "torch.Tensor": "tensors.html#torch.Tensor",
    "torch.dtype": "tensor_attributes.html#torch.dtype",
    "torch.device": "tensor_attributes.html#torch.device",
    "torch.optim.Optimizer": "optim.html#torch.optim.Optimizer",
    "torch.nn.Parameter": "generated/torch.nn.parameter.Parameter.html",
    "torch.inference_mode": "generated/torch.autograd.grad_mode.inference_mode.html",
    "torch.no_grad": "generated/torch.no_grad.html",
    "torch.amp.GradScaler": "amp.html#torch.amp.GradScaler",
    "torch.autocast": "amp.html#torch.autocast",
    "torch.distributed.fsdp.fully_shard": "distributed.fsdp.fully_shard.html",
}
_SHORT = {
    "DistributedDataParallel": "torch.nn.parallel.DistributedDataParallel",
    "fully_shard": "torch.distributed.fsdp.fully_shard",
    "GradScaler": "torch.amp.GradScaler",
}


def split_papers(text: str) -> Iterator[tuple[str, str]]:
    """Cut a text at the identifiers of papers: yield each part with its address, which is empty for plain text.

    ``arXiv:1704.00028`` leads to arxiv.org and ``doi:10.23915/distill.00003`` to doi.org.
    """
    end = 0
    for match in _PAPER.finditer(text):
        if match.start() > end:
            yield text[end : match.start()], ""
        address = f"https://arxiv.org/abs/{match['arxiv']}" if match["arxiv"] else f"https://doi.org/{match['doi']}"
        yield match[0], address
        end = match.end()
    if end < len(text):
        yield text[end:], ""


def public_target(text: str, page: str, kinds: Mapping[str, str]) -> str | None:
    """Return the name of gankit that a literal on a page means, or None.

    A name may be written in full, as a name of the page's folder, as a name that only one folder has, as ``Class.method``, or
    as a method of the page's class. It may be called: ``Eager()``, ``weight_penalty(projection.weight)``.

    Args:
        text: The text of the literal.
        page: The name that the page describes, such as ``gankit.training.Checkpoints``.
        kinds: All documented names with their kinds, such as ``"method"``.
    """
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    name = match["name"].removeprefix("gk.").removeprefix("gankit.")
    if kinds.get(f"{page}.{name}") == "method":
        return f"{page}.{name}"
    folder = ".".join(page.split(".")[:2])
    for wanted in (name, name.rpartition(".")[0]):  # an attribute without an entry leads to its class
        if not wanted:
            continue
        if f"{folder}.{wanted}" in kinds:
            return f"{folder}.{wanted}"
        if f"gankit.{wanted}" in kinds and "." in match["name"]:
            return f"gankit.{wanted}"
        elsewhere = [full for full in kinds if re.fullmatch(rf"gankit\.\w+\.{re.escape(wanted)}", full)]
        if len(elsewhere) == 1:
            return elsewhere[0]
    return None


def torch_address(text: str) -> str | None:
    """Return the address of a name of torch in its documentation, or None; ``nn`` and ``functional`` are known too."""
    match = _NAME.fullmatch(text)
    if match is None:
        return None
    name = _SHORT.get(match["name"], match["name"])
    name = re.sub(r"^nn\.", "torch.nn.", re.sub(r"^(functional|F)\.", "torch.nn.functional.", name))
    if name in _LISTED:
        return _TORCH + _LISTED[name]
    if not name.startswith("torch.") or re.search(r"\._", name):
        return None
    try:
        found = reduce(getattr, name.split(".")[1:], torch)
    except AttributeError:
        return None
    return f"{_TORCH}generated/{name}.html" if callable(found) else None
