"""The variants of report E: batches and steps of the critic, its fakes, their labels, weights."""

from typing import Any

import pytest
import torch
from support.recipes import FACES, assembled
from torch import nn
from torch.nn import functional

from examples.anime_faces.recipes.acgan.networks import in_evaluation_mode
from examples.anime_faces.systems import Training

cross_entropy = functional.binary_cross_entropy_with_logits


def build(**options: Any) -> Training:
    return assembled("acgan", FACES, options={"fakes": "train", **options}, width=4, batch_size=14)


def batch(count: int = 7) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(3)
    return torch.rand(count, 3, 32, 32, generator=rng) * 2 - 1, torch.randint(11, (count, 2), generator=rng)


def drawn_labels(count: int) -> torch.Tensor:
    return torch.stack([torch.randint(12, (count,)), torch.randint(11, (count,))], dim=1)


def sizes_seen(training: Training, *names: str) -> list[tuple[str, int]]:
    """The networks that a round's updates of these names call, with the sizes of their batches."""
    seen: list[tuple[str, int]] = []
    for name, network in training.networks.items():
        network.register_forward_hook(lambda _module, inputs, _output, name=name: seen.append((name, len(inputs[0]))))
    for name in names:
        training.updates[name](*batch(training.system.batch_size))
    return seen


def test_full_batches_show_the_critic_as_many_of_each_kind_as_the_generator_draws() -> None:
    training = build(critic_batches="full")
    assert training.system.batch_size == 14
    seen = sizes_seen(training, "critic/real", "critic/fake", "generator")
    assert seen == [("critic", 14), ("generator", 14), ("critic", 14), ("generator", 14), ("critic", 14)]
    assert assembled("acgan", FACES, width=2, critic_batches="full").system.batch_size == 128


@pytest.mark.parametrize(("batches", "count"), [("half", 7), ("full", 14)])
def test_a_mixed_step_is_one_step_on_one_batch_of_both(batches: str, count: int) -> None:
    training = build(critic_batches=batches, critic_step="mixed")
    assert list(training.updates) == ["critic", "generator"]
    seen = sizes_seen(training, "critic", "generator")
    assert seen == [("generator", count), ("critic", 2 * count), ("generator", 14), ("critic", 14)]
    states = training.updates["critic"].optimizer.state.values()
    assert {int(state["step"]) for state in states} == {1}


def test_a_mixed_step_has_all_losses_of_the_two_steps() -> None:
    training, (images, labels) = build(critic_step="mixed", fake_class_weight=0.3), batch()
    torch.manual_seed(5)
    wanted = drawn_labels(7)
    with torch.no_grad():
        fakes = training.networks["generator"](torch.randn(7, 100), wanted)
        output = training.networks["critic"](torch.cat([images, fakes]))
    soft = torch.cat([1 - 0.2 * torch.rand(7), 0.2 * torch.rand(7)])
    torch.manual_seed(5)
    logged = training.updates["critic"](images, labels)
    for side, part, asked, weight in (("real", slice(7), labels, 0.8), ("fake", slice(7, 14), wanted, 0.3)):
        score = 1.4 * cross_entropy(output.scores[part], soft[part])
        torch.testing.assert_close(logged[f"{side} score"], score)
        torch.testing.assert_close(logged[f"scores/{side}"], output.scores[part].mean())
        for index, name in enumerate(("hair", "eyes")):
            expected = weight * functional.cross_entropy(output.classes[index][part], asked[:, index])
            torch.testing.assert_close(logged[f"{side} {name}"], expected)


def statistics(network: nn.Module) -> list[torch.Tensor]:
    return [buffer.clone() for buffer in network.buffers()]


