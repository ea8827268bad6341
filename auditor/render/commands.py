"""Renders command lines for a shell from a template whose lines are the commands."""

from functools import cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from auditor.resources import report_text


def render_commands(name: str, **values: Any) -> tuple[str, ...]:
    """Return the lines of a template in `reports/templates`, which quotes nothing: values are quoted for the shell."""
    return tuple(_template(name).render(values).rstrip("\n").split("\n"))


@cache
def _template(name: str) -> Template:
    # Cached, because `auditor doctor` renders the commands of each tenant.
    environment = Environment(trim_blocks=True, undefined=StrictUndefined)  # noqa: S701  not HTML
    return environment.from_string(report_text(f"templates/{name}"))
