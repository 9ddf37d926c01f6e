"""What a checkout added to and took off an order's prices, as the GraphQL API shows it."""

from typing import Any

from simulators.shopify.ledger import ShopOrder
