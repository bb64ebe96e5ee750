"""The model of the protocol in `docs/explanation/model/`, and what Spin says of it."""
