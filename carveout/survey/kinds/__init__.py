"""The kinds of couplings: each module finds one, out of facts or of what Django has loaded."""
