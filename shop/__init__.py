"""The project package, and what is left of the monolith."""
