"""Extracts translatable messages into catalogue templates, and updates the catalogues of languages from them.

`python -m tests.localization.extract` writes reports/locales/{guidance,auditor,policies,errors}.pot, adds new messages
to all catalogues and removes obsolete ones; translations are kept. With languages (`fi`) it also creates theirs.
"""

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import yaml
from babel.core import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from auditor.catalogue import free_products
from auditor.cli.main import COMMANDS, command_parser, main_parser
from tests.guidance.packaged import packaged
from tests.guidance.translatable import translatable
from tests.package.tree import modules

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "reports" / "locales"
DOMAINS = ("guidance", "auditor", "policies", "errors")

PLURALS = {"tr": "nplurals=2; plural=(n != 1);"}
"""Headers of languages for which Babel (`nplurals=1`) and CLDR (one, other) disagree; CLDR's count is used."""

CALLS = {"N_": (0,), "NN_": (0, 1), "gettext": (0,), "translated_text": (0,), "ngettext": (0, 1), "plural": (0, 1)}
"""Functions that mark messages, with the positions of their arguments that are messages."""
TEMPLATES = "reports/templates"
PLACEHOLDER = re.compile(r"\{\w+\}")
WORD = re.compile(r"[^\W\d_]{2}")
"""Matches a word; messages without words need no translation."""


def header(language: str) -> str:
    """Return the header of a catalogue, without dates, so that equal messages give equal bytes."""
    plural = PLURALS.get(language) or (
        get_plural(language).plural_forms.rstrip("; ") + ";" if language else "nplurals=2; plural=(n != 1);"
    )
    name = Locale.parse(language).english_name if language else "Template"
    return (
        f"# {name} messages of the licence auditor; docs/languages.md tells how they are made and kept.\n"
        'msgid ""\nmsgstr ""\n"Project-Id-Version: m365-license-auditor\\n"\n'
        f'"Language: {language}\\n"\n"MIME-Version: 1.0\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Content-Transfer-Encoding: 8bit\\n"\n"Plural-Forms: {plural}\\n"\n\n'
    )


def guidance() -> Catalog:
    """Return the distinct texts of the articles, in the order of the articles."""
    catalog = Catalog(fuzzy=False)
    for index, text in translatable(packaged()):
        catalog.add(text, locations=[(index, None)])  # type: ignore[list-item]
    return catalog


def auditor() -> Catalog:
    """Return the texts that code and templates mark for translation."""
    catalog = Catalog(fuzzy=False)
    for index, message in (*_in_code(), *_in_templates(), *_in_free_products(), *_in_help()):
        catalog.add(message, locations=[(index, None)])  # type: ignore[list-item]
    return catalog


def policies() -> Catalog:
    """Return titles and reasons of the starter policies and of the demo's additional ones, in file order."""
    catalog = Catalog(fuzzy=False)
    starter = sorted(path for path in (ROOT / "policies").glob("*.yaml") if not path.stem.endswith("_test"))
    for path in (*starter, ROOT / "auditor" / "demo" / "overlay.yaml"):
        for policy in yaml.safe_load(path.read_text(encoding="utf-8")).get("policies", ()):
            for key in ("title", "rationale"):
                if policy.get(key):
                    location = (path.relative_to(ROOT).as_posix(), None)
                    catalog.add(policy[key], locations=[location], auto_comments=[f"{policy['id']}: {key}"])  # type: ignore[list-item]
    return catalog


def errors() -> Catalog:
    """Return errors, hints, notices and reasons, sorted: texts of `Message(...)` and nouns of the schemas."""
    catalog = Catalog(fuzzy=False)
    for message in sorted({*_in_messages(), *_in_schemas()}):
        if WORD.search(PLACEHOLDER.sub("", message)):
            catalog.add(message)
    return catalog


