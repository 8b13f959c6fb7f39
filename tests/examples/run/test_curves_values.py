"""Which values the curves show: grouped by panel, thinned out, and those of the first steps."""

import numpy as np

from examples.anime_faces.run import Losses, series
from examples.anime_faces.run._curves import _panels, averaged_curve, first_steps

NAN = float("nan")


def losses_of(**columns: list[float]) -> Losses:
    named = {name.replace("_", "/", 1): np.array(values) for name, values in columns.items()}
    return Losses(steps=np.arange(1, len(next(iter(named.values()))) + 1), columns=named)


def test_each_value_of_the_log_is_in_the_panel_of_its_kind() -> None:
    averages = dict.fromkeys(
        [
            *("critic/score", "critic/penalty", "generator/score", "scores/real", "scores/fake", "critic gap"),
            *("accuracy/real", "gradients/critic", "weights/condition of critic", "fresh/critic", "other/value"),
        ],
        1.0,
    )
    panels = _panels(series([{"step": 20, "averages": averages, "grid": {"variety, raw": 0.5}}]), None)
    both = ["losses/critic", "losses/generator"]
    assert [(panel.title, list(panel.curves), panel.is_logarithmic) for panel in panels] == [
        ("losses of both networks", both, False),
        ("losses of both networks", both, True),
        ("losses of both networks on pictures not used before", ["fresh/critic"], False),
        ("critic losses", ["critic/score", "critic/penalty"], False),
        ("generator losses", ["generator/score"], False),
        ("mean scores of the critic, and their gap", ["scores/real", "scores/fake", "critic gap"], False),
        ("share of pictures that the critic recognizes", ["accuracy/real"], False),
        ("length of the gradients of all weights together", ["gradients/critic"], False),
        ("length of the weights that multiply the condition", ["weights/condition of critic"], False),
        (
            "sample grids: variety beside real pictures, share of noise in it (not averaged)",
            ["grid/variety, raw"],
            False,
        ),
    ]


def test_a_long_curve_is_shown_at_even_distances_with_both_ends() -> None:
    losses = losses_of(losses_critic=[6.0, 4.0, 2.0, 0.0, 8.0, 4.0])
    # Means of all values so far, at places 0, 5/3, 10/3 and 5, rounded.
    assert averaged_curve(losses, "losses/critic", 4) == ([1, 3, 4, 6], [6.0, 4.0, 3.0, 4.0])
    assert averaged_curve(losses, "losses/critic", 2) == ([1, 6], [6.0, 4.0])
    assert averaged_curve(losses, "losses/critic", 9) == ([1, 2, 3, 4, 5, 6], [6.0, 5.0, 4.0, 3.0, 4.0, 4.0])


def test_the_first_steps_are_those_of_whole_losses_that_have_a_value() -> None:
    losses = losses_of(losses_critic=[3.0, 2.0, 1.0], losses_generator=[5.0, NAN, 4.0], critic_score=[0.0, 0.0, 0.0])
    assert first_steps(losses) == {
        "losses/critic": ([1, 2, 3], [3.0, 2.0, 1.0]),
        "losses/generator": ([1, 3], [5.0, 4.0]),
    }
    assert first_steps(Losses(steps=np.array([21, 22, 23]), columns=losses.columns)) == {}
