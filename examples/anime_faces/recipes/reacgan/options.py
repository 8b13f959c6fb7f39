"""The options of `reacgan`."""

from dataclasses import dataclass

from examples.anime_faces.recipes._options import check_numbers, check_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `reacgan`."""

    batch_size: int = 64
    """Pictures in one batch; those of other classes in it are what each picture is compared with. The program takes 128."""
    width: int = 16
    """Channels of both networks, of which each stage has a multiple; the program takes 96, and time grows with the square."""
    embedding: int = 512
    """Numbers in the critic's embedding of a picture, for each attribute."""
    attention: bool = False
    """Let each position see all others once in both networks, at half the size of the picture."""
    learning_rate: float = 2.83e-4
    """Learning rate of Adam for both networks."""
    critic_steps: int = 2
    """Critic updates before each generator update, each on a fresh batch."""
    class_weight: float = 0.5
    """Weight of each attribute's data-to-data cross-entropy, for both networks."""
    temperature: float = 0.5
    """Divisor of the similarities in that loss."""
    margin: float = 0.98
    """Similarity to the own class above which a picture is close enough; to other classes, 1 minus it is far enough."""
    average_decay: float = 0.9999
    """Share of the average of weights that each round keeps."""
    average_start: int = 1000
    """Round from which weights are averaged; until then the average is the network itself."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "average_decay", "margin")
        check_numbers(self, may_be_zero=("average_start",))
        if not self.temperature:
            raise ValueError(f"--temperature must be above 0, but it is {self.temperature}")
