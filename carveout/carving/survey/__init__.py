"""Finds every coupling between the apps of a monolith, by kind, with file and line.

`parser` turns one file into `facts`, which `cache` stores. `project` knows which app owns each
file; `sources`, `model_index` and `model_inference` hold what is known of all files together.
`kinds` finds the couplings and `dangers` the dangers; `run` runs them all; `report` shows the
`result`.
"""
