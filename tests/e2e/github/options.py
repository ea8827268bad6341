"""Parses a command line of `gh` into options with values and positional words."""

_FLAGS = frozenset({"--paginate", "--silent"})


class Options:
    """The `--name value` pairs of a command line, and its other words; flags without a value are ignored."""

    def __init__(self, arguments: list[str]) -> None:
        self.words: list[str] = []
        self._values: dict[str, str] = {}
        rest = iter(arguments)
        for word in rest:
            if not word.startswith("-"):
                self.words.append(word)
            elif word not in _FLAGS:
                self._values[word] = next(rest)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def get(self, name: str) -> str | None:
        return self._values.get(name)
