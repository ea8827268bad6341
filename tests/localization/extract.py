"""Articles, code and templates into the templates of the message catalogues, and a language's catalogues brought up to them.

`python -m tests.localization.extract` writes reports/locales/{guidance,auditor,policies,errors}.pot; with languages (`nl da`)
it also gives their catalogues the messages that are new and takes out those that are gone. What is translated stays as it is.
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
from auditor.guidance import translatable
from tests.guidance.packaged import packaged
from tests.package.tree import modules

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "reports" / "locales"
DOMAINS = ("guidance", "auditor", "policies", "errors")

PLURALS = {"tr": "nplurals=2; plural=(n != 1);"}
"""Where Babel's header (`nplurals=1`) and CLDR's categories (one, other) disagree, CLDR's count stands."""

CALLS = {"N_": (0,), "NN_": (0, 1), "gettext": (0,), "translated_text": (0,), "ngettext": (0, 1), "plural": (0, 1)}
"""What marks a message, and which of its arguments are one."""
TEMPLATES = "reports/templates"
ENGLISH_ONLY = "auditor/guidance/"
"""The package whose errors only developers see: what is wrong with the articles of the package itself."""
PLACEHOLDER = re.compile(r"\{\w+\}")
WORD = re.compile(r"[^\W\d_]{2}")
"""What a template without words lacks; it needs no translation."""


def header(language: str) -> str:
    """Return the header of a catalogue; it bears no dates, so that equal messages give equal bytes."""
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
    """Return the texts of the articles, each once, in the order of the articles."""
    made = Catalog(fuzzy=False)
    for index, text in translatable(packaged()):
        made.add(text, locations=[(index, None)])  # type: ignore[list-item]
    return made


def auditor() -> Catalog:
    """Return the texts that code and templates mark for translation."""
    made = Catalog(fuzzy=False)
    for index, message in (*_in_code(), *_in_templates(), *_in_the_free_list(), *_in_help()):
        made.add(message, locations=[(index, None)])  # type: ignore[list-item]
    return made


def policies() -> Catalog:
    """Return titles and reasons of the starter policies, and of those that the demo adds, in the order of the files."""
    made = Catalog(fuzzy=False)
    starter = sorted(path for path in (ROOT / "policies").glob("*.yaml") if not path.stem.endswith("_test"))
    for path in (*starter, ROOT / "auditor" / "demo" / "overlay.yaml"):
        for policy in yaml.safe_load(path.read_text(encoding="utf-8")).get("policies", ()):
            for key in ("title", "rationale"):
                if policy.get(key):
                    location = (path.relative_to(ROOT).as_posix(), None)
                    made.add(policy[key], locations=[location], auto_comments=[f"{policy['id']}: {key}"])  # type: ignore[list-item]
    return made


def errors() -> Catalog:
    """Return errors, hints, notices and reasons: the templates of `Message(...)` and the words of the schemas; sorted."""
    made = Catalog(fuzzy=False)
    for message in sorted({*_in_messages(), *_in_schemas()}):
        if WORD.search(PLACEHOLDER.sub("", message)):
            made.add(message)
    return made


