import json
from dataclasses import replace
from pathlib import Path

import pytest

from examples.anime_faces.asked import MOST_STEPS
from examples.anime_faces.data import Dataset
from examples.anime_faces.recipes import find_options, find_recipe
from examples.anime_faces.records import RecordError
from examples.anime_faces.run import Settings, TrainRequest
from examples.anime_faces.run._planning import plan_run
from examples.anime_faces.run._settings import FORM, PlanChange, differences, flags_of_then


def test_settings_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for text in ("{}", "not json", '{"recipe": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="is not the settings of a run"):
            Settings.load(path)


def test_names_that_no_attribute_has_are_an_error_that_names_the_file(faces_folder: Path, tmp_path: Path) -> None:
    request = TrainRequest(
        recipe=find_recipe("acgan"), options=find_options("acgan")(), data=faces_folder, out=Path("x"), threads=1
    )
    dataset = Dataset.open(faces_folder)
    settings, _ = plan_run(request, dataset, request.recipe.conditioning(request.options).select(dataset))
    path = tmp_path / "settings.json"
    settings.save(path)
    plain = json.loads(path.read_text())
    plain["description"]["attributes"][0]["name"] = ""
    path.write_text(json.dumps(plain))
    with pytest.raises(
        ValueError, match=r"settings\.json is not the settings of a run: names of an attribute .+ got ''"
    ):
        Settings.load(path)


def test_attributes_that_differ_are_named_alone_and_only_for_the_same_recipe(faces_folder: Path) -> None:
    """Two whole lists of attributes were printed."""
    request = TrainRequest(
        recipe=find_recipe("acgan"), options=find_options("acgan")(), data=faces_folder, out=Path("x"), threads=1
    )
    dataset = Dataset.open(faces_folder)
    old, _ = plan_run(request, dataset, request.recipe.conditioning(request.options).select(dataset))
    hair, eyes = old.description.attributes
    fewer = replace(old.description, attributes=(replace(hair, classes=hair.classes[:-1]), eyes))
    assert differences(old, replace(old, description=fewer)) == [
        "  description.attributes.hair.classes: was with blonde, now without"
    ]
    assert differences(old, replace(old, description=fewer, recipe="dcgan")) == ["  recipe: was acgan, now dcgan"]


@pytest.fixture(scope="module")
def plain(faces_folder: Path) -> Settings:
    """The settings of a run."""
    request = TrainRequest(
        recipe=find_recipe("acgan"), options=find_options("acgan")(), data=faces_folder, out=Path("x"), threads=1
    )
    dataset = Dataset.open(faces_folder)
    settings, _ = plan_run(request, dataset, request.recipe.conditioning(request.options).select(dataset))
    return replace(settings, steps=100)


def test_a_changed_plan_remembers_each_change_and_the_first_plan(plain: Settings) -> None:
    changed = plain.changed(30, 200).changed(50, 70)
    assert (plain.first_steps, changed.first_steps, changed.steps) == (100, 100, 70)
    assert changed.changes == (
        PlanChange(step=30, before=100, after=200),
        PlanChange(step=50, before=200, after=70),
    )


def test_settings_are_plain_data_and_come_back_whole(plain: Settings, tmp_path: Path) -> None:
    full = replace(
        plain.changed(50, 200),
        minutes=1.5,
        seconds=80.0,
        start="run (abc)",
        grid_every=7,
        keep=(50, 100),
        timings={"float32": 0.25},
        ranks=3,
    )
    for one in (plain, full):
        assert Settings.from_dict(json.loads(json.dumps(one.to_dict()))) == one
        one.save(tmp_path / "settings.json")
        assert Settings.load(tmp_path / "settings.json") == one
    assert (tmp_path / "settings.json").read_text() == json.dumps(full.to_dict(), indent=2) + "\n"
    written = (tmp_path / "settings.json").stat()
    full.save(tmp_path / "settings.json")
    assert (tmp_path / "settings.json").stat().st_ino == written.st_ino  # the same content is not written again
    earlier = {name: value for name, value in plain.to_dict().items() if f"{name}?" not in FORM}
    assert Settings.from_dict(earlier) == replace(plain, timings={}, ranks=1)
    assert Settings.from_dict(earlier).ranks == 1
    assert full.to_dict()["keep"] == [50, 100]


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"steps": 0}, r"^steps must be above 0, and at most [\d,]+, but it is 0$"),
        ({"steps": MOST_STEPS + 1}, f"^steps must be above 0, .*, but it is {MOST_STEPS + 1}$"),
        ({"zebra": 1, "yak": 2}, "^yak is not known: a newer version has written it$"),
        ({"seed": "3"}, "^seed must be"),
        ({"hardware": {"threads": 1, "wings": 2}}, "^got an unexpected keyword argument 'wings'$"),
        ({"hardware": {"threads": 0}}, "^threads must be at least 1, but it is 0$"),
    ],
)
def test_entries_that_no_run_has_are_refused(plain: Settings, entries: dict[str, object], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        Settings.from_dict(plain.to_dict() | entries)
    for steps in (1, MOST_STEPS):
        assert Settings.from_dict(plain.to_dict() | {"steps": steps}).steps == steps


def test_what_makes_another_run_is_listed_and_nothing_else(plain: Settings) -> None:
    same = replace(
        plain,
        steps=5,
        minutes=1.0,
        grid_every=3,
        keep=(2,),
        versions={},
        seconds=1.0,
        data="moved",
        hardware=replace(plain.hardware, threads=3),
    )
    assert differences(plain, same) == []
    other = replace(plain, seed=3, pictures=8, start="run (state 01)", options={**plain.options, "batch_size": 2})
    assert differences(plain, other) == [
        f"  options.batch_size: was {plain.options['batch_size']}, now 2",
        "  seed: was 0, now 3",
        "  pictures: was 70, now 8",
        "  start: was None, now run (state 01)",
    ]
    assert differences(other, replace(plain, recipe="dcgan")) == [
        "  recipe: was acgan, now dcgan",
        "  seed: was 3, now 0",
        "  start: was run (state 01), now None",
    ]


def test_another_data_set_is_named_by_folder_and_fingerprint(plain: Settings) -> None:
    old = replace(plain, data="old faces", fingerprint="0123456789abcdef")
    new = replace(plain, data="new", fingerprint="fedcba9876543210")
    assert differences(old, new) == [
        "  data set: was old faces (fingerprint 0123456789ab), now new (fingerprint fedcba987654)"
    ]
    assert flags_of_then(old, new) == " (with --data 'old faces')"
    changed = replace(old, fingerprint=new.fingerprint)
    assert differences(old, changed) == [
        "  data set: old faces has other contents now (fingerprint: was 0123456789ab, now fedcba987654)"
    ]
    moved = replace(old, data="new")
    assert differences(old, moved) == []
    assert flags_of_then(old, changed) == flags_of_then(old, moved) == ""


def test_the_address_of_a_recipe_from_outside_is_whole(plain: Settings) -> None:
    assert Settings.from_dict(plain.to_dict() | {"recipe": "mine.hinge"}).recipe == "mine.hinge:RECIPE"


def test_options_that_were_defaults_then_are_given_as_flags(plain: Settings) -> None:
    then = replace(plain, options={"width": 4, "label_noise": True, "mixed": False, "text": "a b", "same": 1})
    now = replace(plain, options={"width": 8, "label_noise": False, "same": 1, "text": "c", "new": 3})
    assert flags_of_then(then, now) == " (with --width 4 --label-noise --no-mixed --text 'a b')"
    assert flags_of_then(then, then) == ""
    assert flags_of_then(then, replace(now, recipe="dcgan")) == ""
