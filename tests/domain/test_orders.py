"""What of an order Temporal may see, whatever its channel wrote."""

import pytest

from domain.orders import Destination


@pytest.mark.parametrize(
    ("country", "postal_code", "seen"),
    [
        ("DE", "10117", ("DE", "10117")),
        ("", "", ("", "")),
        ("GERMANY", "10117", ("", "10117")),
        ("Erika, 2nd floor", "ring where it says Erika", ("", "")),
        ("\u0416\u0416", "1" * 21, ("", "")),
    ],
)
def test_a_destination_is_codes_or_nothing(
    country: str, postal_code: str, seen: tuple[str, str]
) -> None:
    where = Destination(country=country, postal_code=postal_code)
    assert (where.country, where.postal_code) == seen