def _in_code() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Yield the messages of the program; its syntax tree has them inside of f-strings too, whatever the Python."""
    for index, tree in modules():
        for call in _calls(tree):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            wanted = [call.args[position] for position in CALLS.get(name, ()) if position < len(call.args)]
            texts = tuple(
                part.value for part in wanted if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            if texts and len(texts) == len(CALLS[name]):
                yield index, texts if len(texts) > 1 else texts[0]


def _in_messages() -> Iterator[str]:
    for path, tree in modules():
        for call in _calls(tree):
            template = call.args[0] if call.args and getattr(call.func, "id", "") == "Message" else None
            if not path.startswith(ENGLISH_ONLY) and isinstance(template, ast.Constant):
                yield str(template.value)


def _in_schemas() -> Iterator[str]:
    """Yield what the schemas call their values (`$comment`), and the descriptions of the keys that must be there."""
    for name in ("policy", "policy-test", "tenants"):
        text = (ROOT / "auditor" / "schemas" / f"{name}.v1.json").read_text(encoding="utf-8")
        yield from _described(json.loads(text))


def _described(schema: object) -> Iterator[str]:
    if isinstance(schema, list):
        for item in schema:
            yield from _described(item)
    if not isinstance(schema, dict):
        return
    properties = schema.get("properties", {})
    noun = schema.get("$comment")
    if isinstance(noun, str):
        yield noun
        if {"id", "name"} & set(properties):
            yield f"{noun.partition(' ')[2]} {{name}}"
    thens = [branch["then"] for branch in schema.get("allOf", ()) if "then" in branch]
    for key in dict.fromkeys(key for branch in (schema, *thens) for key in branch.get("required", ())):
        about = properties.get(key)
        if isinstance(about, dict) and "description" in about:
            yield about["description"]
    for value in schema.values():
        yield from _described(value)


def _calls(node: ast.AST) -> Iterator[ast.Call]:
    """Yield calls in the order of the syntax, not of positions: those inside of f-strings vary with the Python."""
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _calls(child)


def _in_templates() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    methods = [("**.jinja", "jinja2.ext:babel_extract")]
    options = {"**.jinja": {"trimmed": "true", "silent": "false"}}
    found = extract_from_dir(ROOT / TEMPLATES, method_map=methods, options_map=options)
    for index, _, message, _, _ in sorted(found, key=lambda item: (item[0], item[1])):
        yield f"{TEMPLATES}/{index}", message


def _in_help() -> Iterator[tuple[str, str]]:
    """Yield the help of the program and of each command: what is put together of parts is whole there."""
    for text in (*main_parser().texts(), *(text for name in COMMANDS for text in command_parser(name)[1].texts())):
        yield "auditor/cli", text


def _in_the_free_list() -> Iterator[tuple[str, str]]:
    """Yield why products cost nothing: `auditor products --free` tells it."""
    for product in free_products():
        yield "auditor/catalogue/free.json", product.reason


SOURCES = {"guidance": guidance, "auditor": auditor, "policies": policies, "errors": errors}


def text(messages: Catalog, language: str = "") -> str:
    """Return a catalogue as a .po file."""
    out = BytesIO()
    write_po(out, messages, width=0, omit_header=True, sort_output=False)
    return header(language) + out.getvalue().decode().strip() + "\n"


def template(domain: str) -> Path:
    return LOCALES / f"{domain}.pot"


def catalogue(language: str, domain: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{domain}.po"


def merged(domain: str, messages: Catalog, language: str) -> str:
    """Return a language's catalogue with exactly the messages of the template."""
    path = catalogue(language, domain)
    forms = 2 if "nplurals=2" in header(language) else get_plural(language).num_plurals
    known = _read(path, language) if path.is_file() else {}
    made = Catalog(locale=None if language in PLURALS else language, fuzzy=False)
    for message in _messages(messages):
        old = known.get((message.context, message.id))
        empty = ("",) * forms if isinstance(message.id, (list, tuple)) else ""
        made.add(
            message.id,
            string=old.string if old is not None else empty,
            locations=message.locations,
            auto_comments=message.auto_comments,
            context=message.context,
        )
    return text(made, language)


def _read(path: Path, language: str) -> dict[object, Message]:
    with path.open("rb") as file:
        return {
            (message.context, message.id): message
            for message in _messages(read_po(file, locale=None if language in PLURALS else language))
        }


def _messages(of: Iterable[Message]) -> Iterator[Message]:
    return (message for message in of if message.id)


def main(languages: list[str]) -> None:
    """Write the templates, and bring the catalogues of languages up to them; a word that is no language writes nothing."""
    for language in languages:
        Locale.parse(language)
    LOCALES.mkdir(exist_ok=True)
    for domain, made in SOURCES.items():
        messages = made()
        template(domain).write_text(text(messages), encoding="utf-8")
        for language in languages:
            catalogue(language, domain).parent.mkdir(parents=True, exist_ok=True)
            catalogue(language, domain).write_text(merged(domain, messages, language), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