@pytest.mark.parametrize("fakes", ["train", "predict"])
def test_only_predicted_fakes_leave_the_moving_statistics_alone(fakes: str) -> None:
    training, (images, labels) = build(fakes=fakes), batch()
    generator, critic = training.networks["generator"], training.networks["critic"]
    training.updates["generator"](images, labels)  # so that moving statistics differ from those at the start
    before = statistics(generator)
    torch.manual_seed(5)
    wanted = drawn_labels(7)
    with torch.no_grad():
        twin = assembled("acgan", FACES, width=4).networks["generator"]
        twin.load_state_dict(generator.state_dict())
        torch.manual_seed(5)
        drawn_labels(7)
        pictures = twin.train(fakes == "train")(torch.randn(7, 100), wanted)
        output = critic(pictures)
    soft = 0.2 * torch.rand(7)
    torch.manual_seed(5)
    logged = training.updates["critic/fake"](images, labels)
    torch.testing.assert_close(logged["score"], 1.4 * cross_entropy(output.scores, soft))
    assert all(map(torch.equal, before, generator.buffers())) == (fakes == "predict")
    assert all(module.training for module in generator.modules())
    before = statistics(generator)
    training.updates["generator"](images, labels)
    assert not any(map(torch.equal, before, generator.buffers()))


def test_the_form_that_predicts_follows_the_network_that_trains() -> None:
    network = nn.Sequential(nn.Conv2d(3, 5, 1), nn.BatchNorm2d(5))
    predicting = in_evaluation_mode(network)
    assert network.training
    assert not any(module.training for module in predicting.modules())
    inputs = torch.randn(7, 3, 2, 2)
    network(inputs)  # moves the statistics
    network.load_state_dict(
        {name: value + 0.5 for name, value in network.state_dict().items() if value.ndim}, strict=False
    )
    found = predicting(inputs)
    torch.testing.assert_close(found, network.eval()(inputs))
    assert [id(one) for one in predicting.parameters()] == [id(one) for one in network.parameters()]


def labels_drawn_for(training: Training, name: str) -> torch.Tensor:
    given: list[torch.Tensor] = []
    training.networks["generator"].register_forward_pre_hook(lambda _module, inputs: given.append(inputs[1]))
    training.updates[name](*batch())
    return given[0]


def test_labels_of_fakes_may_be_those_of_the_data() -> None:
    _, labels = batch()
    training = build(fake_labels="data")
    assert torch.equal(labels_drawn_for(training, "critic/fake"), labels)
    assert torch.equal(labels_drawn_for(training, "generator"), torch.cat([labels, labels]))
    full = build(fake_labels="data", critic_batches="full")
    assert torch.equal(labels_drawn_for(full, "generator"), labels)
    assert not torch.equal(labels_drawn_for(build(), "critic/fake"), labels)


def test_the_critic_may_learn_classes_from_real_pictures_only() -> None:
    training = build(fake_class_weight=0.0)
    assert {"hair", "eyes"} <= training.updates["critic/real"](*batch()).keys()
    assert training.updates["critic/fake"](*batch()).keys() == {"score", "scores/fake", "accuracy/fake"}


@pytest.mark.parametrize(
    ("options", "weight"),
    [({}, 0.8), ({"class_weight": 0.5}, 0.5), ({"class_weight": 0.5, "fake_class_weight": 0.3}, 0.3)],
)
def test_classes_of_fakes_weigh_as_those_of_real_pictures_unless_said(options: dict[str, float], weight: float) -> None:
    values = []
    for chosen in (options, {"class_weight": 1.0}):
        torch.manual_seed(1)
        training = build(**chosen)
        torch.manual_seed(2)
        values.append(training.updates["critic/fake"](*batch()))
    for name in ("hair", "eyes"):
        torch.testing.assert_close(values[0][name], weight * values[1][name])


def test_the_generator_s_losses_have_weights() -> None:
    values = []
    for chosen in ({}, {"generator_score_weight": 0.5, "generator_class_weight": 3.0}, {"generator_class_weight": 0.0}):
        torch.manual_seed(1)
        training = build(**chosen)
        torch.manual_seed(2)
        values.append(training.updates["generator"](*batch()))
    torch.testing.assert_close(values[1]["score"], 0.5 * values[0]["score"])
    for name in ("hair", "eyes"):
        torch.testing.assert_close(values[1][name], 3 * values[0][name])
    assert values[2].keys() == {"score"}
    torch.testing.assert_close(values[2]["score"], values[0]["score"])


def test_sampling_and_epsilon() -> None:
    assert not build().system.replacement
    assert build(sampling="replacement").system.replacement
    for options, epsilon in (({}, 1e-8), ({"adam_epsilon": 1e-7}, 1e-7)):
        groups = [update.optimizer.param_groups[0] for update in build(**options).updates.values()]
        assert {group["eps"] for group in groups} == {epsilon}
