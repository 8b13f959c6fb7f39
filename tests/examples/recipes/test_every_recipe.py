"""What holds for every recipe, however many there are: purity, no waiting for the device, sampling without a critic."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from support.purity import Replayed, assert_trains_alike
from support.recipe_forms import FORMS, WIDE, in_double, in_float64, options_of
from support.tape import TapeRecorder
from torch.nn.utils.parametrize import is_parametrized
from torch.optim.optimizer import Optimizer, register_optimizer_step_post_hook, register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_recipe
from examples.anime_faces.run import Feed
from examples.anime_faces.run._stores import ResidentStore
from examples.anime_faces.systems import Description, Hardware, Recipe, Side, System, Training, assemble
from gankit.training import Compiled, Eager, Gradients, Graphed

FORM_IDS = [" ".join([name, *(f"{key}={value}" for key, value in form.items())]) for name, form in FORMS]
every_form = pytest.mark.parametrize(("name", "form"), FORMS, ids=FORM_IDS)
every_recipe = pytest.mark.parametrize(
    ("name", "form"), [pytest.param(*one, marks=() if not one[1] else pytest.mark.slow) for one in FORMS], ids=FORM_IDS
)
"""Of every recipe the form of its defaults in the quick suite, the others in the slow one."""
every_narrow_recipe = pytest.mark.parametrize(
    ("name", "form"),
    [pytest.param(*one, marks=pytest.mark.slow if one[1] or one[0] in WIDE else ()) for one in FORMS],
    ids=FORM_IDS,
)


def batches_of(
    name: str, options: Any, training: Training, faces: Dataset, move: Callable[[Any], Any]
) -> Iterator[Any]:
    """Batches of a data set as `train` makes them, moved to another device or precision."""
    selection = find_recipe(name).conditioning(options).select(faces)
    system = training.system
    feed = Feed(
        ResidentStore(faces.images, "cpu"),
        selection,
        batch_size=system.batch_size,
        seed=0,
        hardware=Hardware(),
        shared=system.shared,
        group=system.group,
        replacement=system.replacement,
    )
    return (tree_map(lambda one: move(one) if isinstance(one, torch.Tensor) else one, batch) for batch in feed)


def description_of(name: str, options: Any, faces: Dataset) -> Description:
    return find_recipe(name).conditioning(options).select(faces).description


def built(
    recipe: Recipe, name: str, options: Any, faces: Dataset, gradients: Callable[[], Gradients] = Eager
) -> tuple[Training, Iterator[Any]]:
    """A training in float64 and its batches, always with the same weights and pictures."""
    torch.manual_seed(7)
    description = description_of(name, options, faces)
    training = assemble(in_float64(recipe), description, options, steps=20, hardware=Hardware(), gradients=gradients)
    return training, batches_of(name, options, training, faces, in_double)


def assert_replays(recipe: Recipe, name: str, options: Any, faces: Dataset) -> None:
    """Train a recipe eagerly, and by the traces of its losses, with the same batches and draws."""
    parts: list[Replayed] = []

    def replaying() -> Replayed:
        parts.append(Replayed())
        return parts[-1]

    eager, some = built(recipe, name, options, faces)
    replayed, same = built(recipe, name, options, faces, replaying)
    for part in parts:
        part.buffers = [buffer for network in replayed.networks.values() for buffer in network.buffers()]
    rounds = [
        (lambda step=step: eager.play(step, some), lambda step=step: replayed.play(step, same))
        for step in (0, 1, 8, 9, 16)  # a penalty at every eighth step is traced at the first and replayed at others
    ]
    assert_trains_alike(eager.networks, replayed.networks, rounds)
    assert all(part.replays >= 2 for part in parts)


@every_narrow_recipe
def test_the_losses_of_every_update_are_pure(name: str, form: dict[str, Any], faces: Dataset) -> None:
    """Traced once and replayed for more rounds, with new batches, they train exactly as eagerly."""
    assert_replays(find_recipe(name), name, options_of(name, form), faces)


@every_recipe
def test_graphs_of_every_update_train_as_it_does_eagerly(
    name: str, form: dict[str, Any], faces: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorders: list[TapeRecorder] = []

    def recorder(_: torch.device) -> TapeRecorder:
        recorders.append(TapeRecorder())
        return recorders[-1]

    monkeypatch.setattr("gankit.training._graphed.recorder_for", recorder)
    options = options_of(name, form)
    eager, some = built(find_recipe(name), name, options, faces)
    graphed, same = built(find_recipe(name), name, options, faces, partial(Graphed, 1))
    rounds = [
        (lambda step=step: eager.play(step, some), lambda step=step: graphed.play(step, same))
        for step in (0, 1, 8, 9, 16)  # as above; at the second one of each kind a graph is recorded
    ]
    assert_trains_alike(eager.networks, graphed.networks, rounds)
    assert recorders
    assert all(tape.replays for recorder in recorders for tape in recorder.tapes)
    assert all(len(recorder.tapes) == 1 for recorder in recorders)  # nothing asks for a second graph


@pytest.mark.slow
@every_form
def test_every_update_compiles_and_trains_as_it_does_eagerly(name: str, form: dict[str, Any], faces: Dataset) -> None:
    """A fallback to eager would warn, and fail here."""
    options = options_of(name, form)
    eager, some = built(find_recipe(name), name, options, faces)
    compiled, same = built(find_recipe(name), name, options, faces, partial(Compiled, backend="aot_eager"))
    rounds = [
        (lambda step=step: eager.play(step, some), lambda step=step: compiled.play(step, same)) for step in (0, 8)
    ]
    # Adam makes a step of full size of a gradient that is rounding alone, as that of a bias before a norm.
    assert_trains_alike(eager.networks, compiled.networks, rounds, tolerance=1e-10)
    assert compiled.compile_seconds > 0


def counts(system: System) -> System:
    """Let the critic's terms read a number that Python counts up."""
    calls, (side, terms) = itertools.count(1), one_side(system.critic)

    def counted(*inputs: torch.Tensor) -> Any:
        costs, readings = terms(*inputs)
        number = next(calls)
        return {name: number * cost for name, cost in costs.items()}, readings

    return replace(system, critic=replace(side, terms=counted))


