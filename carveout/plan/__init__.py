"""The plan: what carving each context costs, in which order, and the cut for each coupling.

`ways` is the table of what each kind of coupling takes, `cut` says it of one. `cost` adds it up
by context, `order` ranks them. `suggestion` proposes contexts where none are declared, and
`measures` compares groupings. `surety` says how far all this can be trusted.
"""
