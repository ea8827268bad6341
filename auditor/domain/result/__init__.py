"""Defines what an audit yields: findings, outcomes, seats, notices, the run."""