def stashes(system: System) -> System:
    """Let the critic's terms leave a tensor in a dictionary, which the generator's terms take from there."""
    shared: dict[str, torch.Tensor] = {}
    (critic, terms), (generator, others) = one_side(system.critic), one_side(system.generator)

    def stashing(*inputs: torch.Tensor) -> Any:
        shared["images"] = inputs[0]
        return terms(*inputs)

    def taking(*inputs: torch.Tensor) -> Any:
        return {name: cost * shared["images"].mean() for name, cost in others(*inputs).items()}

    return replace(system, critic=replace(critic, terms=stashing), generator=replace(generator, terms=taking))


def one_side(side: Side | Mapping[str, Side]) -> tuple[Side, Callable[..., Any]]:
    assert isinstance(side, Side)
    assert callable(side.terms)
    return side, side.terms


@pytest.mark.parametrize("spoil", [counts, stashes])
def test_impure_terms_do_not_train_alike(spoil: Callable[[System], System], faces: Dataset) -> None:
    recipe = find_recipe("tags_wgan_gp")
    spoiled = replace(recipe, system=lambda *arguments: spoil(recipe.system(*arguments)))
    with pytest.raises(AssertionError, match="Tensor-likes are not close"):
        assert_replays(spoiled, recipe.name, options_of(recipe.name, {}), faces)


