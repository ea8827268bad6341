"""Mark English texts for the message extractor."""


def N_(message: str) -> str:  # noqa: N802 - the name that message extractors look for
    """Return the text unchanged: the extractor finds it here, and the catalogue translates it where it is written."""
    return message
