"""A carrier: EasyPost's shipments, labels, trackers and signed events."""
