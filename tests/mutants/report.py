"""The output of the command: tables, and whether the goals are reached."""

from collections.abc import Sequence

from tests.mutants.domain import KILLS, Fault
from tests.mutants.mutation import Mutation
from tests.mutants.sample import interval
from tests.mutants.survivors import Survivor, as_entry, stale, unlisted
from tests.mutants.verdict import Verdict

LEAST_SCORE = 0.95
Judged = Sequence[tuple[Mutation, Verdict]]


def report_mutants(judged: Judged, known: Sequence[Survivor], *, made: int) -> tuple[str, bool]:
    """Table by file, survivors, score; and whether the score is high enough and every survivor listed.

    `made` is how many mutants there are, of which these are a sample or all.
    """
    lines = [_row("file", "mutants", "killed", "survived", "out of time")]
    files = dict.fromkeys(mutation.file for mutation, _ in judged)
    lines += [_counts(file, [verdict for mutation, verdict in judged if mutation.file == file]) for file in files]
    lines.append(_counts("all", [verdict for _, verdict in judged]))
    survived = [mutation for mutation, verdict in judged if verdict.survived]
    slow = [mutation for mutation, verdict in judged if verdict.out_of_time]
    unknown = unlisted(survived, known)
    keys = {mutation.key for mutation, _ in judged}
    gone = [
        one
        for one in stale([mutation for mutation, _ in judged], survived, known)
        if one.key in keys or len(judged) == made
    ]
    reasons = {one.key: one for one in known}
    explained = [(mutation, reasons[mutation.key]) for mutation in survived if mutation.key in reasons]
    lines += _section("survivors, with reasons", [f"{one}\n    {why.kind}: {why.reason}" for one, why in explained])
    lines += _section("out of time (neither killed nor survived)", [str(one) for one in slow])
    lines += _section("listed, but no longer surviving: take them off the list", [" | ".join(one.key) for one in gone])
    lines += _section("SURVIVORS WITHOUT A REASON", [as_entry(mutation) for mutation in unknown])
    decided = len(judged) - len(slow)
    score = (decided - len(survived)) / max(decided, 1)
    low, high = interval(decided - len(survived), decided)
    if len(judged) < made:
        lines.append(f"{len(judged)} of {made} mutants were tried: the score of all is in {low:.1%} to {high:.1%}")
    lines.append(f"score: {decided - len(survived)} of {decided} killed, {score:.1%} (at least {LEAST_SCORE:.0%})")
    return "\n".join(lines), score >= LEAST_SCORE and not unknown


def report_faults(faults: Sequence[Fault], verdicts: Sequence[Verdict]) -> tuple[str, bool]:
    """The faults by hand, the tests that detected each, and whether there were enough."""
    lines = [f"{len(faults)} faults by hand, each to be noticed by {KILLS} tests"]
    enough = [len(verdict.killed_by) >= KILLS for verdict in verdicts]
    for fault, verdict, well in zip(faults, verdicts, enough, strict=True):
        lines.append(f"{'killed  ' if well else 'SURVIVES'} {fault.file}: {fault.name} (as in: {fault.imitates})")
        lines += [f"             {killer}" for killer in verdict.killed_by]
    lines.append(f"faults: {sum(enough)} of {len(enough)} noticed by {KILLS} tests")
    return "\n".join(lines), all(enough)


def _counts(name: str, verdicts: Sequence[Verdict]) -> str:
    killed = sum(bool(verdict.killed_by) for verdict in verdicts)
    survived = sum(verdict.survived for verdict in verdicts)
    return _row(name, len(verdicts), killed, survived, len(verdicts) - killed - survived)


def _row(name: str, *cells: object) -> str:
    return f"{name:<60}" + "".join(f"{cell!s:>12}" for cell in cells)


def _section(title: str, entries: list[str]) -> list[str]:
    return ["", f"{title} ({len(entries)})", *entries, ""] if entries else []
