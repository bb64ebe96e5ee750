"""Stories: what one event, one key or one correlation id leads to, through all contexts.

`told` reads the events from our logs, and `fate` what became of them here; `parts` asks all
deployments for the same, `tree` puts it in order, and `text` writes it for terminals.
"""
