"""Mark English texts for the message extractor."""


def N_(message: str) -> str:  # noqa: N802 - the name that message extractors look for
    """Return the text unchanged: the extractor finds it here, and the catalogue translates it where it is written."""
    return message


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802 - the name that message extractors look for
    """Return both forms of a text that names a number, as `N_` does one text."""
    return singular, plural


def capitalized(text: str, language: str) -> str:
    """Return a text with a capital first letter; Turkish has its own capital of i."""
    return ("İ" if language.startswith("tr") and text[:1] == "i" else text[:1].upper()) + text[1:]
