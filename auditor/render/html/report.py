"""A Result into one HTML file that loads nothing, needs no JavaScript, and whose own policy forbids it more."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from auditor import resources
from auditor.domain.result.model import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.html.action_sets import action_sets
from auditor.render.html.content import PageContent
from auditor.render.html.embedded_data import embedded_data
from auditor.render.html.tenant_table import fleet_rows
from auditor.render.tables.flat import row_count
from auditor.render.text.labels import CHANGES, OUTCOMES, SEVERITIES, Labels
from auditor.render.text.sanitize import visible
from auditor.render.text.static_page import hash_source

_MARKERS: Final = ("<columns>", "<marks>")
"""Where the columns and the fingerprints go; nothing that is escaped can look like these."""
_TOGETHER: Final = 1 << 16
"""Characters that are turned into bytes together."""
_INDENT: Final = re.compile(r"^ +", re.MULTILINE)
_REMARK: Final = re.compile(r"^(?:/\*[^*]*\*/|//.*)\n", re.MULTILINE)
_BOLD: Final = re.compile(r"\*\*([^*]+)\*\*")
_FIXED: Final = re.compile(r"(?<=\S)\{% trans %\}([^{}%\n]+)\{% endtrans %\}(?!\n)")
"""A text for translation alone; at the ends of a line it stays, there the engine takes the space around it away."""
_MEANING: Final = re.compile(r"[{}%\n]")
"""What a template may read as its own."""
_CODE: Final = re.compile(r"`([^`]+)`")


def render(result: Result, options: RenderOptions) -> Artifact:
    """Write the report: its content comes from `page`, its look from reports/.

    Without a history there are no curves; without tenant pages a tenant that this page does not hold has no link.
    """
    content: PageContent = options.content or PageContent(result, options.locale, options.history)
    l10n, indexes, shown = content.l10n, content.indexes, content.page
    style, script = _embedded("styles/report.css"), _embedded("templates/report.js")
    template = environment(l10n).get_template("report.html.jinja")
    ours = (style, script, *_MARKERS)
    inline = dict(zip(("style", "script", "place_of_columns", "place_of_marks"), map(Markup, ours), strict=True))
    columns = embedded_data(result, l10n, indexes)
    fleet = fleet_rows(result, shown, l10n, options.tenant_pages)
    table = {"columns": columns, "all": row_count(result)}
    index_of = dict(zip(shown.sections, indexes, strict=False))
    # Made while the page is written, tenant by tenant: together they would take as much memory as the page.
    functions = {"action_sets": lambda section: action_sets(section.steps, index_of[section], l10n)}
    context = {"page": shown, "fleet": fleet, "csp": _csp(style, script), **functions, **table, **inline}
    body = _pieces(template.generate(**context), (columns.text, columns.marks))
    return Artifact(name="report.html", media_type="text/html; charset=utf-8", body=body)


def _pieces(written: Iterable[str], columns: Iterable[str]) -> Iterator[bytes]:
    """Yield the page in pieces of bytes, with the columns in their places."""
    # Millions of characters that are already harmless do not pass through the template.
    markers = deque(zip(_MARKERS, columns, strict=True))
    waiting: list[str] = []
    size = 0
    for piece in written:
        text = piece
        while markers and markers[0][0] in text:
            marker, column = markers.popleft()
            before, _, text = text.partition(marker)
            waiting += [before, column]
        waiting.append(text)
        size += len(piece)
        if size > _TOGETHER:
            yield "".join(waiting).encode("utf-8", "replace")
            waiting, size = [], 0
    yield "".join(waiting).encode("utf-8", "replace")


def environment(l10n: Labels) -> Environment:
    """Return the template engine of a language, which keeps compiled templates.

    Everything is escaped, every control character is shown, and every text is translatable.
    """
    return _environment(l10n.language)


@cache
def _environment(language: str) -> Environment:
    # Compiling the templates takes longer than rendering a small tenant.
    l10n = Labels(language)
    environment = Environment(
        loader=FunctionLoader(lambda name: _template(name, l10n)),
        optimized=False,  # there is nothing constant to reckon beforehand, and looking for it takes a tenth of the time
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(l10n.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        "severities": {key: l10n.gettext(text) for key, text in SEVERITIES.items()},
        "outcomes": {key: l10n.gettext(text) for key, text in OUTCOMES.items()},
        "graded": l10n.graded,
        "changes": {key: l10n.gettext(text) for key, text in CHANGES.items()},
    }
    environment.filters |= {"day": l10n.date, "instant": l10n.instant, "number": l10n.number, "marked": marked}
    environment.filters["findings"] = lambda count: l10n.ngettext("{count} finding", "{count} findings", count)
    return environment


@lru_cache(maxsize=4096)
def marked(text: str) -> Markup:
    """Return guidance with its two marks, **bold** and `code`, as elements; everything else in it is escaped."""
    safe = str(escape(visible(text)))
    return Markup(_CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<strong>\1</strong>", safe)))  # noqa: S704 - escaped above


def _shown(value: Any) -> Any:
    return visible(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


def _csp(style: str, script: str) -> str:
    sources = {
        "default-src": "'none'",
        "style-src": hash_source(style),
        "script-src": hash_source(script),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {source}" for name, source in sources.items())


@cache
def _embedded(path: str) -> str:
    """Return a style sheet or script without indentation and without lines that hold only a comment."""
    return _REMARK.sub("", _INDENT.sub("", resources.report_text(path)))


def _template(name: str, l10n: Labels) -> str:
    """Return a template in which texts without anything to fill in stand translated already.

    That is what the engine would write in their place: of a third of its work it knows nothing then.
    """
    return _FIXED.sub(lambda match: _translated(match, l10n), resources.report_text(f"templates/{name}"))


def _translated(match: re.Match[str], l10n: Labels) -> str:
    text = l10n.translations.gettext(match[1])
    return match[0] if _MEANING.search(text) else text
