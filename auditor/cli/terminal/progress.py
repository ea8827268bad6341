"""Shows the progress of a collection as bars, on a terminal."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from auditor.collect.progress import Progress
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import printable
from auditor.domain.message import Message
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.render.text.labels import SOURCE_STATES, Labels

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID


class _Bars(Progress):
    """One bar per tenant and source."""

    def __init__(self, bars: "Bars", l10n: Labels) -> None:
        self._bars = bars
        self._l10n = l10n
        self._tasks: dict[tuple[str, Source], TaskID] = {}

    def ask(self, message: Message) -> None:
        """Print a message above the bars."""
        self._bars.print(printable(f"auditor: {self._l10n.translate(message)}"), markup=False, highlight=False)

    def expect(self, tenant: str, source: Source, total: int | None) -> None:
        """Set the length of the bar."""
        self._bars.update(self._task(tenant, source), total=total)

    def advance(self, tenant: str, source: Source, count: int) -> None:
        """Advance the bar."""
        self._bars.advance(self._task(tenant, source), count)

    def finish(self, tenant: str, source: Source, status: str) -> None:
        """Complete the bar, and show the status of the source."""
        task = self._task(tenant, source)
        completed = self._bars.tasks[self._bars.task_ids.index(task)].completed
        text = self._l10n.gettext(SOURCE_STATES[SourceStatus(status)])
        self._bars.update(task, total=completed or 1, completed=completed or 1, status=text)

    def _task(self, tenant: str, source: Source) -> "TaskID":
        key = (tenant, source)
        if key not in self._tasks:
            name = self._l10n.gettext(SOURCE_TITLES[source])
            self._tasks[key] = self._bars.add_task(printable(f"{tenant}: {name}"), total=None, status="")
        return self._tasks[key]


@contextmanager
def shown_progress(l10n: Labels, *, enabled: bool) -> Iterator[Progress]:
    """Show bars on stderr while the block runs, if stderr is a terminal."""
    if not enabled or not sys.stderr.isatty():
        yield Progress()
        return
    from rich.console import Console  # noqa: PLC0415  slow to import
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{l10n.number(round(speed))}/s")

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[status]}", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bars(bars, l10n)
