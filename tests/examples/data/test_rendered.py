import numpy as np
import pytest

from examples.anime_faces.data import FACE_ATTRIBUTES, Attribute, Dataset, render_faces, write_rendered
from examples.anime_faces.data.render import Knobs, face_from_seed, factors, render

FILES = ("images.npy", "labels.npy", "dataset.json", "skipped.jsonl", "factors/style.npy", "factors/extra_tags.npy")


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Dataset:
    return write_rendered(tmp_path_factory.mktemp("rendered") / "out", 70, 32, 3, workers=0)


def test_pictures_labels_and_factors_are_those_of_the_renderer(plain):
    assert (len(plain), plain.size, plain.kind, plain.attributes) == (70, 32, "rendered", FACE_ATTRIBUTES)
    for index in (0, 1, 63, 64, 69):
        face = face_from_seed(3, index)
        np.testing.assert_array_equal(plain.images[index], render(face, 32))
        assert plain.class_ids()[index].tolist() == [face.hair, face.eyes]
        assert plain.labels[index].sum() == 2
        for name, value in factors(face).items():
            assert plain.factors[name][index] == pytest.approx(value), name
    plain.verify()


def test_a_larger_data_set_begins_with_the_smaller(plain, tmp_path):
    few = write_rendered(tmp_path / "few", 3, 32, 3, workers=0)
    np.testing.assert_array_equal(few.images, plain.images[:3])
    other = write_rendered(tmp_path / "other", 3, 32, 4, workers=0)
    assert (other.images != plain.images[:3]).any()


def test_files_do_not_depend_on_the_number_of_workers(plain, tmp_path):
    write_rendered(tmp_path / "out", 70, 32, 3, workers=2)
    for name in FILES:
        assert (tmp_path / "out" / name).read_bytes() == (plain.path / name).read_bytes(), name


def test_knobs_reach_the_renderer_and_are_kept(tmp_path):
    knobs = Knobs(glasses_rate=1.0, distractor_tags=(1, 3), hair_weights=(0.0,) * 8 + (1.0,) + (0.0,) * 3)
    data = write_rendered(tmp_path / "out", 20, 32, 0, knobs, workers=0)
    assert data.info["settings"]["knobs"]["glasses_rate"] == 1.0
    assert (data.factors["glasses"] == 1).all()
    assert (data.class_ids()[:, 0] == 8).all()
    tags = data.factors["extra_tags"].sum(axis=1)
    assert (tags >= 1).all()
    assert (tags <= 3).all()
    names = [name for name, on in zip(data.info["extra_tags"], data.factors["extra_tags"][5], strict=True) if on]
    assert set(names) == set(face_from_seed(0, 5, knobs).extra_tags)


def test_binary_labels_are_added_behind_the_colors_and_change_nothing_else(plain, tmp_path):
    knobs = Knobs(glasses_rate=0.5)
    unlabeled = write_rendered(tmp_path / "unlabeled", 20, 32, 3, knobs, workers=0)
    data = write_rendered(tmp_path / "labeled", 20, 32, 3, knobs, binary_labels=True, workers=0)
    glasses, ribbon = Attribute("glasses", ("no", "yes")), Attribute("ribbon", ("no", "yes"))
    assert data.attributes == (*FACE_ATTRIBUTES, glasses, ribbon)  # every face has a highlight
    np.testing.assert_array_equal(data.images, unlabeled.images)
    np.testing.assert_array_equal(data.labels[:, :23], unlabeled.labels)
    np.testing.assert_array_equal(data.class_ids()[:, 2], data.factors["glasses"])
    np.testing.assert_array_equal(data.class_ids()[:, 3], data.factors["ribbon"])
    assert 0 < data.factors["glasses"].sum() < 20
    assert 0 < data.factors["ribbon"].sum() < 20
    assert data.info["settings"]["binary_labels"] is True
    assert "binary_labels" not in plain.info["settings"]
    with pytest.raises(ValueError, match=r"binary_labels must have something to label: one of glasses_rate, "):
        write_rendered(tmp_path / "none", 5, 32, 3, Knobs(ribbon_rate=0.0), binary_labels=True, workers=0)


def test_repeating_does_nothing_and_other_settings_are_refused(plain, capsys):
    before = (plain.path / "images.npy").stat().st_mtime_ns
    again = write_rendered(plain.path, 70, 32, 3, workers=0)
    assert again.fingerprint == plain.fingerprint
    assert "nothing to do" in capsys.readouterr().out
    assert (plain.path / "images.npy").stat().st_mtime_ns == before
    with pytest.raises(
        ValueError, match=r"other settings \(count was 70 and is now 71\); give another --out, or --overwrite"
    ):
        write_rendered(plain.path, 71, 32, 3, workers=0)
    with pytest.raises(ValueError, match=r"other settings \(ribbon_rate was 0\.2 and is now 1\.0\)"):
        write_rendered(plain.path, 70, 32, 3, Knobs(ribbon_rate=1.0), workers=0)
    with pytest.raises(
        ValueError, match=r"other settings \(ribbon_rate was .*, binary_labels was False and is now True\)"
    ):
        write_rendered(plain.path, 70, 32, 3, Knobs(ribbon_rate=0.5), binary_labels=True, workers=0)
    with pytest.raises(ValueError, match=r"other settings \(seed was 3 and is now 4\)"):
        write_rendered(plain.path, 70, 32, 4, workers=0)
    assert (plain.path / "images.npy").stat().st_mtime_ns == before


def test_another_renderer_is_another_setting(tmp_path, monkeypatch):
    write_rendered(tmp_path / "out", 2, 32, workers=0)
    monkeypatch.setattr("examples.anime_faces.data._rendered.render", lambda face, size: render(face, size) ^ 1)
    with pytest.raises(ValueError, match=r"other settings.*the renderer draws other pictures now"):
        write_rendered(tmp_path / "out", 2, 32, workers=0)


def test_overwrite_replaces(tmp_path):
    write_rendered(tmp_path / "out", 2, 32, workers=0)
    assert len(write_rendered(tmp_path / "out", 5, 32, workers=0, overwrite=True)) == 5


@pytest.mark.parametrize(("name", "value"), [("count", 0), ("seed", -1), ("size", 10)])
def test_numbers_out_of_range_are_refused_before_any_work(tmp_path, name, value):
    with pytest.raises(ValueError, match=name):
        write_rendered(**({"out": tmp_path / "out", "count": 2, "workers": 0} | {name: value}))
    assert list(tmp_path.iterdir()) == []


def test_faces_come_in_blocks_and_are_watched(tmp_path, monkeypatch):
    monkeypatch.setattr("examples.anime_faces.data._rendered._FACES_AT_ONCE", 3)
    seen = []
    data = write_rendered(tmp_path / "out", 8, 32, workers=0, watch=lambda *state: seen.append(state))
    assert data.info["settings"]["seed"] == 0
    assert [(done, total, len(images)) for done, total, images in seen] == [(3, 8, 3), (6, 8, 3), (8, 8, 2)]
    np.testing.assert_array_equal(np.concatenate([images for *_, images in seen]), data.images)
    faces = [face_from_seed(0, index) for index in range(8)]
    blocks = list(render_faces(faces, 32))
    assert [len(block) for block in blocks] == [3, 3, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), data.images)
