"""The options of `srresnet_acgan` (report B)."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from examples.anime_faces.recipes._options import check_numbers, check_shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What one form of the objective has where an option is `auto`.

    Args:
        critic_steps: Critic updates before each generator update.
        penalty_weight: Weight of the gradient penalty.
        score_weight: Weight of the scores' losses. None: the number of tags.
        fake_class_weight: Weight of the tags of generated pictures in the critic's loss.
        generator_class_weight: Weight of the tags in the generator's loss.
        fake_tags: Where the tags of generated pictures come from.
        generator_batches: Size of the generator's batch, in batches of the critic.
        betas: Betas of Adam.
        decays: Whether the learning rate falls to 0 along the run.
    """

    critic_steps: int
    penalty_weight: float
    score_weight: float | None
    fake_class_weight: float
    generator_class_weight: float
    fake_tags: str
    generator_batches: int
    betas: tuple[float, float]
    decays: bool


FORMS = {
    "wgan_gp": Form(
        critic_steps=5,
        penalty_weight=10.0,
        score_weight=1.0,
        fake_class_weight=0.0,
        generator_class_weight=0.1,
        fake_tags="batch",
        generator_batches=2,
        betas=(0.0, 0.9),
        decays=True,
    ),
    "dragan": Form(
        critic_steps=1,
        penalty_weight=0.5,
        score_weight=None,
        fake_class_weight=1.0,
        generator_class_weight=1.0,
        fake_tags="drawn",
        generator_batches=1,
        betas=(0.5, 0.999),
        decays=False,
    ),
}
"""By objective: report B's with the weights of the program of WGAN-GP, and that of the paper with its weights."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of the recipe `srresnet_acgan` (report B)."""

    objective: Literal["wgan_gp", "dragan"] = "wgan_gp"
    """wgan_gp, as in the report; dragan, as in the paper: cross-entropy, penalty of DRAGAN. All `auto` follow it."""
    batch_size: int = 64
    """Real pictures in one batch."""
    width: int = 64
    """Channels of the generator's maps; the critic's first layer has half as many."""
    blocks: int = 16
    """Residual blocks of the generator."""
    pre_activation: bool = False
    """Residual blocks with the activation before each convolution (arXiv 1603.05027), which the report names too."""
    learning_rate: float = 2e-4
    """Learning rate of Adam for both networks. With wgan_gp it falls to 0 along the run."""
    critic_steps: Literal["auto"] | int = "auto"
    """Critic updates before each generator update. auto: 5, or 1 with dragan."""
    penalty_weight: Literal["auto"] | float = "auto"
    """Weight of the gradient penalty. auto: 10, or 0.5 with dragan."""
    score_weight: Literal["auto"] | float = "auto"
    """Weight of the losses of real or fake, lambda_adv in the paper. auto: 1, or the number of tags with dragan."""
    class_weight: float = 1.0
    """Weight of the tags of real pictures in the critic's loss."""
    fake_class_weight: Literal["auto"] | float = "auto"
    """Weight of the tags of generated pictures in the critic's loss. auto: 0, or 1 with dragan."""
    generator_class_weight: Literal["auto"] | float = "auto"
    """Weight of the tags in the generator's loss. auto: 0.1, or 1 with dragan."""
    fake_tags: Literal["auto", "batch", "drawn"] = "auto"
    """Tags of generated pictures: those of the real pictures in the batch, or drawn. auto: batch, or drawn with dragan."""
    tag_probability: float = 0.25
    """Probability of a tag that is drawn and that excludes no other one."""
    replay: int = 512
    """Earlier pictures of the generator to keep: half of those that the critic sees come from there. 0: none are kept."""

    extra: Annotated[str, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = ""
    """A second data set to learn from as well: a folder that `prepare` wrote, with classes of the first one or none."""
    extra_labels: bool = True
    """Give both networks a number for the set of a picture, and use the classes of the second one."""

    def __post_init__(self) -> None:
        """Refuse options that make no sense, by their flags."""
        check_shares(self, "tag_probability")
        check_numbers(self, may_be_zero=("replay",))
        if self.replay and self.batch_size < 2:
            raise ValueError(
                f"--batch-size must be at least 2 with --replay, for two half batches, but it is {self.batch_size}"
            )

    @property
    def form(self) -> Form:
        """What the objective has where an option is `auto`."""
        return FORMS[self.objective]

    def chosen(self, name: str) -> float:
        """Return a number that may be `auto`."""
        value = getattr(self, name)
        return getattr(self.form, name) if value == "auto" else value

    def score_weight_for(self, tags: int) -> float:
        """Return the weight of the scores' losses for a number of tags."""
        if self.score_weight != "auto":
            return self.score_weight
        return float(tags) if self.form.score_weight is None else self.form.score_weight

    @property
    def numbers_of_sets(self) -> int:
        """How many numbers after the tags say which set a picture is of: 1 with a second set and labels, else 0."""
        return int(bool(self.extra) and self.extra_labels)

    @property
    def draws_tags(self) -> bool:
        """Whether tags of generated pictures are drawn."""
        return (self.form.fake_tags if self.fake_tags == "auto" else self.fake_tags) == "drawn"
