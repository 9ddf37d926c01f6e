"""The pure core: orders, stock, parcels, returns and money, and the ports to the outside."""
