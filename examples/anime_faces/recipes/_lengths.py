"""How long runs of recipes are, for `train --help`, which loads no torch; tests compare it with the recipes and the results."""

from typing import NamedTuple


class Length(NamedTuple):
    """Steps of a run if neither steps nor minutes are given, and measured seconds of a step."""

    steps: int
    seconds: float


LENGTHS = {
    "default": Length(12_000, 0.0534),
    "acgan": Length(20_000, 0.0525),
    "dcgan": Length(20_000, 0.0602),
    "df_gan": Length(50_000, 0.096),
    "gan_cls": Length(25_000, 0.0771),
    "gray_then_color": Length(20_000, 0.0875),
    "matching_wgan": Length(55_000, 0.226),
    "r3gan": Length(20_000, 0.216),
    "reacgan": Length(20_000, 0.321),
    "retrofit": Length(20_000, 0.0509),
    "srresnet_acgan": Length(20_000, 0.18),
    "stargan": Length(40_000, 0.173),
    "tags_wgan_gp": Length(10_000, 0.18),
    "wgan_clip": Length(20_000, 0.0687),
}
"""By recipe. Seconds are those of ``benchmarks/results/recipes.md``: two CPU cores, float32, pictures of 32 x 32 pixels, and
the options with which the recipe's page was made, mostly with narrower networks than the defaults."""
