"""Deterministic orchestration: the life of an order, its fulfilments and its returns."""
