"""The map: who announces what to whom, who looks up which fields of what, and what is seen of it.

`mapped` draws it out of contracts; `observed` looks at what runs, out of Redis and what is
`stored`. `contrast` and `cycle` remark on what does not fit, `downstream` follows an event.
`drawing`, `asyncapi` and `catalog` write the map down, `picture` and `legend` are for its page.
"""
