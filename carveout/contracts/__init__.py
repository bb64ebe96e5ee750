"""Contracts: the events and lookups that contexts publish, offer and need.

`declared` builds a contract from the code, `files` stores it. It includes needs, so that a
deployment of one context knows what the others depend on: `needs` finds unmet needs,
`event_changes` and `compatibility` what a change would break. `deployed` announces the contracts
of running deployments through Redis. `system_check` checks what is declared here at startup.
"""
