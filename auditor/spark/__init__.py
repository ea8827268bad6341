"""Evaluates snapshots on an Apache Spark cluster with the same rules.

`pip install 'm365-license-auditor[spark]'` brings PySpark; a Java 17 or newer and, on every worker, the same version of
this package have to be there. Nothing is imported from PySpark before a session is asked for.
"""
