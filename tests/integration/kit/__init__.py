"""The kit against real servers, with two small contexts: `tickets` publishes, `desk` hears."""
