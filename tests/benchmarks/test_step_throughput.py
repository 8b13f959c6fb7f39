from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

import benchmarks.step_throughput.__main__ as command
from benchmarks.idle import Idleness
from benchmarks.memory import CLEAR
from benchmarks.step_throughput import measuring, memory
from benchmarks.step_throughput.cases import CASES, Case
from benchmarks.step_throughput.forms import FORMS, Form, forms_of, reason_of
from benchmarks.step_throughput.measuring import Effort, Row, errors_of, measure
from benchmarks.step_throughput.page import HEAD, best_of_gankit, page
from benchmarks.step_throughput.peers import FOLDER, PEERS
from benchmarks.step_throughput.setting import Setting
from benchmarks.toys.runs import Record

CPU = torch.device("cpu")
SMALL = {case.slug: replace(case, exact=3 if case.slug == "gp-residual" else 2) for case in CASES}
IDLE = Idleness(others=0.0, spread=0.0, load=0.0)
QUICK = ("ns", "gp-bare", "clip")
every_case = pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=slug, marks=() if slug in QUICK else pytest.mark.slow) for slug, case in SMALL.items()],
)


def own_forms(case: Case) -> list[Form]:
    return [form for form in forms_of(case, peers=False) if not form.bfloat16 and "compiled" not in form.name]


@every_case
def test_all_forms_do_what_the_tutorial_loop_does(case: Case) -> None:
    forms = own_forms(case)
    errors = errors_of(case, forms, FORMS[0], batch=3)
    assert len(errors) == len(forms) > 3
    assert {numbers for _, numbers in errors} == {"float64"}
    # Adam magnifies gradients that are zero but for rounding: those of biases before the norms of the residual generator.
    assert max(error for error, _ in errors) < (1e-7 if case.slug == "gp-residual" else 1e-10)


def test_the_error_sees_what_differs() -> None:
    form = next(form for form in FORMS if form.bfloat16 and "gankit" in form.name)
    ((error, numbers),) = errors_of(SMALL["clip"], [form], FORMS[0], batch=3)
    assert 1e-4 < error < 0.9
    assert numbers == "bfloat16"


def test_the_rows_of_a_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "peak_megabytes", lambda case, form, setting: 2.5)
    case = SMALL["clip"]
    forms = [form for form in forms_of(case) if form.name in ("tutorial loop", "gankit, shared fake")][:4]
    blocked = Form(name="none", build=PEERS["mimicry 0.1.16"].build)
    rows = measure(case, [*forms, blocked], Setting(device=CPU, width=2, batch=2), Effort(warmup=0, repeats=1, inner=1))
    assert rows[0].median == 1.0
    assert all(row.seconds > 0 and row.error < 1e-10 for row in rows[:4])
    assert all(row.megabytes == 2.5 and not row.reason for row in rows[:4])
    assert (rows[4].reason, rows[4].seconds) == ("has no weight clipping", 0.0)


def test_a_library_without_the_rule_says_why() -> None:
    setting = Setting(device=CPU, width=2, batch=2)
    mimicry = next(form for form in FORMS if form.name.startswith("mimicry"))
    assert reason_of(mimicry, SMALL["clip"], setting) == "has no weight clipping"
    assert reason_of(mimicry, SMALL["r3gan"], setting) == "has no loss of this kind"


def test_the_rectifiers_of_gankit_have_rows_where_they_save_work_only() -> None:
    for case in CASES:
        shown = any("rectifiers" in form.name for form in forms_of(case))
        assert shown == case.saves
        assert not any(form.setting(case, Setting(device=CPU, width=2, batch=2)).saving for form in FORMS) or case.saves


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER.exists(), reason="python -m benchmarks.step_throughput.peers was not run")
@pytest.mark.parametrize(
    ("slug", "peer", "bound"),
    [
        ("ns", "torchgan", 1e-10),
        ("ns", "mimicry", 1e-5),
        ("gp", "mimicry", 1e-10),
        ("ns", "vegans", 1e-2),
        ("gp", "vegans", 1e-3),
        ("clip", "vegans", 1e-3),
        ("clip", "torchgan", 0.3),
    ],
)
def test_the_libraries_train_the_same_networks(slug: str, peer: str, bound: float) -> None:
    form = next(form for form in FORMS if form.name.startswith(peer))
    ((error, _),) = errors_of(SMALL[slug], [form], FORMS[0], batch=3)
    assert error < bound


