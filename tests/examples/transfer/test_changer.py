"""A run as what changes pictures: its averaged generator, its critic, and the classes that it was trained on."""

from pathlib import Path

import pytest
import torch

from examples.anime_faces.run import load_any_checkpoint, load_generator, load_network
from examples.anime_faces.transfer import changer_of_run


def test_a_run_draws_by_the_average_and_reads_by_its_critic(stargan_run: Path) -> None:
    changer = changer_of_run(stargan_run, load_generator(stargan_run))
    assert changer.size == 32
    assert changer.origin == f"step 2 of {stargan_run}"
    assert changer.vector.names == ("black hair", "brown hair", "blonde hair", "glasses", "ribbon")
    state = load_any_checkpoint(stargan_run)
    average = state["averages"]["generator"]["network"]
    drawing = changer.drawer.networks["generator"].state_dict()
    assert all(torch.equal(drawing[name], one) for name, one in average.items())
    assert changer.critic is not None
    assert not changer.critic.training
    reading = changer.critic.state_dict()
    assert all(torch.equal(reading[name], one) for name, one in state["networks"]["critic"].items())


def test_runs_of_other_recipes_are_refused(trained_folder: Path) -> None:
    with pytest.raises(
        ValueError, match=r"--run must be a run of the recipe stargan or gray_then_color, but .* was trained with acgan"
    ):
        changer_of_run(trained_folder, load_generator(trained_folder))
    with pytest.raises(ValueError, match="acgan has the networks generator, critic, but no 'judge'"):
        load_network(trained_folder, "judge")
