"""Parses arguments with argparse, with help and errors in the reader's language."""

import argparse
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, NoReturn

from auditor.cli.terminal.console import reader
from auditor.domain.message import Message, message_of
from auditor.domain.similar_name import similar_name
from auditor.domain.translation import capitalized

if TYPE_CHECKING:
    from auditor.localization import Localization

ARGPARSE_MESSAGES: Final = (
    Message("argument {name}: {reason}"),
    Message("expected one argument"),
    Message("expected at most one argument"),
    Message("expected at least one argument"),
    Message("invalid choice: {value} (choose from {choices})"),
    Message("invalid {kind} value: {value}"),
    Message("not allowed with argument {name}"),
    Message("ignored explicit argument {value}"),
    Message("the following arguments are required: {names}"),
    Message("unrecognized arguments: {values}"),
    Message("ambiguous option: {option} could match {matches}"),
)
"""Messages of `argparse` that have translations; messages of other Python versions are printed in English."""
_LINE: Final = re.compile(r"( *(?:auditor .*?|[a-z]+|\d+) {2,}| *)(\S.*)")
"""A line of examples or exit codes: literal text, and its explanation."""
_UNKNOWN_OPTIONS: Final = "unrecognized arguments: "
_OPTION: Final = re.compile(r"(?:^| )(--[\w-]+)")
_SYNONYMS: Final = {
    "lint": "validate", "check": "validate", "scan": "audit", "diff": "preview", "expires": "until", "json": "format",
}  # fmt: skip
"""Names of commands and options in other tools, and of keys in files → the command or option here, without `--`.

`lint` is otherwise most similar to `init`; `expires` is the key of a waiver.
"""
_INVALID_CHOICE: Final = re.compile(r"(?:invalid choice: |: )'([^']*)' (?:\(choose from|is not one of) (.*?)\)?$")
_NAME: Final = re.compile(r"[\w.-]+")


class _Operand(str):
    """An argument after `--`, which is never an option."""

    __slots__ = ()


