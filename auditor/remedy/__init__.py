"""Findings into what a person does about them: documented steps, requests to review, and a plan."""
