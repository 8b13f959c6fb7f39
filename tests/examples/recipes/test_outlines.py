"""What every recipe says of itself: formulas of all costs with their weights, what the condition enters, what data it needs."""

import sys
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import pytest
import torch

from examples.anime_faces.__main__ import parse
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_options, find_recipe, recipe_names
from examples.anime_faces.run import Feed
from examples.anime_faces.run._stores import ResidentStore
from examples.anime_faces.systems import (
    Hardware,
    Outline,
    Selection,
    Training,
    assemble,
    costs_of_updates,
    outline_of,
    score_readings,
)
from examples.anime_faces.systems._outlining import NOT_DESCRIBED
from examples.anime_faces.systems._players import joined

SMALL = {"width": 4, "batch_size": 8, "critic_steps": 2, "boosted_steps": 2, "projected": 5, "blocks": 2}
SMALL |= {"group_channels": 2, "embedding": 8}
FORMS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in recipe_names()),
    ("tags_wgan_gp", {"literal": True}),
    ("matching_wgan", {"literal": True}),
    ("tags_wgan_gp", {"constraint": "clip"}),
    ("tags_wgan_gp", {"constraint": "clip", "literal": True}),
    ("gan_cls", {"literal": True, "cheat": 0.0}),
    ("gan_cls", {"apa": True, "r1": 0.5, "mode_seeking": 0.5, "conditioning_augmentation": True, "beta": 0.0}),
    ("gan_cls", {"fresh_texts": True, "cheat_decays": True}),
    ("acgan", {"critic_step": "mixed", "embedding_form": "norms"}),
    ("acgan", {"critic_batches": "full", "fake_class_weight": 0.0, "generator_class_weight": 0.0}),
    ("acgan", {"embedding_form": "noise_product", "fake_class_weight": 0.5}),
    ("retrofit", {"fake_class_weight": 0.5}),
    ("retrofit", {"penalty_weight": 0.0, "augmentation": False}),
    ("df_gan", {"conditioning_augmentation": False}),
    ("dcgan", {"real_low": 0.8, "real_high": 1.2, "fake_high": 0.2}),
    ("dcgan", {"literal": True}),
    ("dcgan", {"literal": True, "literal_sign": True, "real_low": 0.9}),
    ("wgan_clip", {"literal": True, "clip_after": True}),
    ("srresnet_acgan", {"objective": "dragan"}),
    ("srresnet_acgan", {"pre_activation": True}),
]
every_form = pytest.mark.parametrize(
    ("name", "form"),
    FORMS,
    ids=[" ".join([name, *(f"{key}={value}" for key, value in form.items())]) for name, form in FORMS],
)
every_recipe = pytest.mark.parametrize("name", recipe_names())
WEIGHT = 0.3217


def options_of(name: str, form: Mapping[str, Any]) -> Any:
    known = {one.name for one in fields(find_options(name))}
    return find_options(name)(**{**{key: value for key, value in SMALL.items() if key in known}, **form})


def selected(name: str, options: Any, faces: Dataset) -> Selection:
    return find_recipe(name).conditioning(options).select(faces)


def built(name: str, options: Any, selection: Selection) -> Training:
    return assemble(find_recipe(name), selection.description, options, steps=20, hardware=Hardware())


def outlined(name: str, options: Any, selection: Selection) -> Outline:
    return outline_of(find_recipe(name), selection.description, options, selection, steps=20)


@every_form
def test_every_cost_has_a_formula_and_every_formula_a_cost(name: str, form: dict[str, Any], faces: Dataset) -> None:
    options = options_of(name, form)
    selection = selected(name, options, faces)
    recipe = find_recipe(name)
    costs = costs_of_updates(recipe, selection.description, options, selection, steps=20)
    players = [player for turn in built(name, options, selection).players.values() for player in turn.values()]
    assert costs.keys() == {joined(player.name, own) for player in players for own in player.updates}
    for player in players:
        used: set[str] = set()
        for own in player.updates:
            for cost in costs[joined(player.name, own)]:
                named = [key for key in (cost, f"{own}/{cost}") if key in player.side.formulas]
                assert len(named) == 1, f"{player.name}: {cost} has {len(named)} formulas"
                used |= set(named)
        assert used == player.side.formulas.keys()
    assert NOT_DESCRIBED not in outlined(name, options, selection).text()


