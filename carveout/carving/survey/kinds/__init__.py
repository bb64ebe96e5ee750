"""Finds couplings: one kind in each module, from facts or from what Django has loaded."""
