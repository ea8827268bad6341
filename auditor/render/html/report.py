"""Renders a Result as one self-contained HTML file.

The page needs no JavaScript, and its Content-Security-Policy forbids loading anything else.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined, nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, escape
from msgspec.structs import replace

from auditor import resources
from auditor.domain.result.model import Result
from auditor.domain.source_titles import SOURCE_TITLES
from auditor.guidance.parts import HEADINGS
from auditor.render.formats import RenderOptions
from auditor.render.html.action_sets import action_sets
from auditor.render.html.embedded_data import embedded_data
from auditor.render.static_page import content_policy, embedded_text
from auditor.render.tables.flat_rows import row_count
from auditor.render.text.guidance import MARKUP
from auditor.render.text.labels import CHANGES, OUTCOMES, SEVERITIES, SOURCE_STATES, Labels
from auditor.render.text.sanitize import visible
from auditor.render.view.content import PageContent
from auditor.render.view.model import Page
from auditor.render.view.tenant_table import fleet_rows, page_path
from auditor.result.ranking import MAX_SECTIONS

_PLACEHOLDERS: Final = ("<columns>", "<fingerprints>")
"""Placeholders for the columns and the fingerprints; escaped text cannot contain them."""
_CHUNK_SIZE: Final = 1 << 16
"""Characters per encoded chunk."""
_CONSTANT_TEXT: Final = re.compile(r"(?:(?<=\S)|(?<=\S ))\{% trans %\}([^{}%\n]+)\{% endtrans %\}(?!\n)")
"""A translated text without placeholders; not at the ends of a line, where the template engine trims white space."""
_TEMPLATE_SYNTAX: Final = re.compile(r"[{}%\n]")
"""Characters that can be part of template syntax."""
_VOCABULARIES: Final[Mapping[str, Mapping[Any, str]]] = {
    "severities": SEVERITIES,
    "outcomes": OUTCOMES,
    "changes": CHANGES,
    "headings": HEADINGS,
    "source_titles": SOURCE_TITLES,
    "source_states": SOURCE_STATES,
}
"""The words by value that templates can use, by the name of the variable."""


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render the report: the content comes from `page`, templates and styles from reports/.

    Without a history there are no charts. Without tenant pages, tenants that are not on this page have no link.
    """
    content: PageContent = options.content or PageContent(result, options.locale, options.history)
    l10n, indexes, page = content.l10n, content.indexes, content.page
    style, script = embedded_text("styles/report.css"), embedded_text("templates/report.js")
    template = environment(l10n.locale).get_template("report.html.jinja")
    names = ("style", "script", "columns_placeholder", "fingerprints_placeholder")
    inline = dict(zip(names, map(Markup, (style, script, *_PLACEHOLDERS)), strict=True))
    index_of = dict(zip(page.sections, indexes, strict=False))
    links = _links(page, options.tenant_pages)
    page = replace(page, sections=tuple(section for section in page.sections if section.name not in links))
    columns = embedded_data(result, l10n, indexes, links)
    fleet = fleet_rows(result, page, l10n, options.tenant_pages)
    table = {"columns": columns, "all": row_count(result), "links": links, "full": page.listed_tenants - len(links)}
    # Build these lazily, tenant by tenant, while the page is written: all of them together would need as much memory as
    # the page.
    functions = {"action_sets": lambda section: action_sets(section.actions, index_of[section], l10n)}
    context = {"page": page, "fleet": fleet, "csp": content_policy(style, script), **functions, **table, **inline}
    return _chunks(template.generate(**context), (columns.text, columns.fingerprints))


def _links(page: Page, folder: str) -> dict[str, str]:
    """Return the paths of the pages of tenants that get no section, by name: all but the worst if there are many."""
    tenants = [section for section in page.sections if section.name]
    return {section.name: page_path(section.name, folder) for section in tenants[MAX_SECTIONS:] if folder}


def _chunks(fragments: Iterable[str], columns: Iterable[str]) -> Iterator[bytes]:
    """Yield the encoded page in chunks, with the placeholders replaced by `columns`."""
    # The columns are millions of characters that need no escaping: they bypass the template engine.
    replacements = deque(zip(_PLACEHOLDERS, columns, strict=True))
    buffer: list[str] = []
    size = 0
    for fragment in fragments:
        text = fragment
        while replacements and replacements[0][0] in text:
            placeholder, column = replacements.popleft()
            before, _, text = text.partition(placeholder)
            buffer += [before, column]
        buffer.append(text)
        size += len(fragment)
        if size > _CHUNK_SIZE:
            yield "".join(buffer).encode("utf-8", "replace")
            buffer, size = [], 0
    yield "".join(buffer).encode("utf-8", "replace")


@cache
def environment(language: str) -> Environment:
    """Return the Jinja environment for a language; it caches compiled templates.

    Templates escape every value, make control characters visible, and can translate texts.
    """
    # Cached, because compiling the templates takes longer than rendering a small tenant.
    l10n = Labels(language)
    environment = _Environment(
        loader=FunctionLoader(lambda name: _template(name, l10n)),
        optimized=False,  # the templates have no constant expressions to fold; looking for them takes 10 % of the time
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_safe_html,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(l10n.translations, newstyle=True)  # type: ignore[attr-defined]
    environment.globals |= {
        name: {key: l10n.gettext(text) for key, text in texts.items()} for name, texts in _VOCABULARIES.items()
    }
    environment.globals["severity_name"] = l10n.severity_name
    environment.filters |= {"day": l10n.date, "instant": l10n.instant, "number": l10n.number, "more": l10n.more}
    environment.filters |= {"guidance": guidance, "sums": l10n.sums, "translated": l10n.translate}
    environment.filters |= {"written_instant": l10n.written_instant, "amount": l10n.amount}
    environment.filters["findings"] = lambda count: l10n.plural("{count} finding", "{count} findings", count)
    return environment


@lru_cache(maxsize=4096)
def guidance(text: str) -> Markup:
    """Return guidance as HTML: **bold** and `code` become elements, everything else is escaped."""
    safe = str(escape(visible(text)))
    html = MARKUP.sub(lambda match: f"<strong>{match[1]}</strong>" if match[1] else f"<code>{match[2]}</code>", safe)
    return Markup(html)  # noqa: S704 - escaped above


class _Compiler(CodeGenerator):
    """Compiles templates in which `finalize` escapes the values.

    By default, every value passes `finalize` and then `escape`, which creates another string even from safe HTML.
    """

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write(f"({finalize.src}")


class _Environment(Environment):
    code_generator_class = _Compiler


def _safe_html(value: Any) -> str:
    """Return a value as HTML: text is escaped, with its control characters visible; safe HTML is unchanged."""
    kind = type(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind is int:
        return str(value)
    return _escaped(value) if kind is str else escape(visible_text(value))


@lru_cache(maxsize=8192)
def _escaped(text: str) -> Markup:
    return escape(visible(text, keep="\n"))


def visible_text(value: Any) -> Any:
    """Return text with its control characters visible, and other values unchanged: `finalize` for plain text."""
    return visible(value, keep="\n") if isinstance(value, str) and not isinstance(value, Markup) else value


def _template(name: str, l10n: Labels) -> str:
    """Return a template in which the texts without placeholders are already translated.

    The output is the same; the template engine then skips about a third of its work.
    """
    return _CONSTANT_TEXT.sub(lambda match: _translated(match, l10n), resources.report_text(f"templates/{name}"))


def _translated(match: re.Match[str], l10n: Labels) -> str:
    text = l10n.translations.gettext(match[1])
    return match[0] if _TEMPLATE_SYNTAX.search(text) else text
