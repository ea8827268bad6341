"""Explains checks, articles, keys, policies, products and findings (`auditor explain`)."""
