"""Warehouses that speak the protocol of docs/warehouse-protocol.md."""
