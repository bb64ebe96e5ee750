"""The context that hears of entries and writes down each time that it did."""