def a_record(case: Case, *, idleness: Idleness = IDLE) -> Record:
    rows = [
        Row(form="tutorial loop", numbers="float32", median=1.0, low=1.0, high=1.0, seconds=0.25, megabytes=30.4),
        Row(form="gankit, play_round", numbers="float32", median=0.91, low=0.9, high=1.0, error=3e-14),
        Row(form="gankit, shared fake", numbers="float32, channels last", median=0.8, low=0.7, high=0.9, error=1e-14),
        Row(form="gankit, shared fake", numbers="bfloat16, channels last", median=0.4, error=0.3, error_in="bfloat16"),
        Row(form="torchgan 0.1.0", numbers="float32", median=1.2, low=1.1, high=1.3, error=0.5),
        Row(form="mimicry 0.1.16", numbers="float32", reason="has no weight clipping"),
        Row(form="vegans 0.4.0", numbers="float32", median=1.1, low=1.0, high=1.2, error=1e-6, error_in="float32"),
    ]
    figures = {"rows": [asdict(row) for row in rows], "idleness": idleness.as_figures()}
    protocol = {"device": "a processor", "threads": 2, "size": [32, 32], "repeats": 7}
    return Record(
        experiment="cpu",
        arm=case.slug,
        seed=0,
        protocol=protocol,
        figures=figures,
        seconds=1.0,
        torch="2.13.0",
        threads=2,
        machine="a processor",
    )


def test_the_page_says_what_was_measured() -> None:
    text = page({"ns": a_record(CASES[0]), "clip": a_record(CASES[3], idleness=replace(IDLE, others=0.4))})
    assert text.count(HEAD) == 2
    assert "| gankit, shared fake | float32, channels last | 0.800 | 0.700 to 0.900 | 1.0e-14 | unmeasured |" in text
    assert "| tutorial loop | float32 | 1.000 | 1.000 to 1.000 | 0.0e+00 | 30 |" in text
    assert "| mimicry 0.1.16 | float32 | has no weight clipping | | | |" in text
    assert "| vegans 0.4.0 | float32 | 1.100 | 1.000 to 1.200 | 1.0e-06 (float32) | unmeasured |" in text
    assert "| 250 ms | shared fake, channels last | 0.800 | vegans 0.4.0 | 1.100 |" in text
    assert (
        f"**The machine was not idle** while these were measured, so their times are not reliable: {CASES[3].name}."
        in text
    )
    assert "not idle" not in page({"ns": a_record(CASES[0])})


def test_the_best_form_is_the_fastest_in_float32() -> None:
    rows = [Row(**figures) for figures in a_record(CASES[0]).figures["rows"]]
    assert best_of_gankit(rows).median == 0.8


def test_records_are_kept_and_a_busy_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured: list[str] = []

    def fake(case: Case, *_: object) -> list[Row]:
        measured.append(case.slug)
        return [Row(**figures) for figures in a_record(case).figures["rows"]]

    seen = iter([replace(IDLE, others=0.3)] * 2)
    monkeypatch.setattr(command, "look", lambda: next(seen))
    monkeypatch.setattr(command, "measure", fake)
    monkeypatch.setattr(command.Watch, "others", lambda _: 0.0)
    words = ["--device", "cpu", "--threads", "1", "--only", "ns", "--out", str(tmp_path / "deep")]
    assert command.main(words) == 1
    assert "not idle: other processes used 30.0 %" in capsys.readouterr().err
    assert not (tmp_path / "deep" / "cpu.md").exists()
    assert command.main([*words, "--busy"]) == 0
    assert command.main(words) == 0
    assert command.main(words) == 0
    assert measured == ["ns"]
    assert "| tutorial loop | float32 | 1.000" in (tmp_path / "deep" / "cpu.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(not CLEAR.exists(), reason="only Linux tells the peak of resident memory")
def test_the_memory_of_a_form_is_measured_in_a_process_of_its_own() -> None:
    small, large = (
        memory.peak_megabytes(CASES[0], FORMS[0], Setting(device=CPU, width=8, batch=batch)) for batch in (2, 32)
    )
    assert small is not None
    assert large is not None
    assert large > 3 * small > 0


@pytest.mark.slow
def test_the_quick_run_writes_its_page(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    try:
        assert command.main(["--quick", "--busy", "--device", "cpu", "--only", "ns", "--out", str(tmp_path)]) == 0
    finally:
        torch.set_num_threads(threads)
    assert (tmp_path / "cpu.md").read_text(encoding="utf-8").count("\n| gankit") == sum(
        "gankit" in form.name for form in forms_of(CASES[0])
    )


@pytest.mark.cuda
def test_a_case_on_cuda() -> None:
    case = CASES[0]
    setting = Setting(device=torch.device("cuda"), width=8, batch=4)
    rows = measure(case, forms_of(case, peers=False), setting, Effort(warmup=2, repeats=2, inner=2))
    assert all(row.seconds > 0 and row.megabytes is not None and row.megabytes > 0 for row in rows)
