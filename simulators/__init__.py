"""Stand-ins that speak the real wire formats of the outside systems, with faults on demand."""
