"""Turns a cluster into more processors for the evaluator: the same rules, judged where Apache Spark runs them.

`pip install 'm365-license-auditor[spark]'` brings PySpark; a Java 17 or newer and, on every worker, the same version of
this package have to be there. Nothing is imported from PySpark before a session is asked for.
"""
