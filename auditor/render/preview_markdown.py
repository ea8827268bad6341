"""A Preview into a Markdown comment for a pull request: short enough for GitHub, cut between lines, its text inert."""

from collections.abc import Iterator
from typing import Final

from auditor.domain.result import Finding
from auditor.render.artifact import Artifact
from auditor.render.markdown import inert
from auditor.render.preview import (
    Changed,
    Difference,
    PolicyChange,
    Preview,
    Side,
    Tally,
    by_department,
    by_policy,
    tally,
)
from auditor.render.words import CHECKS, Words

LIMIT: Final = 60_000
"""Characters; GitHub refuses a comment over 65 536."""
MARK: Final = "<!-- auditor-preview -->"
"""The first line, by which a workflow finds its comment again."""
_ROWS: Final = 20
"""Findings of one tenant and kind that are told one by one."""
_TEXT: Final = 200
"""Characters of one text; no title is worth more of a comment."""


def render(preview: Preview, *, locale: str) -> Artifact:
    """Write the comment; what would go over LIMIT is left out, and the end says so."""
    words = Words(locale)
    kept: list[str] = []
    size = 0
    for block in _blocks(preview, words):
        size += len(block) + 1
        if size > LIMIT - 200:
            kept += ["", "_The comment ends here; preview.json holds the whole of it._"]
            break
        kept.append(block)
    body = ("\n".join(kept) + "\n").encode("utf-8", "replace")
    return Artifact(name="preview.md", media_type="text/markdown; charset=utf-8", body=body)


def headline(preview: Preview) -> str:
    """Return what the change does, in one line of plain text."""
    counts = tally(preview.everywhere)
    if counts.empty:
        return "This policy change adds, removes and changes no finding"
    return f"This policy change: {counted(counts)}"


def counted(counts: Tally) -> str:
    """Return the numbers of a tally in words."""
    told = f"{counts.added} added, {counts.removed} removed, {counts.changed} changed"
    return f"{told}, {counts.unconfirmed} unconfirmed" if counts.unconfirmed else told


def sums(counts: Tally, words: Words) -> str:
    """Return what comes to and goes from open findings a month, by currency; empty where nothing has a price."""
    return "; ".join(
        f"+{words.money(plus, currency)} −{words.money(minus, currency)}" for currency, plus, minus in counts.money
    )


def state(policy: PolicyChange) -> str:
    """Return what becomes of a policy itself."""
    if policy.before is None or policy.after is None:
        return "new" if policy.before is None else "removed"
    if policy.before is not policy.after:
        return f"{policy.before} → {policy.after}"
    return "edited" if policy.edited else "as it was"


def called(side: Side) -> str:
    """Return a side's name, with its commit where it is a ref."""
    return side.name if side.commit is None else f"{side.name} ({side.commit[:12]})"


def told(finding: Finding) -> str:
    """Return a finding in one line of plain text."""
    product = "" if finding.product is None else finding.product.sku_part_number or finding.product.sku_id or ""
    what = CHECKS.get(finding.check, finding.check)
    parts = [finding.policy, f"{what} ({finding.severity}, {finding.status})", finding.subject.name, product]
    return " · ".join(part for part in parts if part)


def retold(pair: Changed) -> str:
    """Return a changed finding in one line of plain text, with what is different."""
    one, other = pair.before, pair.after
    parts = [(name, str(getattr(one, name)), str(getattr(other, name))) for name in ("severity", "status")]
    parts.append(("waiver", one.waiver or "none", other.waiver or "none"))
    parts.append(("money", _money(one), _money(other)))
    keys = sorted({*one.evidence, *other.evidence})
    parts += [(key, str(one.evidence.get(key)), str(other.evidence.get(key))) for key in keys]
    different = "; ".join(f"{name} {before} → {after}" for name, before, after in parts if before != after)
    return f"{told(other)}: {different or 'told differently'}"


def _money(finding: Finding) -> str:
    return "none" if finding.money is None else f"{finding.money.per_month:.2f} {finding.money.currency}"


def _blocks(preview: Preview, words: Words) -> Iterator[str]:
    counts = tally(preview.everywhere)
    yield MARK
    yield f"### {headline(preview)}"
    yield ""
    yield (
        f"{_short(called(preview.base))} → {_short(called(preview.head))}, "
        f"state as of {inert(words.instant(preview.as_of))}"
    )
    yield ""
    if counts.money:
        yield f"Money of open findings, a month: **{inert(sums(counts, words))}**"
        yield ""
    yield from _unknown(preview)
    yield from _table(
        ("Policy", "It is", "Added", "Removed", "Changed", "A month"),
        [
            (f"**{_short(policy.id)}** {_short(policy.title)}", state(policy), *_cells(each, words))
            for policy, each in by_policy(preview)
        ],
    )
    yield from _table(
        ("Department", "Added", "Removed", "Changed", "A month"),
        [("_none_" if name is None else _short(name), *_cells(each, words)) for name, each in by_department(preview)],
    )
    for each in preview.everywhere:
        yield from _tenant(each)


def _unknown(preview: Preview) -> Iterator[str]:
    if preview.complete:
        return
    yield "⚠️ **Incomplete**: not everything could be evaluated, so the change may do more than is told here."
    yield ""
    for each in preview.unknown[:_ROWS]:
        where = f" in {_short(each.tenant)}" if each.tenant else ""
        yield f"- {each.side}: **{_short(each.policy)}**{where}: {_short(each.reason)}"
    if len(preview.unknown) > _ROWS:
        yield f"- {len(preview.unknown) - _ROWS} more"
    yield ""


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    if not rows:
        return
    # One block, so that a cut never leaves a table without its ruler.
    yield f"| {' | '.join(titles)} |\n|{' --- |' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _cells(counts: Tally, words: Words) -> tuple[str, ...]:
    return (str(counts.added), str(counts.removed), str(counts.changed), inert(sums(counts, words)))


def _tenant(each: Difference) -> Iterator[str]:
    kinds = (
        ("added", [told(finding) for finding in each.added]),
        ("removed", [told(finding) for finding in each.removed]),
        ("changed", [retold(pair) for pair in each.changed]),
        ("unconfirmed", [told(finding) for finding in each.unconfirmed]),
    )
    for kind, rows in kinds:
        if not rows:
            continue
        lines = [f"- {_short(row, 2 * _TEXT)}" for row in rows[:_ROWS]]
        lines += [f"- {len(rows) - _ROWS} more in preview.json"] if len(rows) > _ROWS else []
        title = f"{_short(each.name) if each.name else 'All tenants together'}: {len(rows)} {kind}"
        # One block: an element that is opened is closed.
        yield "\n".join([f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""])


def _short(text: str, most: int = _TEXT) -> str:
    return inert(text if len(text) <= most else f"{text[: most - 1]}…")
