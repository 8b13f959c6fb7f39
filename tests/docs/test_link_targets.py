"""Where the text of a docstring leads."""

import inspect
import re

import pytest

from docs.api.link_targets import public_target, split_papers, torch_address
from docs.api.public_names import public_folders, public_names

KINDS = {
    "gankit.losses": "module",
    "gankit.losses.Hinge": "class",
    "gankit.losses.Hinge.real": "method",
    "gankit.training.Checkpoints": "class",
    "gankit.training.Checkpoints.save": "method",
    "gankit.training.Checkpoints.keep": "attribute",
    "gankit.training.Loss": "class",
    "gankit.training.Twice": "class",
    "gankit.blocks.Twice": "class",
}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no paper", [("no paper", "")]),
        (
            "(arXiv:1704.00028), equation 3",
            [("(", ""), ("arXiv:1704.00028", "https://arxiv.org/abs/1704.00028"), ("), equation 3", "")],
        ),
        (
            "doi:10.23915/distill.00003.",
            [("doi:10.23915/distill.00003", "https://doi.org/10.23915/distill.00003"), (".", "")],
        ),
        ("arXiv:1704.000289", [("arXiv:1704.000289", "")]),
    ],
)
def test_identifiers_of_papers_are_cut_out_with_their_addresses(text: str, parts: list[tuple[str, str]]) -> None:
    assert list(split_papers(text)) == parts


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("gankit.losses.Hinge", "gankit.losses.Hinge"),
        ("gk.losses.Hinge()", "gankit.losses.Hinge"),
        ("gankit.losses", "gankit.losses"),
        ("Loss", "gankit.training.Loss"),
        ("Hinge", "gankit.losses.Hinge"),  # of another folder
        ("Checkpoints.save", "gankit.training.Checkpoints.save"),
        ("Hinge.real", "gankit.losses.Hinge.real"),
        ("Loss.scale", "gankit.training.Loss"),
        ("save", "gankit.training.Checkpoints.save"),  # of the page's class
        ("save(step, state)", "gankit.training.Checkpoints.save"),
        ("keep", None),  # also an argument
        ("losses", None),
        ("Twice", "gankit.training.Twice"),  # of the page's folder
        ("Unknown", None),
        ("unknown.Hinge", None),
        ("(n, 1)", None),
        ("step=Hinge", None),
    ],
)
def test_a_literal_leads_to_the_name_that_it_means(text: str, target: str | None) -> None:
    assert public_target(text, "gankit.training.Checkpoints", KINDS) == target


def test_a_name_of_two_other_folders_leads_nowhere() -> None:
    assert public_target("Twice", "gankit.losses.Hinge", KINDS) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("torch.rand(n, 1)", "generated/torch.rand.html"),
        ("nn.Conv2d", "generated/torch.nn.Conv2d.html"),
        ("torch.Tensor", "tensors.html#torch.Tensor"),
        ("fully_shard(network)", "distributed.fsdp.fully_shard.html"),
        ("torch.float32", None),
        ("torch._dynamo.config", None),
        ("torch.rnad", None),
        ("random", None),
        ("n * torch.rand", None),
    ],
)
def test_a_name_of_torch_leads_to_its_documentation(text: str, address: str | None) -> None:
    assert torch_address(text) == (address and f"https://docs.pytorch.org/docs/stable/{address}")


def test_literals_that_begin_with_torch_name_something_that_exists() -> None:
    for folder in public_folders():
        for public in public_names(folder):
            for literal in re.findall(r"`(torch\.[a-z_]+(?:\.[A-Za-z_]+)*)`", inspect.getdoc(public.load()) or ""):
                assert torch_address(literal) or "_dynamo" in literal, f"{public.path} names {literal}"
