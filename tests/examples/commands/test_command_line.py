import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from examples.anime_faces.__main__ import main
from examples.anime_faces.commands import COMMANDS
from examples.anime_faces.commands.sample import refuse_unquoted

ROOT = Path(__file__).parents[3]


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    capsys.readouterr()
    try:
        code = main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ((), ("--help",)):
        code, out, _ = run(*arguments, capsys=capsys)
        assert code == 0
        assert all(f"\n  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(name, "--help", capsys=capsys)
    assert code == 0
    assert f"usage: python -m examples.anime_faces {name}" in out


@pytest.mark.parametrize(
    ("recipe", "option"), [("acgan", "--score-weight"), ("tags_wgan_gp", "--literal"), ("default", "--width")]
)
def test_train_shows_the_options_of_its_recipe(recipe: str, option: str, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (("--recipe", recipe), (f"--recipe={recipe}",)):
        _, out, _ = run("train", *arguments, "--help", capsys=capsys)
        assert option in out


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys; from examples.anime_faces.__main__ import main\n"
    code += "try: main(['{}', '--help'])\nfinally: assert 'torch' not in sys.modules"
    for name in ("train", "sample", "transfer", "report", "demo"):
        subprocess.run([sys.executable, "-c", code.format(name)], check=True, capture_output=True, timeout=60)


AT_IMPORT_OF_TORCH = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"), os.environ.get("KMP_BLOCKTIME"))
            sys.exit()
sys.meta_path.insert(0, Watch())
from examples.anime_faces.__main__ import main
main(["digest", "nowhere"])
"""


@pytest.mark.parametrize(("own", "expected"), [({}, "PASSIVE 0"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE 0")])
def test_threads_of_torch_sleep_while_they_wait(own: dict[str, str], expected: str) -> None:
    """The runtime of the threads reads it when torch is imported; it was not set, and waiting threads kept cores busy."""
    plain = {name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "KMP_BLOCKTIME")}
    command = [sys.executable, "-c", AT_IMPORT_OF_TORCH]
    done = subprocess.run(command, env=plain | own, check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == expected


MISTAKES = [
    (["paint"], "error: 'paint' is not a command; the commands are demo, prepare, check, train"),
    (["train", "--recipe", "vae", "--data", "x", "--out", "y"], "error: --recipe must be one of default, acgan"),
    (["train", "--data", "nowhere", "--out", "y"], "error: no data set in nowhere: make one with"),
    (["report", "nowhere"], "error: nowhere does not contain a run"),
    (["sample", "--run", "nowhere"], "error: --run nowhere does not exist"),
    (["digest", "nowhere"], "error: nowhere does not exist"),
    (["prepare", "--out", "y", "--count", "0"], "error: --count must be at least 1, got 0"),
    (["prepare", "--out", "y", "--size", "31"], "error: --size must be an integer between 32 and 128, got 31"),
    (["demo", "--out", "y", "--size", "33"], "error: --size must be a number from 4 to 7 doubled"),
    (
        ["demo", "--out", "y", "--minutes", "inf"],
        "error: --minutes must be above 0, and at most 1,000,000, but it is inf",
    ),
    (["demo", "--out", "y", "--seed", "9" * 20], "error: --seed must be 0 or more and below 2**63, but it is 9999"),
    (["sample", "--seed", "9" * 20], "error: --seed must be 0 or more and below 2**63, but it is 9999"),
    (["sample", "--seed", "-1"], "error: --seed must be 0 or more and below 2**63, but it is -1"),
    (["transfer", "--images", "x", "--run", "r", "--out", "strip.jpg"], "error: --out must end with .png"),
    (["recipes", "nonsense"], "error: recipe must be one of default, acgan"),
    (["compare", "A"], "error: compare needs 2 to 8 runs, but 1 was given"),
    (["compare", "A", "A"], "error: compare needs different runs, but A is given twice"),
    (["compare", "A", "B"], "error: A does not exist: name folders of runs"),
    (["transfer", "--images", "nowhere", "--run", "."], "error: --images nowhere does not exist"),
    (["transfer", "--images", ".", "--run", ".", "--n", "0"], "error: --n must be at least 1, but it is 0"),
    (["sample", "--scale", "0"], "error: --scale must be at least 1, but it is 0"),
    (["train", "--data", "x", "--out", "y", "--steps", "0"], "error: --steps must be above 0"),
    (["train", "--data", "x", "--out", "y", "--keep", "0"], "error: --keep must be above 0"),
    (
        ["prepare", "--out", "y", "--glasses-rate", "1.5"],
        "error: --glasses-rate must be between 0 and 1, got 1.5",
    ),
    (
        ["train", "--recipe", "dcgan", "--data", "x", "--out", "y", "--cycle-weight", "1"],
        "error: --cycle-weight is an option of stargan, not of dcgan; the options of dcgan are listed by",
    ),
    (["train", "--recipe=stargan", "--data", "x", "--out", "y", "--extra=D"], "error: --extra is an option of dcgan"),
    (["train", "--data", "x", "--out", "y", "--no_literal"], "error: --no-literal is an option of "),
    (
        ["train", "--recipe", "stargan", "--data", "x", "--out", "y", "--targets", ""],
        "error: --targets must not be empty; leave it out for its default",
    ),
    (
        ["train", "--recipe", "stargan", "--data", "x", "--out", "y", "--targets= "],
        "error: --targets must not be empty",
    ),
    (["prepare", "--out", "y", "--only", " "], "error: --only must not be empty"),
    (["prepare", "--out", ""], "error: --out must not be empty"),
    (["evaluate", "x", "--seed", "-1"], "error: --seed must be 0 or more and below 2**63, but it is -1"),
]


@pytest.mark.parametrize(("arguments", "message"), MISTAKES)
def test_mistakes_are_one_clear_line(
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert err.startswith(message)
    assert err.count("\n") == 1


TORCH_LATE = """
import sys
from examples.anime_faces.__main__ import main
code = main(sys.argv[1:])
sys.exit(9 if 'torch' in sys.modules else code)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        arguments
        for arguments, _ in MISTAKES
        if arguments[0] in ("train", "transfer", "compare", "recipes", "prepare", "sample")
    ],
    ids=" ".join,
)
def test_mistakes_do_not_wait_for_torch(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-c", TORCH_LATE, *arguments]
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=tmp_path, env=surroundings, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2, done.stderr


def test_help_is_that_of_the_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    """Of an unknown option, the help that is named listed the options of another recipe."""
    arguments = ("train", "--recipe", "dcgan", "--data", "x", "--out", "y", "--nonsense", "1")
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert "train --recipe dcgan --help" in " ".join(err.replace("│", " ").split())
    code, out, _ = run("recipes", "--help", capsys=capsys)
    assert (code, "[-h] [NAME]" in out) == (0, True)


def test_train_refuses_the_folder_of_a_data_set(faces_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(path.name for path in faces_folder.iterdir())
    code, _, err = run("train", "--data", str(faces_folder), "--out", str(faces_folder), "--steps", "1", capsys=capsys)
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("error: --out must be a folder of its own, for the run, but ")
    assert sorted(path.name for path in faces_folder.iterdir()) == before


def test_evaluate_names_its_flag(trained_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run("evaluate", str(trained_folder), "--samples", "5", capsys=capsys)
    assert (code, err) == (2, "error: --samples must be at least 264, two for each pair of colors, but it is 5\n")


def test_data_is_not_for_recipes_that_draw_from_noise(
    trained_folder: Path, faces_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("sample", "--run", str(trained_folder), "--data", str(faces_folder), capsys=capsys)
    assert (code, err) == (2, "error: --data is for recipes that change pictures, but acgan draws from noise\n")


def test_sample_draws_a_labeled_sheet(trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    arguments = ("sample", "blue hair red eyes", "eyes=gold", "--run", str(trained_folder), "--out", str(sheet))
    code, _, err = run(*arguments, capsys=capsys)
    assert code == 2
    assert "gold" in err
    assert not sheet.exists()
    code, out, _ = run("sample", "blue hair red eyes", "red eyes", "--n", "3", *arguments[3:], capsys=capsys)
    assert code == 0
    assert "2 prompts, 3 pictures each, from step 7" in out
    with Image.open(sheet) as picture:
        assert picture.size[0] > 3 * 32
        first = picture.tobytes()
    run("sample", "blue hair red eyes", "red eyes", "--n", "3", *arguments[3:], capsys=capsys)
    with Image.open(sheet) as picture:
        assert picture.tobytes() == first


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--n", "100000000"), "would give a sheet of"),
        (("--scale", "100000"), "would give a sheet of"),
        (("--out", "sheet.bmp"), "--out must end with .png"),
        (("--prompts", "."), "is a folder, not a file"),
    ],
)
def test_sample_refuses_what_it_cannot_write(
    trained_folder: Path, more: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run("sample", "blue hair red eyes", "--run", str(trained_folder), *more, capsys=capsys)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1


def test_sample_takes_a_truncation_and_says_so(
    trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheets: list[bytes] = []
    for more, words in (
        ((), "from step 7\n"),
        (("--truncation", "0.3"), "from step 7, truncation 0.3\n"),
        (("--truncation", "0.3"), "from step 7, truncation 0.3\n"),
        (("--truncation", "0.3", "--temperature", "0.5"), "from step 7, temperature 0.5, truncation 0.3\n"),
        (("--truncation", "50"), "from step 7, truncation 50\n"),
    ):
        sheet = tmp_path / "sheet.png"
        arguments = ("sample", "blue hair red eyes", "--n", "2", "--run", str(trained_folder), "--out", str(sheet))
        code, out, _ = run(*arguments, *more, capsys=capsys)
        assert code == 0
        assert out.endswith(words)
        sheets.append(sheet.read_bytes())
    plain, once, again, both, far = sheets
    assert once == again
    assert len({plain, once, both}) == 3
    assert far == plain
    code, _, err = run(*arguments, "--truncation", "0", capsys=capsys)
    assert (code, err.splitlines()[0][:62]) == (2, "error: --truncation must be at least 0.1 and finite, but it is")


def test_sample_takes_a_temperature(trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheets: dict[str, bytes] = {}
    for name, more in (("plain", ()), ("1", ("--temperature", "1")), ("0", ("--temperature", "0"))):
        sheet = tmp_path / f"{name}.png"
        arguments = ("sample", "blue hair red eyes", "--n", "2", "--run", str(trained_folder), "--out", str(sheet))
        assert run(*arguments, *more, capsys=capsys)[0] == 0
        sheets[name] = sheet.read_bytes()
    assert sheets["1"] == sheets["plain"] != sheets["0"]
    code, _, err = run(*arguments, "--temperature", "-1", capsys=capsys)
    assert (code, err) == (2, "error: --temperature must be 0 or more and finite, but it is -1.0\n")


def test_prompts_of_both_kinds_never_write_the_same_file(
    trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "prompts.txt").write_text("1,red hair\nblue hair\n", encoding="utf-8")
    places = ["--out", str(tmp_path / "sheet.png"), "--pictures", str(tmp_path / "drawn")]
    asked = ["sample", "green hair", "pink eyes", "--prompts", str(tmp_path / "prompts.txt"), "--n", "1"]
    assert run(*asked, "--run", str(trained_folder), *places, capsys=capsys)[0] == 0
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == [
        f"sample_{number}_1.png" for number in (1, 2, 3, 4)
    ]


def test_places_that_cannot_be_written_are_refused_before_anything_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    for option, place, words in (("--out", tmp_path, "is a folder"), ("--pictures", tmp_path / "file", "is a file")):
        code, _, err = run("sample", "--run", "nowhere", option, str(place), capsys=capsys)
        assert code == 2
        assert err.startswith(f"error: {option} must be")
        assert words in err


def test_sample_reads_a_file_of_prompts(
    trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("1,blue hair blue eyes\n2,red eyes\n7,aqua eyes purple hair", encoding="utf-8")
    usual = ["sample", "--prompts", str(prompts), "--run", str(trained_folder), "--out", str(tmp_path / "sheet.png")]
    code, out, _ = run(*usual, "--n", "2", "--pictures", str(tmp_path / "each"), capsys=capsys)
    assert code == 0
    assert "3 prompts, 2 pictures each" in out
    names = sorted(path.name for path in (tmp_path / "each").iterdir())
    assert names == [f"sample_{id_}_{number}.png" for id_ in (1, 2, 7) for number in (1, 2)]
    prompts.write_text("1,blue hair\n2,si hair red eyes\n", encoding="utf-8")
    code, _, err = run(*usual, capsys=capsys)
    assert code == 2
    assert re.search(r"prompts\.txt.*2.*'si", err)


@pytest.mark.parametrize(
    ("scale", "row"), [((), 66), (("--scale", "1"), 34)]
)  # pictures of 32 pixels are enlarged to 64
def test_more_pictures_than_columns_go_on_in_the_next_row(
    trained_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], scale: tuple[str, ...], row: int
) -> None:
    for number in (16, 17):
        run(
            "sample",
            "--run",
            str(trained_folder),
            "--n",
            str(number),
            "--out",
            str(tmp_path / f"{number}.png"),
            *scale,
            capsys=capsys,
        )
    with Image.open(tmp_path / "16.png") as one, Image.open(tmp_path / "17.png") as two:
        assert two.size[0] == one.size[0]
        assert two.size[1] == one.size[1] + row


def test_digest_is_printed(trained_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("digest", str(trained_folder), capsys=capsys)
    assert code == 0
    assert re.search(r"step +7\ndigest +[0-9a-f]{64}\n", out)


def test_overview_is_quick() -> None:
    start = time.process_time()
    main([])
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_any_name_can_be_printed_in_any_encoding(encoding: str, tmp_path: Path) -> None:
    for name in ("\u9ed2\u9aea", "br\u00fcnett"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        Image.new("RGB", (32, 32), (200, 30, 90)).save(tmp_path / "mine" / name / "1.png")
    command = ["prepare", "--out", tmp_path / "out", "--images", tmp_path / "mine", "--size", "16", "--workers", "0"]
    done = subprocess.run(
        [sys.executable, "-m", "examples.anime_faces", *command],
        env=os.environ | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    written = "class: br\u00fcnett 1, \u9ed2\u9aea 1"
    assert written.encode(encoding, "backslashreplace") in done.stdout


def check_prompt(text: str) -> None:
    if text not in ("red cats", "blue dogs", "owl"):
        raise ValueError(f"{text!r} is not known")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("red", "cats"), "red cats"),
        (("red", "cats", "blue", "dogs"), "red cats"),
        (("owl", "red cats", "owl", "blue", "dogs"), "blue dogs"),
    ],
)
def test_words_of_a_prompt_without_quotes_are_joined_in_the_hint(words: tuple[str, ...], meant: str) -> None:
    with pytest.raises(ValueError, match=f'is no prompt; did you mean "{meant}"\\? Write it in quotes'):
        refuse_unquoted(words, check_prompt)


def test_prompts_and_what_is_no_prompt_at_all_get_no_hint_on_quotes() -> None:
    for words in ((), ("red cats", "owl"), ("red", "dogs"), ("cats", "red"), ("red",)):
        refuse_unquoted(words, check_prompt)


@pytest.mark.skipif(os.name != "posix", reason="closes streams as a shell of POSIX does")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_change_no_exit_code(tmp_path: Path, closed: str) -> None:
    command = f"{sys.executable} -m examples.anime_faces digest {tmp_path / 'nowhere'} {closed}"
    done = subprocess.run(["/bin/sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert ("error: " in done.stderr) == ("2>" not in closed)


@pytest.mark.skipif(os.name != "posix", reason="closes streams as a shell of POSIX does")
def test_a_help_is_shown_with_closed_streams() -> None:
    command = f"{sys.executable} -m examples.anime_faces digest --help"
    for closed in (">&-", "2>&-"):
        done = subprocess.run(
            ["/bin/sh", "-c", f"{command} {closed}"], cwd=ROOT, capture_output=True, timeout=60, check=True
        )
        assert (b"usage" in done.stdout) == (closed == "2>&-")


def test_a_line_feed_in_a_name_forges_no_message(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    beside = tmp_path / "run\nerror: all is well"
    (beside / "checkpoints").mkdir(parents=True)
    (beside / "settings.json").write_text("{}")
    for command in ("digest", "report"):
        code, out, err = run(command, str(tmp_path / "no\nerror: well"), capsys=capsys)
        assert code == 2
        assert not out
        assert len(err.splitlines()) == 1
        assert "no\\x0aerror: well" in err
