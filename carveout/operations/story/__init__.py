"""Stories: what one event, one key or one correlation id leads to, through all contexts.

`events` reads the events from our logs, and `outcomes` what became of them here. `deployments` asks
all deployments for the same, `tree` puts it in order, `text` writes it for terminals, and
`waterfall` draws it for pages. `listing` finds stories that nobody asked for by name.
"""