def formulas_and_values(name: str, options: Any, faces: Dataset) -> dict[str, tuple[str, float]]:
    """The formula and the value of each cost of each update, for one batch and the same draws each time."""
    torch.manual_seed(3)
    selection = selected(name, options, faces)
    training = built(name, options, selection)
    size, group = training.system.batch_size, training.system.group
    store = ResidentStore(faces.images, "cpu")
    batch = next(Feed(store, selection, batch_size=size, seed=0, hardware=Hardware(), group=group))
    training.system.plan(0)
    found: dict[str, tuple[str, float]] = {}
    for players in training.players.values():
        for player in players.values():
            for own, update in player.updates.items():
                torch.manual_seed(4)
                given = batch if training.system.prepare is None else training.system.prepare(batch)
                result = update.loss.terms(*given)
                for cost, value in (result[0] if isinstance(result, tuple) else result).items():
                    formula = player.side.formulas.get(f"{own}/{cost}") or player.side.formulas[cost]
                    found[f"{joined(player.name, own)}/{cost}"] = formula, float(value.detach())
    return found


OTHER_WEIGHTS = ("beta", "r1", "mode_seeking")


def weights_in(options: Any) -> list[str]:
    """The options that are weights of costs."""
    return [one.name for one in fields(options) if one.name.endswith("_weight") or one.name in OTHER_WEIGHTS]


def changed_by(name: str, options: Any, option: str, faces: Dataset) -> bool:
    """Whether a weight changes costs in this form; their formulas then must show it, and all others must stay."""
    try:
        one, other = (replace(options, **{option: weight}) for weight in (WEIGHT, 2 * WEIGHT))
    except ValueError:  # this form does not have it
        return False
    first, second = (formulas_and_values(name, each, faces) for each in (one, other))
    assert first.keys() == second.keys()
    changed = {cost for cost in first if first[cost][1] != second[cost][1]}
    assert changed == {cost for cost in first if first[cost][0] != second[cost][0]}, option
    for cost in changed:
        assert str(WEIGHT) in first[cost][0], (option, first[cost])
        assert second[cost][1] == pytest.approx(2 * first[cost][1], rel=1e-4), (option, cost)
    return bool(changed)


@every_recipe
def test_formulas_show_each_weight_where_it_changes_the_cost(name: str, faces: Dataset) -> None:
    missing = set(weights_in(find_options(name)()))
    for form in [form for of, form in FORMS if of == name]:
        options = options_of(name, form)
        missing -= {option for option in weights_in(options) if changed_by(name, options, option, faces)}
    assert not missing, "these weights change no cost in any form"


def test_there_are_weights_to_check() -> None:
    found = {name: set(weights_in(find_options(name)())) for name in recipe_names()}
    assert found["acgan"] >= {"score_weight", "class_weight", "fake_class_weight", "generator_score_weight"}
    assert found["gan_cls"] == {"beta", "r1", "mode_seeking", "kl_weight"}
    assert found["srresnet_acgan"] >= {"penalty_weight", "score_weight", "generator_class_weight"}
    assert found["r3gan"] == {"penalty_weight"}


def disturb(training: Training) -> None:
    """Move all weights a little: some conditions act through weights that start at 0."""
    with torch.no_grad():
        for network in training.networks.values():
            for parameter in network.parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))


@every_recipe
def test_without_its_weights_a_network_ignores_the_condition(name: str, faces: Dataset) -> None:
    options = options_of(name, {"conditioning_augmentation": False} if name == "df_gan" else {})
    conditioning = find_recipe(name).conditioning(options)
    selection = conditioning.select(faces)
    torch.manual_seed(0)
    training = built(name, options, selection)
    disturb(training)
    grid = conditioning.grid(selection.description, 4)
    if grid.condition is None:
        assert not training.system.condition_weights
        return
    drawing = [of for of in training.blueprint.drawing if of in training.system.condition_weights]
    assert drawing == list(training.blueprint.drawing)
    drawer = training.raw
    pictures = torch.rand(1, 3, 32, 32) * 2 - 1
    inputs = drawer.inputs(1, torch.Generator().manual_seed(0), lambda count, rng: pictures[:count])
    inputs = inputs.repeat(len(grid.condition), *[1] * (inputs.ndim - 1))

    def images() -> torch.Tensor:
        with torch.no_grad():
            networks = {of: training.networks[of].eval() for of in training.blueprint.drawing}
            return training.blueprint.draw(networks, inputs, grid.condition)

    assert float((images() - images()[:1]).abs().max()) > 0
    for weights in training.system.condition_weights.values():
        assert all(float(weight.norm()) > 0 and not weight.requires_grad for weight in weights)
        for weight in weights:
            weight.zero_()
    assert float((images() - images()[:1]).abs().max()) < 1e-5


