"""Contracts: what contexts announce, offer and need, declared, written down and compared.

`declared` makes a contract out of the code, `folder` keeps it in a file. The needs are in it too,
so that a deployment of one context knows what the others would miss: `needs` finds those that
nobody gives, `change` and `breach` what a change would break. `deployed` tells the contracts of
running deployments through Redis.
"""
