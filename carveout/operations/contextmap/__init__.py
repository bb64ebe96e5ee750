"""The context map: events and their subscribers, lookups and their readers, run-time numbers.

`context_map` builds it from the contracts. `observed` reads what runs from Redis and, with
`stored`, from the databases. `drift` and `lookup_cycles` report what does not fit, `downstream`
follows an event. `formats`, `asyncapi` and `eventcatalog` write the map; `picture` and `tables`
are for its page.
"""
