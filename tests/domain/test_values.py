"""Values say what is wrong with them, and never quote it."""

import pytest
from pydantic import ValidationError

from domain.addresses import Address
from domain.orders import Order
from domain.verbs import Hold


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Order, {"email": ["erika@example.org"], "address": {"lines": "Musterstr. 1"}}),
        (Hold, {"reason": "call erika@example.org, Musterstr. 1"}),
        (Address, {"lines": "Musterstr. 1", "name": ["erika@example.org"]}),
    ],
)
def test_an_error_names_the_field_and_not_its_value(model, said):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(said)
    assert next(iter(said)) in str(caught.value)
    assert "erika" not in str(caught.value)
    assert "Musterstr" not in str(caught.value)
