"""A sample of mutants is always the same, and its interval is right."""

from dataclasses import replace

import pytest

from tests.mutants.mutation import Mutation
from tests.mutants.page import page
from tests.mutants.places import PLACES, ROOT, module_of
from tests.mutants.sample import interval, pooled, sampled


def _mutants(count: int) -> list[Mutation]:
    first = Mutation(
        file="src/gankit/losses/_objectives.py",
        function="",
        operator="minus",
        before="",
        after="",
        lines=None,
        around=range(0),
        code=compile("", "none", "exec"),
    )
    return [replace(first, before=f"-{index // 2}", before_it=index % 2) for index in range(count)]


def test_a_larger_sample_holds_a_smaller_one_in_the_order_of_the_file() -> None:
    mutants = _mutants(101)
    small, large = sampled(mutants, 20), sampled(mutants, 50)
    assert len(small) == 20
    assert [one for one in large if one in small] == small
    assert [one for one in mutants if one in large] == large
    assert sampled(mutants, None) == sampled(mutants, 101) == mutants


def test_a_mutant_stays_in_the_sample_when_others_come() -> None:
    few, many = sampled(_mutants(60), 30), sampled(_mutants(80), 40)
    assert sum(one in many for one in few) > 20


def test_another_sample_is_drawn_independently() -> None:
    mutants = _mutants(400)
    first, second = (sampled(mutants, 100, sample=number) for number in (0, 1))
    assert first == sampled(mutants, 100)
    assert len(second) == 100
    assert 10 < sum(one in first for one in second) < 40  # 25 by chance


def test_mutants_that_read_alike_are_drawn_apart() -> None:
    drawn = sampled(_mutants(400), 200)
    first, second = ({one.before for one in drawn if one.before_it == which} for which in (0, 1))
    assert 60 < len(first) < 140
    assert first != second


def test_the_interval_is_wilsons() -> None:
    low, high = interval(81, 90)
    for bound in (low, high):  # where a share is exactly 1.96 deviations from what was found
        assert abs(bound - 0.9) == pytest.approx(1.96 * (bound * (1 - bound) / 90) ** 0.5)
    assert low < 0.9 < high
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(5, 5)[1] == 1.0


def test_the_score_of_all_counts_each_folder_by_its_mutants() -> None:
    score, low, high = pooled([(300, 100, 100), (100, 50, 40)])
    assert score == pytest.approx(0.75 * 1.0 + 0.25 * 0.8)
    assert low < score < high
    alone = interval(40, 50)
    assert (high - low) / 2 < 0.25 * (alone[1] - alone[0])  # a quarter of all mutants, and half of those were tried
    assert pooled([(7, 7, 6)]) == pytest.approx((6 / 7, 6 / 7, 6 / 7))  # all were tried, so nothing is unknown


def test_places_have_sources_tests_and_modules() -> None:
    for place in PLACES.values():
        assert place.files, place.name
        assert place.tests[0].is_dir(), place.name
    assert module_of("src/gankit/losses/_objectives.py") == "gankit.losses._objectives"
    assert module_of("examples/anime_faces/run/__init__.py") == "examples.anime_faces.run"
    folders = {path.parent for path in (ROOT / "src" / "gankit").glob("*/__init__.py")}
    assert folders <= {place.folder for place in PLACES.values()}, "a folder of the library has no mutants"


def test_the_page_adds_the_folders_up() -> None:
    row = {
        "only": "",
        "tests": "all",
        "made": 2000,
        "tried": 100,
        "killed": 90,
        "survived": 5,
        "with_reason": 1,
        "out_of_time": 5,
        "date": "2000-01-02",
    }
    other = {**row, "folder": "b", "tried": 2000, "only": "_x", "tests": "own, without `ranks`"}
    text = page({"losses": {**row, "folder": "a"}, "run _x": other})
    assert "| `a` | all | 100 of 2,000 | 90 | 5 (1 with a reason), 5 did not end | 94.7% (88.3% to 97.7%) |" in text
    assert "| `b`, only `_x` | own [1] | 2,000 of 2,000 | 90 | 5 (1 with a reason), 5 did not end | 94.7% |" in text
    assert text.endswith("\n[1] Without `ranks`.\n")
    assert "| `all`" not in text
    assert "\nNot measured yet: `src/gankit/_core`, " in text
    folders = {name: str(place.folder.relative_to(ROOT)) for name, place in PLACES.items()}
    assert "Not measured" not in page({name: {**row, "folder": folder} for name, folder in folders.items()})
    text = page({"losses": {**row, "folder": "a"}, "run": {**other, "only": ""}})
    assert (
        "| `all` | as above | 2,100 of 4,000 | 180 | 10 (2 with a reason), 10 did not end | 94.7% (91.2% to 98.3%) |"
        in text
    )
