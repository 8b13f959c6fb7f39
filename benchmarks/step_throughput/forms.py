"""The ways to write an iteration that are compared: a row of the table each, the first is the measure of the others."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import torch

import gankit as gk
from benchmarks.step_throughput.cases import Case, Rule
from benchmarks.step_throughput.loops import hand_tuned, tutorial
from benchmarks.step_throughput.peers import PEERS, PeerError
from benchmarks.step_throughput.setting import Iteration, Networks, Setting
from benchmarks.step_throughput.updates import played_round, shared_fake

Build: TypeAlias = Callable[[Rule, Networks, Setting], Iteration]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A way to write an iteration, and the numbers and the layout that it runs in.

    Args:
        name: Its name in the table.
        build: Returns what does one iteration. It raises `PeerError` with the reason if it cannot do this rule.
        bfloat16: Run under autocast.
        channels_last: Store images and weights with the channels innermost.
        saving: Use the rectifiers of gankit where they save work.
        exact_in_float64: Whether it runs in float64 at all.
        only_where_saved: Show this form only where the rectifiers of gankit save work.
        cases: Slugs of the cases that it is shown in, since it takes long; None for all.
    """

    name: str
    build: Build
    bfloat16: bool = False
    channels_last: bool = False
    saving: bool = False
    exact_in_float64: bool = True
    only_where_saved: bool = False
    cases: tuple[str, ...] | None = None

    @property
    def numbers(self) -> str:
        """Number format and layout in words."""
        return ("bfloat16" if self.bfloat16 else "float32") + (", channels last" if self.channels_last else "")

    def setting(self, case: Case, setting: Setting) -> Setting:
        """Return the setting in which this form runs."""
        return replace(
            setting,
            bfloat16=self.bfloat16,
            channels_last=self.channels_last,
            saving=self.saving and case.saves,
        )

    def start(self, case: Case, setting: Setting) -> tuple[Iteration, Networks]:
        """Build networks and the iteration on them.

        Raises:
            PeerError: This form cannot do the case.
        """
        networks = case.make(setting)
        return self.build(case.rule, networks, setting), networks


COMPILED = ("ns", "gp", "gp-bare", "clip")
"""Cases in which compiled steps are shown; to compile one takes a minute."""


def forms_of(case: Case, *, peers: bool = True) -> list[Form]:
    """Return the forms that are shown for a case."""
    shown = [form for form in FORMS if case.saves or not form.only_where_saved]
    shown = [form for form in shown if form.cases is None or case.slug in form.cases]
    return [form for form in shown if peers or form.name not in PEERS]


def reason_of(form: Form, case: Case, setting: Setting) -> str:
    """Return why a form is not measured in a case, or nothing if it is."""
    if form.bfloat16 and emulates_bfloat16(setting.device):
        return "emulated by this processor"
    try:
        form.start(case, form.setting(case, setting))
    except PeerError as error:
        return str(error)
    return ""


def emulates_bfloat16(device: torch.device) -> bool:
    """Return whether torch computes bfloat16 by slow plain loops: 20 times as long as float32 on a processor with AVX2."""
    return device.type == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported()  # noqa: SLF001 (no public name)


def _both_layouts(name: str, build: Build) -> list[Form]:
    return [
        Form(name=name, build=build, saving=True),
        Form(name=name, build=build, saving=True, channels_last=True),
    ]


def _compiled(name: str, build: Callable[..., Iteration], cases: tuple[str, ...]) -> Form:
    build = partial(build, gradients=gk.training.Compiled)
    return Form(name=name, build=build, channels_last=True, saving=True, cases=cases)


FORMS: tuple[Form, ...] = (
    Form(name="tutorial loop", build=tutorial),
    Form(name="tutorial loop", build=tutorial, channels_last=True),
    Form(name="tutorial loop, rectifiers of gankit", build=tutorial, saving=True, only_where_saved=True),
    Form(name="hand-tuned loop", build=hand_tuned),
    Form(name="hand-tuned loop", build=hand_tuned, channels_last=True),
    *_both_layouts("gankit, play_round", played_round),
    *_both_layouts("gankit, shared fake", shared_fake),
    _compiled("gankit, compiled", played_round, COMPILED),
    _compiled("gankit, shared fake, compiled", shared_fake, COMPILED[:2]),
    Form(name="tutorial loop", build=tutorial, bfloat16=True, channels_last=True),
    Form(name="gankit, shared fake", build=shared_fake, bfloat16=True, channels_last=True, saving=True),
    *(Form(name=name, build=peer.build, exact_in_float64=peer.float64) for name, peer in PEERS.items()),
)
