"""The command `recipes`: the list, one recipe in full, and what they cost."""

import re
import shlex
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from examples.anime_faces.__main__ import main, parse
from examples.anime_faces.commands import _costs
from examples.anime_faces.commands._costs import costs_of, measured
from examples.anime_faces.commands._recipe_pages import listing, options_of, page
from examples.anime_faces.recipes import find_options, find_recipe, recipe_names
from examples.anime_faces.systems import Outline

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def listed() -> str:
    return listing({name: costs_of(name, 64) for name in recipe_names()}, 64, {})


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the table by recipe."""
    table = text[text.index("What they cost") :].splitlines()
    return {cells[0]: cells[1:] for cells in map(str.split, table) if cells and cells[0] in recipe_names()}


def test_the_list_names_every_recipe_with_its_report_its_data_and_its_costs(listed: str) -> None:
    assert rows(listed).keys() == set(recipe_names())
    joined = " ".join(listed.split())
    for name in recipe_names():
        recipe = find_recipe(name)
        assert f"{name} {recipe.description}" in joined
        assert f"data {recipe.data}" in joined
        report, _, _, _, _, rounds = rows(listed)[name]
        assert report == (recipe.report or "-")
        assert rounds == f"{recipe.steps:,}"
    assert "prepare --out data/faces --binary-labels" in joined
    assert max(map(len, listed.splitlines())) <= 80
    assert listed.isascii()


def test_parameters_and_updates_are_counted() -> None:
    acgan = costs_of("acgan", 64)
    assert (acgan.generator, acgan.critic) == (3_745_979, 2_954_968)
    assert (acgan.critic_updates, acgan.generator_updates) == (2, 1)  # real and generated pictures apart
    both = costs_of("gray_then_color", 64)
    assert (both.critic_updates, both.generator_updates) == (2, 2)
    assert both.generator == 2_257_345 + 29_430_979
    assert (costs_of("gan_cls", 64).critic_updates, costs_of("gan_cls", 64).generator_updates) == (1, 2)
    # 312 rounds in an epoch of 20,000 pictures in batches of 64; the first 25 have 25 critic updates, the others 5
    assert costs_of("matching_wgan", 64).critic_updates == pytest.approx(5 + 20 * 25 / 312, rel=0.01)
    assert costs_of("dcgan", 32).critic < costs_of("dcgan", 64).critic


@pytest.mark.parametrize("name", recipe_names())
def test_the_page_of_a_recipe_has_all_of_it(name: str) -> None:
    cost = costs_of(name, 64)
    text = page(cost, 64, {name: 0.123456})
    joined = " ".join(text.split())
    assert text.startswith(f"{name}\n=")
    assert find_recipe(name).description in joined
    guide = re.search(r"^guide +(\S+)$", text, flags=re.MULTILINE)
    assert guide is not None
    assert (ROOT / guide[1]).exists()
    assert "seconds 0.123 for a round here" in joined
    train = re.search(r"train +python -m examples\.anime_faces (train .*?) rounds ", joined)
    assert train is not None
    assert parse("train", shlex.split(train[1])[1:]).recipe == name
    for option, value in asdict(cost.options).items():
        flag = option.replace("_", "-")
        shown = f"--{flag}" if value is True else f"--no-{flag}" if value is False else "none" if value == "" else value
        assert re.search(rf"--{flag}( or --no-{flag})? \(default: {re.escape(str(shown))}\)", joined), option
        assert options_of(find_options(name))[option][:50] in joined
    outline: Outline = cost.outline()
    for part in (outline.networks_text(), outline.losses_text(), outline.constants_text()):
        assert part in text
    assert max(map(len, text.splitlines())) <= 80
    assert text.isascii()


@pytest.mark.parametrize("name", recipe_names())
def test_every_option_is_explained(name: str) -> None:
    texts = options_of(find_options(name))
    assert texts.keys() == {field.name for field in fields(find_options(name))}
    assert all(text.endswith(".") for text in texts.values())


def test_the_command_prints_one_recipe_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipes", "GAN-CLS", "--size", "32"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("gan_cls\n=======\n")
    assert "NETWORKS for pictures of 32x32\n" in printed
    assert main(["recipes", "stylegan"]) == 2
    assert capsys.readouterr().err.startswith("error: recipe must be one of default, ")
    assert main(["recipes", "dcgan", "--size", "33"]) == 2
    assert "size must be a number from 4 to 7 doubled" in capsys.readouterr().err


def test_rounds_are_timed_by_turns_and_long_ones_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    played: list[str] = []
    lengths = {"quick": [9.0, 1.0, 2.0, 4.0], "slow": [30.0]}

    def player(name: str, size: int):
        def play(number: int) -> None:
            played.append(name)
            now[0] += lengths[name][number]

        return play

    monkeypatch.setattr(_costs, "trial_round", player)
    monkeypatch.setattr(_costs.time, "perf_counter", lambda: now[0])
    seconds = measured(["quick", "slow"], 64)
    assert played == ["quick", "slow", "quick", "quick", "quick"]
    assert seconds == {"quick": 1.5, "slow": 30.0}


def test_real_rounds_are_timed(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = measured(["acgan", "dcgan"], 8)
    assert all(0 < value < 60 for value in seconds.values())
    text = listing({name: costs_of(name, 8) for name in seconds}, 8, seconds)
    assert {name: cells[-1] for name, cells in rows(text).items()} == {n: f"{s:.3g}" for n, s in seconds.items()}
    assert "round 4 of 4: dcgan" in capsys.readouterr().err
    assert max(map(len, text.splitlines())) <= 80
