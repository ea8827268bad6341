"""Tests that `--help` and errors of arguments are completely in the reader's language."""

import re
from pathlib import Path

import pytest

from auditor.cli.arguments.parser import requested_locale, sentence
from auditor.cli.main import COMMANDS, command_parser, main_parser
from auditor.localization import localization
from tests.builders.service.command_line import call
from tests.localization.catalogue_messages import LANGUAGES
from tests.localization.rules import ENGLISH, NAMES

INVALID_ARGUMENTS = [
    ("init", "--size", "huge"),
    ("init", "--name", "A B"),
    ("audit", "--as-of", "yesterday"),
    ("audit", "--shard", "5/4"),
    ("audit", "--tenants"),
    ("send",),
    ("plan", "--xyzzy"),
    ("history", "x", "--policy", "a", "--person", "b"),
    ("products", "--date", "soon"),
    ("audit", "--fail", "high", "--n"),
    ("audit", "--demo=yes"),
]
ONE_WORD = {"mail", "options", "update"}


def single_line(text: str) -> str:
    return " ".join(text.split())


def help_text(*arguments: str, cwd: Path, locale: str) -> str:
    completed = call(*arguments, "--help", cwd=cwd, LANG=f"{locale}.UTF-8", COLUMNS="400")
    assert (completed.code, completed.err) == (0, "")
    return completed.text


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_help_is_in_english(language: str, tmp_path: Path) -> None:
    for command in ("", *COMMANDS):
        arguments = (command,) if command else ()
        parser = command_parser(command)[1] if command else main_parser()
        english, translated = (help_text(*arguments, cwd=tmp_path, locale=locale) for locale in ("en", language))
        texts = [text for text in parser.texts() if text not in ONE_WORD]
        assert all(
            single_line(text) in single_line(english) or sentence(text) in single_line(english) for text in texts
        )
        assert [text for text in texts if len(text) > 12 and single_line(text) in single_line(translated)] == []
        prose = re.sub(r"\S*[/\[\]{}|`]\S*|--?[\w-]+|auditor .*?  |[A-Z_]{3,}", "", translated)
        assert not ENGLISH.search(NAMES.sub("", prose.replace("result.json", ""))), translated
        options = re.compile(r"--[a-z][\w-]*|[A-Z][A-Z_]+")
        assert set(options.findall(english)) <= set(options.findall(translated)) | {"The", "CSV", "HTML", "JSON"}
        assert translated.startswith(localization(language).gettext("usage:"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_usage_is_aligned_below_its_first_option(language: str, tmp_path: Path) -> None:
    completed = call("waive", "--help", cwd=tmp_path, LANG=f"{language}.UTF-8", COLUMNS="80")
    first, second, *_ = completed.text.splitlines()
    assert second.index("[") == first.index("[")


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("arguments", INVALID_ARGUMENTS, ids=" ".join)
def test_error_of_an_argument_is_completely_translated(
    arguments: tuple[str, ...], language: str, tmp_path: Path
) -> None:
    english, translated = (call(*arguments, "--locale", locale, cwd=tmp_path) for locale in ("en", language))
    if arguments == ("audit", "--tenants"):
        english, translated = (call(*arguments, cwd=tmp_path, LANG=locale) for locale in ("en", language))
    assert english.code == translated.code == 2
    (line, *_, more) = translated.err.splitlines()
    prose = re.sub(r"'[^']*'|\(.*?\)", "", line)
    assert english.err.splitlines()[0].partition(": error: ")[1]
    assert f": {localization(language).gettext('error')}: " in prose
    assert not ENGLISH.search(NAMES.sub("", re.sub(r"--[\w-]+|I/N.*", "", prose))), prose
    assert more != english.err.splitlines()[-1]
    for piece in ("argument --", "expected", "invalid", "required", "not allowed", "could match", "ignored"):
        assert language in {"da", "sv", "nl"} or piece not in prose


def test_unknown_message_of_argparse_is_printed_in_english(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "nl_NL.UTF-8")
    parser = command_parser("schema")[1]
    with pytest.raises(SystemExit):
        parser.error("the moon is in the wrong house")
    errors = capsys.readouterr().err
    assert errors == (
        "auditor schema: error: the moon is in the wrong house\n\nFor more information, try 'auditor schema --help'.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "locale"),
    [
        (["--locale", "nl"], "nl"),
        (["-q", "--locale=tr", "x"], "tr"),
        (["--locale"], None),
        ([], None),
    ],
)
def test_requested_locale_is_read_before_arguments_are_parsed(arguments: list[str], locale: str | None) -> None:
    assert requested_locale(arguments) == locale


def test_sentence_starts_with_the_capital_of_its_language() -> None:
    assert sentence("ilkeler", "tr") == "İlkeler."
    assert sentence("ilkeler", "nl") == "Ilkeler."
    assert sentence("Done.", "tr") == "Done."
    assert sentence("") == ""