class ParserExit(SystemExit):
    """Raised after printing help, the version or a usage error."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose help and errors are in the language of --locale, else of the environment."""

    def __init__(self, arguments: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._locale = requested_locale(arguments)
        self._translated = False

    def format_help(self) -> str:
        """Return the help in the reader's language."""
        l10n = reader(self._locale)
        if l10n is None:
            self.description = sentence(self.description or "")
        elif not self._translated:
            self._translate(l10n)
        original, width = self.epilog, shutil.get_terminal_size().columns
        formatter = self.formatter_class
        if isinstance(formatter, type) and issubclass(formatter, argparse.RawDescriptionHelpFormatter):
            # this formatter does not wrap lines
            self.description = textwrap.fill(self.description or "", width)
            self.epilog = "\n".join(wrapped(line, width) for line in (original or "").splitlines())
        try:
            return super().format_help()
        finally:
            self.epilog = original

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit with a status, and a message on stderr."""
        if message:
            self._print_message(message, sys.stderr)
        raise ParserExit(status)

    def has(self, option: str) -> bool:
        """Return whether an option is declared."""
        return option in self._option_string_actions

    def arguments(self) -> list[argparse.Action]:
        """Return the options and positional arguments that the help shows."""
        return [action for action in self._actions if action.help != argparse.SUPPRESS]

    def without_separator(self, arguments: Sequence[str]) -> list[str]:
        """Return the arguments without the `--` that ends options; arguments after it are not parsed as options.

        `parse_intermixed_args` looks for options twice, and ignores `--` the second time.
        """
        items = list(arguments)
        end = items.index("--") if "--" in items else len(items)
        return [*items[:end], *map(_Operand, items[end + 1 :])]

    def reject_unknown_options(self, arguments: Sequence[str]) -> None:
        """Exit with an error if an option is not declared: argparse reports a missing required option instead."""
        unknown = [
            item
            for item in arguments
            if item.startswith("--")
            and not isinstance(item, _Operand)
            and " " not in item
            and not any(option.startswith(item.partition("=")[0]) for option in self._option_string_actions)
        ]
        if unknown:
            self._exit_with(f"unrecognized arguments: {' '.join(unknown)}")

    def _parse_optional(self, arg_string: str) -> Any:
        return None if isinstance(arg_string, _Operand) else super()._parse_optional(arg_string)

    def error(self, message: str) -> NoReturn:
        """Print the error and where the options are listed, and exit with 2."""
        self._exit_with(message)

    def _exit_with(self, message: str) -> NoReturn:
        l10n = reader(self._locale)
        hints: Sequence[Message] = self._suggestions(message)
        structured = _as_message(message)
        details = Message("For more information, try '{command}'.", command=f"{self.prog} --help")
        error, label, more = "error", "help", str(details)
        # A message of argparse without a translation is printed in English, and so is its hint.
        if l10n is not None and (structured.arguments or l10n.gettext(message) != message):
            error, label, message = l10n.gettext("error"), l10n.gettext("help"), l10n.translate(structured)
            more = l10n.translate(details)
            hints = [Message(l10n.translate(hint)) for hint in hints]
        lines = "".join(f"   = {label}: {hint}\n" for hint in hints)
        self.exit(2, f"{self.prog}: {error}: {message}\n{lines}\n{more}\n")

    def _suggestions(self, message: str) -> list[Message]:
        """Return a hint for each unknown option, or for the unknown choice, if something similar is known."""
        if message.startswith(_UNKNOWN_OPTIONS):
            # The dashes are not compared: with them, `--json` is similar to `--send`.
            options = [option[2:] for option in self._option_string_actions if option.startswith("--")]
            words = dict.fromkeys(_OPTION.findall(message.removeprefix(_UNKNOWN_OPTIONS)))
            close = {word: f"--{name}" for word in words if (name := _meant(word[2:], options)) is not None}
            if len(words) > 1:
                return [
                    Message("did you mean '{name}' instead of '{word}'?", name=name, word=word)
                    for word, name in close.items()
                ]
            return [Message("did you mean '{name}'?", name=name) for name in close.values()]
        choice = _INVALID_CHOICE.search(message)
        if choice is None:
            return []
        name = _meant(choice[1], _NAME.findall(choice[2]))
        return [] if name is None else [Message("did you mean '{name}'?", name=name)]

    def format_usage(self) -> str:
        """Return the usage, aligned below the word for `usage:` in the reader's language; the word itself is English.

        `parse_intermixed_args` saves it for the help, without its first seven characters.
        """
        l10n = reader(self._locale)
        if l10n is None:
            return super().format_usage()
        formatter = _formatter(l10n)(prog=self.prog)
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        return "usage: " + formatter.format_help().removeprefix(l10n.gettext("usage:") + " ")

    def _translate(self, l10n: "Localization") -> None:
        self._translated = True
        self.formatter_class = _formatter(l10n)
        self.description = sentence(l10n.gettext(self.description or ""), l10n.language)
        self.epilog = "\n".join(_translated_line(line, l10n) for line in (self.epilog or "").splitlines())
        for action in self._actions:
            if action.help not in {None, argparse.SUPPRESS}:
                action.help = l10n.gettext(action.help or "")
        for group in self._action_groups:
            group.title = l10n.gettext(group.title or "")

    def texts(self) -> list[str]:
        """Return all translatable texts of the help, in English."""
        lines = [match[2] for line in (self.epilog or "").splitlines() if (match := _LINE.fullmatch(line))]
        actions = self.arguments()
        texts = [action.help for action in actions]
        titles = [group.title for group in self._action_groups if set(group._group_actions) & set(actions)]  # noqa: SLF001
        texts = [self.description, *lines, *texts, *titles]
        return [text for text in texts if text and not text.startswith("auditor ")]


def _meant(word: str, names: Sequence[str]) -> str | None:
    """Return the name of which a word is a synonym, or to which it is similar; None if there is none."""
    synonym = _SYNONYMS.get(word)
    return synonym if synonym in names else similar_name(word, names)


def _as_message(text: str) -> Message:
    """Convert a formatted error of argparse to a translatable message.

    If a parser of this program rejected the value, its message is the context of the exception that argparse handles.
    """
    error = sys.exc_info()[1]
    if isinstance(error, argparse.ArgumentError) and isinstance(error.__context__, argparse.ArgumentTypeError):
        return Message("argument {name}: {reason}", name=error.argument_name, reason=message_of(error.__context__))
    return _parse_message(text)


def _parse_message(text: str) -> Message:
    for template in ARGPARSE_MESSAGES:
        pattern = re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(template))
        match = re.fullmatch(pattern, text, re.DOTALL)
        if match is not None:
            values = {
                name: _parse_message(value) if name == "reason" else value for name, value in match.groupdict().items()
            }
            return Message(template, **values)
    return Message(text)


def requested_locale(arguments: Sequence[str]) -> str | None:
    """Return the value of --locale without parsing the arguments."""
    for index, item in enumerate(arguments):
        if item.startswith("--locale="):
            return item.partition("=")[2]
        if item == "--locale" and index + 1 < len(arguments):
            return arguments[index + 1]
    return None


def wrapped(line: str, width: int) -> str:
    """Wrap a line of examples or exit codes to a width; the explanation of a long example goes on the next line."""
    match = _LINE.fullmatch(line)
    if len(line) <= width or match is None:
        return line
    code, explanation = match[1], match[2]
    if explanation.startswith("auditor "):  # an example without an explanation
        return _command(f"{code}{explanation}", width)
    if not code.lstrip().startswith("auditor "):
        return textwrap.fill(f"{code}{explanation}", width, subsequent_indent=" " * len(code), break_on_hyphens=False)
    explanation = textwrap.fill(explanation, width, initial_indent="    ", subsequent_indent="    ")
    return f"{_command(code.rstrip(), width)}\n{explanation}"


def _command(text: str, width: int) -> str:
    """Wrap a command with backslashes, so that a shell reads it as one command."""
    return " \\\n".join(textwrap.wrap(text, width - 2, subsequent_indent="    ", break_on_hyphens=False))


def sentence(text: str, language: str = "en") -> str:
    """Return a help text with a capital letter and a full stop."""
    return text if not text or text.endswith(".") else capitalized(text, language) + "."


def _translated_line(line: str, l10n: "Localization") -> str:
    match = _LINE.fullmatch(line)
    return line if match is None else match[1] + l10n.gettext(match[2])


def _formatter(l10n: "Localization") -> type[argparse.HelpFormatter]:
    """Return a help formatter that prints `usage:` in the given language."""

    class LocalizedFormatter(argparse.RawDescriptionHelpFormatter):
        def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
            super().add_usage(usage, actions, groups, l10n.gettext("usage:") + " " if prefix is None else prefix)

    return LocalizedFormatter
