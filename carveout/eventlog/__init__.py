"""The event log: publishing, sequencing, the relay, reading and pruning."""
