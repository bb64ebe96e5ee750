"""The recorder: couplings that only running shows. Internal."""