class NothingIsRead(TorchDispatchMode):
    """Refuse to read a value on the host, and tensors elsewhere than on meta, but for counters of the optimizers themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.stepping = False
        self.calls = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        result = func(*args, **(kwargs or {}))
        if not self.stepping:
            self.calls += 1
            assert func is not torch.ops.aten._local_scalar_dense.default, "a value is read on the host"
            for one in tree_leaves((args, kwargs, result)):
                if isinstance(one, torch.Tensor):
                    assert one.is_meta, f"{func} has a tensor of shape {tuple(one.shape)} on {one.device}"
        return result


@every_recipe
def test_a_round_waits_for_no_value_and_stays_on_its_device(name: str, form: dict[str, Any], faces: Dataset) -> None:
    options = options_of(name, form)
    description = description_of(name, options, faces)
    training = assemble(find_recipe(name), description, options, steps=20, hardware=Hardware(device="meta"))
    batches = batches_of(name, options, training, faces, lambda one: one.to("meta"))
    drawn = iter([next(batches) for _ in range(4)])
    mode = NothingIsRead()

    def stepping(_optimizer: Optimizer, *_: Any, now: bool) -> None:
        mode.stepping = now

    hooks = [
        register_optimizer_step_pre_hook(lambda *given: stepping(*given, now=True)),
        register_optimizer_step_post_hook(lambda *given: stepping(*given, now=False)),
    ]
    try:
        with mode:
            logged = training.play(0, drawn)
            training.play(1, drawn)
    finally:
        for hook in hooks:
            hook.remove()
    assert mode.calls > 100
    assert {"scores/real", "scores/fake"} <= logged.keys()
    assert all(value.is_meta and value.ndim == 0 for value in logged.values())


@every_form
def test_pictures_are_drawn_without_a_critic(name: str, form: dict[str, Any], faces: Dataset) -> None:
    options = options_of(name, form)
    conditioning = find_recipe(name).conditioning(options)
    description = conditioning.select(faces).description
    blueprint = find_recipe(name).networks(description, options)
    assert "critic" not in blueprint.drawing
    assert set(blueprint.drawing) < set(blueprint.makers)
    networks = {of: blueprint.makers[of]().eval() for of in blueprint.drawing}
    grid = conditioning.grid(description, 3)
    inputs = torch.zeros(3, 3, 32, 32) if blueprint.latents is None else blueprint.latents(len(grid.names), rng=None)
    images = blueprint.draw(networks, inputs, grid.condition)
    assert images.shape == (3, 3, 32, 32)
    assert float(images.detach().abs().max()) <= 1


@every_form
def test_pictures_are_drawn_on_another_device(name: str, form: dict[str, Any], faces: Dataset) -> None:
    """Networks that are built there draw there, from inputs that are moved there, and nothing is read on the host."""
    options = options_of(name, form)
    conditioning = find_recipe(name).conditioning(options)
    description = conditioning.select(faces).description
    blueprint = find_recipe(name).networks(description, options)
    grid = conditioning.grid(description, 3)
    rows = len(grid.names)
    inputs = torch.zeros(rows, 3, 32, 32) if blueprint.latents is None else blueprint.latents(rows, rng=None)
    networks = {of: blueprint.makers[of]().to("meta").eval() for of in blueprint.drawing}
    inputs = inputs.to("meta")
    condition = None if grid.condition is None else grid.condition.to("meta")
    with torch.no_grad(), NothingIsRead():
        images = blueprint.draw(networks, inputs, condition)
    assert images.is_meta
    assert images.shape == (rows, 3, 32, 32)


STEP = 1e-4  # of the length of all parameters: small enough that a slope decides
BACKWARD = [("dcgan", {"literal": True, "literal_sign": True})]
"""Forms whose generator lowers its own scores."""
both_ways = pytest.mark.parametrize(
    ("name", "form", "sign"),
    [*((name, form, 1) for name, form in FORMS), *((name, form, -1) for name, form in BACKWARD)],
    ids=lambda value: " ".join(f"{key}={of}" for key, of in value.items()) if isinstance(value, dict) else None,
)


SATURATED = {"reacgan"}
"""Recipes with a hinge loss whose new critic is so sure of some pictures that they cost nothing; see their own tests."""
every_form_with_slopes = pytest.mark.parametrize(
    ("name", "form"), [(name, form) for name, form in FORMS if name not in SATURATED]
)


class Sides:
    """The two sides of a recipe on one batch: each calculation starts from the same random numbers."""

    def __init__(self, name: str, form: dict[str, Any], faces: Dataset) -> None:
        torch.manual_seed(5)
        options = options_of(name, form)
        description = description_of(name, options, faces)
        self.training = assemble(
            in_float64(find_recipe(name)), description, options, steps=20, hardware=Hardware(threads=1)
        )
        for network in self.training.networks.values():
            if any(is_parametrized(module) for module in network.modules()):
                network.eval()  # in training mode every pass moves the vectors of spectral norm, and scores with them
        self.batch = next(batches_of(name, options, self.training, faces, in_double))
        self.training.system.plan(20)  # a cheat that decays has ended: it deceives the critic

    def inputs(self) -> tuple[Any, ...]:
        torch.manual_seed(6)
        prepare = self.training.system.prepare
        return self.batch if prepare is None else prepare(self.batch)

    def results(self, side: Side) -> tuple[list[torch.Tensor], dict[str, torch.Tensor]]:
        """The costs of the scores, or all costs where none has that name, of each of a side's terms; and their readings."""
        costs, readings = [], {}
        for terms in side.terms.values() if isinstance(side.terms, Mapping) else [side.terms]:
            inputs = self.inputs()
            torch.manual_seed(7)
            found = terms(*inputs)
            of_terms, read = found if isinstance(found, tuple) else (found, {})
            costs.append(of_terms["score"] if "score" in of_terms else sum(of_terms.values(), torch.zeros(())))
            readings |= read
        return costs, readings

    def step(self, side: Side) -> None:
        """Go down the slope of the scores' costs a little."""
        parameters = list(side.network.parameters())
        slopes = torch.autograd.grad(torch.stack(self.results(side)[0]).sum(), parameters, allow_unused=True)
        length, steep = (
            torch.stack([one.square().sum() for one in some if one is not None]).sum().sqrt()
            for some in (parameters, slopes)
        )
        with torch.no_grad():
            for parameter, slope in zip(parameters, slopes, strict=True):
                if slope is not None:
                    parameter.sub_(STEP * length / steep * slope)


