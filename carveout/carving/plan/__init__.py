"""Plans the carving: what each context costs, in which order, and the cut for each coupling.

`rules` has a rule for each kind of coupling, and `cut` applies it to one. `cost` adds the points
up by context, and `order` ranks the contexts. `suggestion` proposes contexts if none are declared,
and `measures` compares groupings. `confidence` rates how far all this can be trusted.
"""
