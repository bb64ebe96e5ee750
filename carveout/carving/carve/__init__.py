"""Rewrites the calls of a function to seams, and writes the event path beside it.

Read in this order: `carving`, `call_sites`, `seam_rewrite`, `reads`, `template_reads`, `skeletons`.
`finishing` removes seams later.
"""
