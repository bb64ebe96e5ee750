"""The survey: every coupling between the apps of a monolith, by kind, with file and line.

`reading` turns one file into `facts`, which the `cache` keeps; `project` tells whose each file is,
`sources`, `models` and `rows` what is known of all of them together. `kinds` finds the couplings,
`dangers` what makes carving go wrong, `survey` runs them all; `report` shows what was `found`.
"""
