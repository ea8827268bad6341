"""Renders command lines for a shell from a template whose lines are the commands."""

from typing import Any

from jinja2 import Environment, StrictUndefined

from auditor.resources import report_text


def render_commands(name: str, **values: Any) -> tuple[str, ...]:
    """Return the lines of a template in `reports/templates`, which quotes nothing: values are quoted for the shell."""
    environment = Environment(trim_blocks=True, undefined=StrictUndefined)  # noqa: S701  not HTML
    template = environment.from_string(report_text(f"templates/{name}"))
    return tuple(template.render(values).rstrip("\n").split("\n"))
