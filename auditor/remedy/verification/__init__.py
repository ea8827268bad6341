"""Compares the state of a tenant with what a plan expects: expectations of requests, observations, verdicts."""
