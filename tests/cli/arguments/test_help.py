"""Help of options: each command describes what its options do."""

import argparse

import pytest

from auditor.cli.arguments.options import declare
from auditor.cli.main import command_parser


def test_help_of_an_option_that_is_not_declared_is_an_error() -> None:
    with pytest.raises(ValueError, match="verbose"):
        declare(argparse.ArgumentParser(), "quiet", verbose="log each step")


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("issues", "print the texts of the issues too; a bug shows its traceback"),
        ("send", "log each step; a bug shows its traceback"),
        ("verify", "log each step; a bug shows its traceback"),
    ],
)
def test_help_describes_what_verbose_prints(command: str, text: str) -> None:
    assert text in command_parser(command)[1].format_help().replace("\n                        ", " ")


@pytest.mark.parametrize("command", ["audit", "collect", "doctor", "explain", "plan", "preview", "validate", "verify"])
def test_help_names_the_policies_that_are_used_without_a_folder(command: str) -> None:
    assert "(default: policies/, else the starter library)" in " ".join(
        command_parser(command)[1].format_help().split()
    )
