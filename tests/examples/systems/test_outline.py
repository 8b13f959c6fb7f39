"""The outline of a system: read from the objects that train, written as text, kept as JSON."""

import json
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import gankit as gk
from examples.anime_faces.systems import (
    Blueprint,
    Description,
    Networks,
    Outline,
    Recipe,
    Section,
    Selection,
    Side,
    System,
    WhateverIsKnown,
    always,
    outline_of,
)
from examples.anime_faces.systems._outline import Fact, Layer, NetworkOutline, used_notation

DESCRIPTION = Description(size=8, kind="unlabeled")
SELECTION = Selection(rows=np.arange(3), conditions=None, description=DESCRIPTION)
LATENTS = partial(gk.latents.normal_latents, features=5)


class Critic(nn.Module):
    """A critic with a part that losses call by itself, and a layer that nothing calls."""

    def __init__(self) -> None:
        super().__init__()
        self.score: nn.Module = nn.Sequential(nn.Flatten(), nn.Linear(192, 2), nn.LeakyReLU(0.3), nn.Linear(2, 1))
        self.details = nn.Sequential(nn.Flatten(), nn.Linear(48, 1))
        self.unused = nn.Linear(7, 7)

    def forward(self, images: torch.Tensor, *, twice: bool = False) -> torch.Tensor:
        return self.score(images) * (1 + twice)


def draw_generator() -> nn.Module:
    return nn.Sequential(nn.Linear(5, 192), nn.Unflatten(1, (3, 8, 8)))


def system(networks: Networks, description: Description, options: Any, steps: int) -> System:
    generator, critic = networks["generator"], networks["critic"]

    def critic_terms(images: torch.Tensor, condition: None) -> Any:
        score = critic(images, twice=True).mean() - critic(generator(LATENTS(4, device=images.device))).mean()
        return {"score": score, "details": critic.get_submodule("details")(images[:, :, ::2, ::2]).mean()}

    def generator_terms(images: torch.Tensor, condition: None) -> Any:
        return {"score": critic(generator(LATENTS(4, device=images.device))).mean()}, {"plan/step": images.mean()}

    return System(
        critic=Side(
            network=critic,
            optimizer=partial(torch.optim.Adam, lr=3e-4, betas=(0.25, 0.75), eps=1e-7, amsgrad=True),
            terms={"one": critic_terms, "other": critic_terms},
            turn=lambda step: "one" if step < 8 else ("one", "other"),
            betas=lambda step: (0.0, 0.5 + 0.4 * step / steps),
            constraint=partial(gk.constraints.clip_weights_, critic, 0.125, include_norms=False),
            before=partial(print, end=""),
            formulas={"score": "2 * (mean(D(real)) - mean(D(fake)))", "other/details": "mean(E)", "one/details": "E"},
        ),
        generator=Side(
            network=generator,
            optimizer=partial(torch.optim.SGD, lr=0.5, momentum=0.875),
            terms=generator_terms,
            learning_rate=lambda step: 0.5 * (1 - step / steps),
        ),
        batch_size=6,
        fresh_batches=False,
        replacement=True,
        group=2,
        schedule=gk.schedules.Boosted(base=gk.schedules.Round(2), boost=gk.schedules.Round(9), first=13),
        average=partial(gk.training.WeightAverage, decay=0.9375, warmup=False),
        average_decay=lambda step: 0.5 if step < 4 else 0.75,
        parts={"pool": gk.training.Replay(17)},
        notation={"E": "a test's"},
        constants={"softness": 0.0625, "size": DESCRIPTION.size},
    )


def networks(description: Description, options: Any) -> Blueprint:
    return Blueprint(makers={"generator": draw_generator, "critic": Critic}, latents=LATENTS)


RECIPE = Recipe(
    description="A test's.", steps=9, conditioning=always(WhateverIsKnown()), networks=networks, system=system
)


@pytest.fixture(scope="module")
def outline() -> Outline:
    return outline_of(RECIPE, DESCRIPTION, None, SELECTION, steps=9)


def facts(sections: Any) -> dict[tuple[str, str], str]:
    return {(section.name, fact.name): fact.value for section in sections for fact in section.facts}


def test_constants_are_those_of_the_objects(outline: Outline) -> None:
    found = facts(outline.constants)
    assert found["critic", "optimizer"] == "Adam: betas 0.25 and 0.75, eps 1e-07, weight_decay 0, amsgrad True"
    assert found["critic", "learning rate"] == "0.0003"
    assert found["critic", "betas over the run"].startswith("0 and 0.5 at step 0, 0 and 0.589 at step 2, ")
    assert found["critic", "updates in a turn"] == "one; or one and other"
    assert found["critic", "after each update"] == "clip_weights_(critic, 0.125, include_norms=False)"
    assert found["critic", "before each update"] == "print(end=)"
    assert found["generator", "optimizer"].startswith("SGD: momentum 0.875, ")
    rates = "0.5 at step 0, 0.389 at step 2, 0.278 at step 4, 0.167 at step 6, 0.0556 at step 8"
    assert found["generator", "learning rate"] == rates
    assert found["rounds", "updates in a round"] == (
        "Boosted(base=Round(critic=2, generator=1, generator_first=False), boost=Round(critic=9, generator=1, "
        "generator_first=False), first=13, every=None, epoch_length=None, count_from=0)"
    )
    assert found["rounds", "real pictures in a batch"] == "6"
    assert found["rounds", "of each condition"] == "2"
    assert found["rounds", "batches"] == "one for all updates of a round"
    assert found["rounds", "real pictures"] == "drawn with replacement"
    assert found["drawing", "input"] == "normal_latents(features=5)"
    assert found["drawing", "average of generator"] == "exponential, keeps 0.9375 at each round"
    assert found["drawing", "share of the average that is kept"].startswith("0.5 at step 0, 0.5 at step 2, 0.75 at")
    assert found["more", "pool"] == "Replay(capacity=17)"
    assert (found["more", "softness"], found["more", "size"]) == ("0.0625", "8")


