"""Groups findings into the actions that a person takes."""