def sides_of(player: Side | Mapping[str, Side]) -> list[Side]:
    return list(player.values()) if isinstance(player, Mapping) else [player]


@every_form_with_slopes
def test_a_step_of_the_critic_sets_real_scores_apart_from_fake_ones(
    name: str, form: dict[str, Any], faces: Dataset
) -> None:
    sides = Sides(name, form, faces)
    for side in sides_of(sides.training.system.critic):
        _, before = sides.results(side)
        sides.step(side)
        _, after = sides.results(side)
        pairs = [(of, of.replace("/real", "/fake")) for of in before if of.startswith("scores/real")]
        assert pairs
        for real, fake in pairs:
            assert after[real] - after[fake] > before[real] - before[fake]


@both_ways
def test_a_step_of_the_generator_raises_the_scores_of_its_pictures(
    name: str, form: dict[str, Any], sign: int, faces: Dataset
) -> None:
    sides = Sides(name, form, faces)
    scores: list[torch.Tensor] = []

    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        found = getattr(output, "scores", output)
        scores.append(torch.stack([one.detach().mean() for one in tree_leaves(found)]).mean())

    for critic in sides_of(sides.training.system.critic):
        critic.network.register_forward_hook(keep)
    for side in sides_of(sides.training.system.generator):
        means: list[float] = []
        for play in (sides.results, sides.step, sides.results):
            scores.clear()
            play(side)
            means.append(float(torch.stack(scores).mean()))
        assert means[1] == means[0]
        assert sign * (means[2] - means[0]) > 0
