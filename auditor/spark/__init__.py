"""Evaluates snapshots on an Apache Spark cluster with the same engine.

`pip install 'm365-license-auditor[spark]'` installs PySpark; Java 17 or newer and, on every worker, the same version of
this package are required. PySpark is imported when a session is opened.
"""
