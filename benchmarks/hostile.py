"""Measures policies that were constructed to be slow: the cost of doubling the size of each construction."""

import time
from collections.abc import Callable, Mapping

import pyarrow as pa

from auditor.__main__ import configure_process
from auditor.checks.data_needs import needs
from auditor.engine.columns.strings import folded_column
from auditor.policy.lint import lint_warnings
from auditor.policy.loader import load
from benchmarks.measurement import Row, at_most

_MAX_RATIO = 3.0
"""Maximum ratio to half the size: 2, plus a margin for a busy machine."""
_NAMES = 24
_SIZE = 1000


def measure(_users: int, rounds: int) -> list[Row]:
    """Measure each construction at two sizes; the fastest of `rounds` repetitions is used."""
    configure_process()  # the garbage collector runs as rarely as in the command
    return [_row(what, make, rounds) for what, make in _constructions().items()]


def _row(what: str, make: Callable[[int], Callable[[], object]], rounds: int) -> Row:
    make(1)()  # loads what is loaded only once
    half, full = (min(_seconds(make(times)) for _ in range(rounds)) for times in (1, 2))
    ratio = full / half
    return Row(
        what=what,
        measured=f"{full * 1000:.1f} ms",
        against=f"half the size: {half * 1000:.1f} ms",
        ratio=f"{ratio:.1f}×",
        bar=at_most(ratio, _MAX_RATIO),
    )


def _seconds(job: Callable[[], object]) -> float:
    started = time.process_time()
    job()
    return time.process_time() - started


def _constructions() -> Mapping[str, Callable[[int], Callable[[], object]]]:
    return {
        "populations that each name the next one twice, 24 and 48": lambda n: _load_job(
            _chain("populations", "{{any: [{0}, {0}]}}", "{department: Store}", n * _NAMES)
        ),
        "product sets that each name the next one twice, 24 and 48": lambda n: _load_job(
            _chain("products", "[{0}, {0}]", "[SPE_E3]", n * _NAMES).replace("users: p0", "users: {holds: p0}")
        ),
        "policies that require what none of the others denies, 1,000 and 2,000": lambda n: _load_job(_policies(n)),
        "the glob a*a*a*a*b against one name of a million and two million letters": lambda n: _glob(
            "a*a*a*a*b", n * 1_000_000
        ),
        "a glob of 30 stars against one name of a million and two million letters": lambda n: _glob(
            "a*" * 30 + "b", n * 1_000_000
        ),
    }


def _load_job(text: str) -> Callable[[], object]:
    def job() -> None:
        loaded = load([("hostile.yaml", text.encode())])
        needs(loaded.policies)
        list(lint_warnings(loaded))

    return job


def _chain(section: str, template: str, last: str, count: int) -> str:
    lines = [f"  p{number}: {template.format(f'p{number + 1}')}" for number in range(count - 1)]
    policy = "policies: [{id: a, severity: low, users: p0, assignments: {deny: paid}}]"
    return "\n".join(["version: 1", f"{section}:", *lines, f"  p{count - 1}: {last}", policy])


def _policies(times: int) -> str:
    line = "- {{id: p{0}, severity: low, users: {{userType: Guest}}, assignments: {{require: [A{0}], deny: [B{0}]}}}}"
    return "\n".join(["version: 1", "policies:", *(line.format(number) for number in range(times * _SIZE))])


def _glob(glob: str, letters: int) -> Callable[[], object]:
    column = folded_column(pa.array(["a" * letters], pa.string()), distinct=False)
    return lambda: column.like((glob,))
