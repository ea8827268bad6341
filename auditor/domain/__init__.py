"""The audit's values: standard library only, frozen, without effects."""
