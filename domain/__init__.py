"""The pure core: what orders, stock, parcels, returns and money are, and the ports to the outside."""
