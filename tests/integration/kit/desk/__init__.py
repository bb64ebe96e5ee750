"""The context that hears of tickets. Tests declare its subscriptions themselves."""
