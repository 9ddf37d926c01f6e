"""A warning of the SDK's that would end its worker is no error here; every other is."""

import warnings

import pytest


def test_a_cancellation_that_crosses_an_activitys_end_ends_no_worker() -> None:
    said = "Cannot find activity to cancel for token b'1'"
    where = {"filename": "_activity.py", "lineno": 1}
    with warnings.catch_warnings(record=True):
        warnings.warn_explicit(said, UserWarning, **where, module="temporalio.worker._activity")
    for message, module in ((said, "ours"), ("another", "temporalio.worker._activity")):
        with pytest.raises(UserWarning):
            warnings.warn_explicit(message, UserWarning, **where, module=module)
