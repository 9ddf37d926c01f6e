"""A shop: the part of Shopify's GraphQL Admin API and webhooks that an order system uses."""
