"""The survey: every coupling between the apps of a monolith, by kind, with file and line.

`facts` is what one file says, `project` whose each file is. Each kind of coupling has a module
of its own that turns facts, or what Django has loaded, into couplings. `survey` runs them all.
"""
