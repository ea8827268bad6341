"""Tests of delivery: routing, mail and webhooks through real servers, and protection against duplicates."""
