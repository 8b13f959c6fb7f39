"""What pages take as there: the files that their text describes, and what the reader supplies."""

from collections.abc import Callable
from pathlib import Path

from embedders.published import write_model

from examples import training_script
from examples.anime_faces.data import write_rendered


def a_data_set_and_a_text_model() -> None:
    """Faces with texts, and skip-thoughts as they were published."""
    write_rendered(Path("data/tagged"), 3, 32, workers=0)
    Path("skip_thoughts").mkdir()
    write_model(Path("skip_thoughts"))


def a_run_of_the_training_script() -> None:
    """A checkpoint of the script, with the networks of its defaults."""
    training_script.main(["--out", "runs/toy", "--rounds", "1", "--critic-steps", "1", "--batch", "2"])


FILES: dict[str, Callable[[], None]] = {
    "texts.md": a_data_set_and_a_text_model,
    "training_script.md": a_run_of_the_training_script,
}

SUPPLIED = {
    "README.md": """
import torch
from torch import nn

generator = nn.Sequential(nn.Linear(128, 8), nn.ReLU(), nn.Linear(8, 2))
critic = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
generator_optimizer = torch.optim.Adam(generator.parameters())
critic_optimizer = torch.optim.Adam(critic.parameters())
batches = iter(lambda: torch.randn(5, 2), None)
rounds = 2
real, fake, latents = torch.randn(5, 2), torch.randn(5, 2), torch.randn(5, 128)
"""
}
