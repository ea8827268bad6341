"""What every test starts from, whoever started the tests."""

import signal


def pytest_configure() -> None:
    """Let programs that tests start be interrupted, though a shell that runs in the background ignores interrupts."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
