"""Shopify: orders come in by webhook, what we do to them goes out by the GraphQL Admin API."""
