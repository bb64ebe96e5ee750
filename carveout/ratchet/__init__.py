"""The ratchet: today's couplings are listed in a file, and only fewer of them are let pass.

`entry` is one line of that file, `baseline` the file, `symbols` what the code has by name.
`renames` tells a coupling that moved from one that is new, `verdict` compares code and file,
`owners` and `remark` say whose a new one is and how it is mended.
"""
