"""Tests of the evaluator on Apache Spark: in one process, and on a cluster that the tests start."""
