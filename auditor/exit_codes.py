"""The exit codes of a run that ends without a result; the entry point imports them before anything else."""

BUG = 70
"""A bug in the program: EX_SOFTWARE in sysexits.h."""
INTERRUPTED = 130
"""SIGINT: 128 and the number of the signal."""
TERMINATED = 143
"""SIGTERM: 128 and the number of the signal."""
