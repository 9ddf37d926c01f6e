"""The whole system on one machine without Docker: PostgreSQL, Temporal and our processes."""