def test_losses_of_each_update_have_their_formulas(outline: Outline) -> None:
    found = facts(outline.losses)
    assert found["critic, update one", "details"] == "E"
    assert found["critic, update other", "details"] == "mean(E)"
    assert found["critic, update one", "score"] == found["critic, update other", "score"]
    assert found["generator", "score"] == "(the recipe does not give its formula)"
    text = outline.losses_text()
    assert "loss of critic, update one = score + details\n  score   = 2 * (mean(D(real)) - mean(D(fake)))\n" in text
    assert "All losses are minimized." in text
    assert "a test's" in text
    short = outline.losses_text(with_meanings=False)
    assert "minimized" not in short
    assert text.startswith(short)


def test_layers_are_found_wherever_they_are_called(outline: Outline) -> None:
    generator, critic = outline.networks
    assert (generator.draws, critic.draws) == (True, False)
    assert generator.layers == [
        Layer("0", "Linear", "192", 1152, "in_features=5, out_features=192, bias=True"),
        Layer("1", "Unflatten", "3 x 8 x 8", 0, "dim=1, unflattened_size=(3, 8, 8)"),
    ]
    assert [(layer.name, layer.output, layer.parameters) for layer in critic.layers] == [
        ("score.0", "192", 0),
        ("score.1", "2", 386),
        ("score.2", "2", 0),
        ("score.3", "1", 3),
        ("details.0", "48", 0),
        ("details.1", "1", 49),
        ("unused", "-", 56),
    ]
    assert critic.layers[2].arguments == "negative_slope=0.3"
    assert critic.parameters == sum(one.numel() for one in Critic().parameters())


def test_a_network_that_no_loss_calls_is_one_row() -> None:
    def more(description: Description, options: Any) -> Blueprint:
        plain = networks(description, options)
        return replace(plain, makers={**plain.makers, "idle": partial(nn.Linear, 3, 4)})

    idle = outline_of(replace(RECIPE, networks=more), DESCRIPTION, None, SELECTION, steps=9).networks[-1]
    assert (idle.name, idle.layers) == ("idle", [Layer("(itself)", "Linear", "-", 16)])


def test_nothing_is_drawn_and_nothing_changes() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    outline_of(RECIPE, DESCRIPTION, None, SELECTION, steps=9)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.empty(1).device.type == "cpu"


def test_the_file_and_the_dictionary_hold_all_of_it(outline: Outline) -> None:
    again = Outline.from_dict(json.loads(json.dumps(outline.to_dict())))
    assert again == outline
    text = outline.text()
    for part in (
        "NETWORKS",
        "LOSSES",
        "CONSTANTS",
        outline.losses_text(),
        outline.constants_text(),
        "negative_slope=0.3",
    ):
        assert part in text
    assert "negative_slope" not in outline.networks_text()


@pytest.mark.parametrize(
    "spoil", [lambda plain: plain.pop("losses"), lambda plain: plain.update(networks=[{"name": "a"}])]
)
def test_other_dictionaries_are_refused(outline: Outline, spoil: Any) -> None:
    plain = outline.to_dict()
    spoil(plain)
    with pytest.raises(ValueError, match=r"^this is not the outline of a system"):
        Outline.from_dict(plain)


def test_long_values_are_broken_below_their_first_word() -> None:
    words = " ".join(["word"] * 40)
    section = Section("long", [Fact("short", words), Fact("of a name", "one")])
    outline = Outline(networks=[], losses=[section], notation=[], constants=[section])
    lines = outline.constants_text().splitlines()
    assert lines[:2] == ["long", f"  short      {' '.join(['word'] * 13)}"]
    assert lines[2] == f"             {' '.join(['word'] * 13)}"
    assert lines[-1] == "  of a name  one"
    assert max(map(len, outline.losses_text().splitlines())) <= 80


def test_only_names_that_formulas_use_are_explained() -> None:
    found = dict(used_notation(["mean(relu(1 - D(real)))"], {"t": "a label", "u": "another", "v": "of t"}))
    assert {"mean", "relu(s)", "D(...)", "t"} == found.keys()
    own = dict(used_notation(["10 * mean(grad D(between))"], {"between": "own words"}))
    assert own["between"] == "own words"


def test_a_table_names_its_columns() -> None:
    network = NetworkOutline("critic", False, [Layer("score", "Linear", "1", 12345, "bias=True")])
    outline = Outline(networks=[network], losses=[], notation=[], constants=[])
    assert outline.networks_text().splitlines() == [
        "critic: 12,345 parameters",
        "  Layer  Kind    Output  Parameters",
        "  score  Linear  1           12,345",
    ]


def test_formulas_without_names_have_no_list_of_meanings() -> None:
    outline = Outline(networks=[], losses=[], notation=[], constants=[])
    assert "In these formulas" not in outline.losses_text()
    assert "In these formulas\n  z" in replace(outline, notation=[Fact("z", "noise")]).losses_text()