@pytest.mark.parametrize("name", ["matching_wgan", "gan_cls", "tags_wgan_gp", "default", "df_gan", "r3gan"])
def test_without_its_weights_a_critic_ignores_the_condition(name: str, faces: Dataset) -> None:
    options = options_of(name, {})
    conditioning = find_recipe(name).conditioning(options)
    torch.manual_seed(0)
    training = built(name, options, conditioning.select(faces))
    disturb(training)
    condition = conditioning.grid(conditioning.select(faces).description, 4).condition
    assert condition is not None
    critic = training.networks["critic"].eval()
    images = torch.rand(1, 3, 32, 32).expand(4, -1, -1, -1)

    def spread() -> float:
        with torch.no_grad():
            output = critic(images, condition)
            scores = output.scores if hasattr(output, "scores") else output
            return float(scores.max() - scores.min())

    assert spread() > 1e-6
    for weight in training.system.condition_weights["critic"]:
        weight.zero_()
    assert spread() < 1e-6


def only_compares(name: str, form: Mapping[str, Any]) -> bool:
    """Whether the objective only compares scores, so that 0 is no border between real and generated pictures."""
    if name in ("wgan_clip", "tags_wgan_gp"):
        return not form.get("literal")
    if name == "srresnet_acgan":
        return form.get("objective") != "dragan"
    return name in ("matching_wgan", "stargan", "r3gan")


@every_form
def test_the_border_of_recognized_pictures_fits_the_objective(
    name: str, form: dict[str, Any], faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[bool] = []

    def noted(scores: Mapping[str, torch.Tensor], *, relative: bool = False) -> dict[str, torch.Tensor]:
        calls.append(relative)
        return score_readings(scores, relative=relative)

    options = options_of(name, form)
    selection = selected(name, options, faces)
    for module in [one for one in sys.modules.values() if one.__name__.startswith("examples.anime_faces.recipes.")]:
        if hasattr(module, "score_readings"):
            monkeypatch.setattr(module, "score_readings", noted)
    costs_of_updates(find_recipe(name), selection.description, options, selection, steps=20)
    assert calls
    assert set(calls) == {only_compares(name, form)}


@every_recipe
def test_what_a_recipe_is_and_needs_is_said(name: str) -> None:
    recipe = find_recipe(name)
    assert recipe.report in ("", "A", "B", "C", "D", "E")
    assert recipe.description.startswith(f"Report {recipe.report}: ") == bool(recipe.report)
    assert recipe.data
    if recipe.prepare:
        prepare = parse("prepare", ["--out", "data/faces", *recipe.prepare.split()])
        assert prepare != parse("prepare", ["--out", "data/faces"])


@every_form
def test_layers_are_those_of_the_networks_and_lines_are_short(name: str, form: dict[str, Any], faces: Dataset) -> None:
    options = options_of(name, form)
    selection = selected(name, options, faces)
    outline, training = outlined(name, options, selection), built(name, options, selection)
    assert [network.name for network in outline.networks] == list(training.networks)
    for network in outline.networks:
        real = training.networks[network.name]
        assert network.parameters == sum(one.numel() for one in real.parameters())
        assert network.draws == (network.name in training.blueprint.drawing)
        assert len(network.layers) > 5
        assert all(layer.output not in ("", "-") for layer in network.layers), "a layer was never called"
    text = f"{outline.networks_text()}\n{outline.losses_text()}\n{outline.constants_text()}"
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()
    assert f"batch  {training.system.batch_size}\n" in text
