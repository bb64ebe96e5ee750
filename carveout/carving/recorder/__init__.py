"""The recorder: finds couplings that only show at run time. Internal."""

RECORDING = "carveout-record.json"
"""Default file of a recording, in the folder in which the tests were started."""
