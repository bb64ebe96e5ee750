def refresh_prices():
    """Run by name."""
