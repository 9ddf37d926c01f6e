"""What the deeds on stock are drawn from: a small world, so that they meet."""

from hypothesis import strategies as st

ITEMS = st.sampled_from(["cup", "pot"])
PLACES = st.sampled_from(["berlin", "lyon"])
RANKED = st.sampled_from([("berlin", "lyon"), ("lyon", "berlin"), ("berlin",), ("lyon",)])
LINES = st.dictionaries(st.sampled_from(["cup", "pot", "set"]), st.integers(1, 2), min_size=1)
DRAWN = st.integers(0, 11)
"""Which of the orders or documents that there are: whoever draws says how."""
