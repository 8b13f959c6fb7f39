"""Peak memory of an iteration of a form."""

from benchmarks.memory import Work, peak_in_own_process, peak_on_cuda
from benchmarks.step_throughput.cases import CASES, Case
from benchmarks.step_throughput.forms import FORMS, Form
from benchmarks.step_throughput.setting import Setting


def peak_megabytes(case: Case, form: Form, setting: Setting) -> float | None:
    """Return the most mebibytes that an iteration holds at a time, over what is held between iterations.

    Weights, optimizers' states and batches are not counted; gradients, activations and fakes are. The first iteration, which
    also compiles, is not measured.

    Returns:
        None where the system does not tell it: on a CPU only Linux does.
    """
    if setting.device.type == "cuda":
        return peak_on_cuda(*_work(case, form, setting), setting.device)
    return peak_in_own_process(work_of, case.slug, FORMS.index(form), setting)


def work_of(slug: str, place: int, setting: Setting) -> Work:
    """Return an iteration of a form of `FORMS` on a case of `CASES`."""
    return _work(next(case for case in CASES if case.slug == slug), FORMS[place], setting)


def _work(case: Case, form: Form, setting: Setting) -> Work:
    own = form.setting(case, setting)
    iterate, networks = form.start(case, own)
    batches = case.batches(own, case.rule.critic_steps)

    def clear() -> None:
        for network in (networks.generator, networks.critic):
            network.zero_grad()

    return lambda: iterate(batches), clear
