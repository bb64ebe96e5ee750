"""The ratchet: a file lists today's couplings, a check fails on new ones, and the list shrinks.

`entry` is one line of that file, `baseline` the file, `symbols` the names that the code defines.
`renames` distinguishes couplings that moved from new ones, `comparison` compares code and file,
`codeowners` and `new_coupling` show who owns a new coupling and how to fix it.
"""
