"""Questions: each module measures the keys that it is asked for."""
