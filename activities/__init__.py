"""The Temporal face of each port: one file, one class a port."""
