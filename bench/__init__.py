"""What an order costs: `make bench` brings a stack up, trades on it, and says so."""
