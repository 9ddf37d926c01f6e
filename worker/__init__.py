"""`python -m worker`: runs workflows and activities until it is told to stop."""
