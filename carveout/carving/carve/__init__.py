"""Rewrites the calls of a function to seams, and writes the event path beside it.

Read in this order: `carving`, `subject`, `receivers`, `call_sites`, `seam_rewrite`, `arguments`,
`event_path`, `reads`, `template_reads`, `skeletons`. `finishing` removes seams later.
"""
