"""The folders of the user, also of one without a home folder."""

from pathlib import Path

import pytest

from auditor.files.user_folder import home_folder, user_folder
from tests.builders.service.failures import without_home


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"XDG_STATE_HOME": "/x", "HOME": "/h"}, Path("/x")),
        ({"XDG_STATE_HOME": "relative", "HOME": "/h"}, Path("/h/.local/state")),
        ({"HOME": "/h"}, Path("/h/.local/state")),
        ({"HOME": "relative"}, None),
    ],
)
def test_folder_is_that_of_the_variable_or_below_the_home_folder(
    environ: dict[str, str], expected: Path | None
) -> None:
    assert user_folder(environ, "XDG_STATE_HOME", ".local", "state") == expected


def test_user_without_a_home_folder_has_no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    without_home(monkeypatch)
    assert home_folder({}) is None
    assert user_folder({}, "XDG_STATE_HOME", ".local", "state") is None
    assert user_folder({"XDG_STATE_HOME": "/x"}, "XDG_STATE_HOME", ".local", "state") == Path("/x")