def _in_code() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the messages in the syntax trees of the program, including those inside f-strings."""
    for index, tree in modules():
        for call in _calls(tree):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            arguments = [call.args[position] for position in CALLS.get(name, ()) if position < len(call.args)]
            texts = tuple(
                part.value for part in arguments if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            if texts and len(texts) == len(CALLS[name]):
                yield index, texts if len(texts) > 1 else texts[0]


def _in_messages() -> Iterator[str]:
    """Yield the texts of `Message(...)`."""
    for _, tree in modules():
        for call in _calls(tree):
            template = call.args[0] if call.args and getattr(call.func, "id", "") == "Message" else None
            if isinstance(template, ast.Constant):
                yield str(template.value)


def _in_schemas() -> Iterator[str]:
    """Yield the nouns of the schemas (`$comment`) and the descriptions of required keys."""
    for name in ("decisions", "policy", "policy-test", "tenants"):
        text = (ROOT / "auditor" / "schemas" / f"{name}.v1.json").read_text(encoding="utf-8")
        yield from _schema_texts(json.loads(text))


def _schema_texts(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _schema_texts(item)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    noun = schema.get("$comment")
    if isinstance(noun, str):
        yield noun
        if {"id", "name"} & set(properties):
            yield f"{noun.partition(' ')[2]} {{name}}"
    conditional_schemas = [branch["then"] for branch in schema.get("allOf", ()) if "then" in branch]
    for key in dict.fromkeys(key for branch in (schema, *conditional_schemas) for key in branch.get("required", ())):
        property_schema = properties.get(key)
        if isinstance(property_schema, dict) and "description" in property_schema:
            yield property_schema["description"]
    for value in schema.values():
        yield from _schema_texts(value)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield calls in the order of the syntax tree: positions inside f-strings depend on the Python version."""
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)


def _in_templates() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    methods = [("**.jinja", "jinja2.ext:babel_extract")]
    options = {"**.jinja": {"trimmed": "true", "silent": "false"}}
    messages = extract_from_dir(ROOT / TEMPLATES, method_map=methods, options_map=options)
    for index, _, message, _, _ in sorted(messages, key=lambda item: (item[0], item[1])):
        yield f"{TEMPLATES}/{index}", message


def _in_help() -> Iterator[tuple[str, str]]:
    """Yield the complete help texts of the program and of each command, including those composed of parts."""
    for text in (*main_parser().texts(), *(text for name in COMMANDS for text in command_parser(name)[1].texts())):
        yield "auditor/cli", text


def _in_free_products() -> Iterator[tuple[str, str]]:
    """Yield the reasons why products are free, as shown by `auditor products --free`."""
    for product in free_products():
        yield "auditor/catalogue/free.json", product.reason


SOURCES = {"guidance": guidance, "auditor": auditor, "policies": policies, "errors": errors}


def text(messages: Catalog, language: str = "") -> str:
    """Return a catalogue as a .po file."""
    buffer = BytesIO()
    write_po(buffer, messages, width=0, omit_header=True, sort_output=False)
    return header(language) + buffer.getvalue().decode().strip() + "\n"


def template(domain: str) -> Path:
    """Return the path of a domain's template (.pot)."""
    return LOCALES / f"{domain}.pot"


def catalogue(language: str, domain: str) -> Path:
    """Return the path of a language's catalogue (.po)."""
    return LOCALES / language / "LC_MESSAGES" / f"{domain}.po"


def merged(domain: str, messages: Catalog, language: str) -> str:
    """Return a language's catalogue as text, with exactly the messages of the template and existing translations."""
    path = catalogue(language, domain)
    forms = 2 if "nplurals=2" in header(language) else get_plural(language).num_plurals
    existing = _read(path, language) if path.is_file() else {}
    catalog = Catalog(locale=None if language in PLURALS else language, fuzzy=False)
    for message in _messages(messages):
        previous = existing.get((message.context, message.id))
        empty = ("",) * forms if isinstance(message.id, (list, tuple)) else ""
        catalog.add(
            message.id,
            string=previous.string if previous is not None else empty,
            locations=message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    return text(catalog, language)


def _read(path: Path, language: str) -> dict[object, Message]:
    with path.open("rb") as file:
        return {
            (message.context, message.id): message
            for message in _messages(read_po(file, locale=None if language in PLURALS else language))
        }


def _messages(catalog: Iterable[Message]) -> Iterator[Message]:
    return (message for message in catalog if message.id)


def main(languages: list[str]) -> None:
    """Write the templates, update all catalogues and create those of `languages`; an unknown one fails at once."""
    for language in languages:
        Locale.parse(language)
    languages = sorted({*languages, *(path.name for path in LOCALES.iterdir() if path.is_dir())})
    for domain, collect in SOURCES.items():
        messages = collect()
        template(domain).write_text(text(messages), encoding="utf-8")
        for language in languages:
            catalogue(language, domain).parent.mkdir(parents=True, exist_ok=True)
            catalogue(language, domain).write_text(merged(domain, messages, language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
