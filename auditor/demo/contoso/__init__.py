"""Builds Contoso Retail, the large tenant of the demo."""
