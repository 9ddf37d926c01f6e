"""The words by which support finds an order: what is searched for is brought to the same form."""

import unicodedata

from domain.addresses import Address
from domain.orders import Order
from storage.documents import storable


def words_of_order(order: Order) -> str:
    words = [
        order.order_id,
        order.number,
        order.email,
        order.phone,
        digits(order.phone),
        *_of_address(order.address),
        *dict.fromkeys(line.sku for line in order.lines),
    ]
    return _joined(words)


def words_of_address(address: Address) -> str:
    return _joined(_of_address(address))


def searchable(said: str) -> str:
    """The form in which what is searched and what it is searched for are compared."""
    return storable(unicodedata.normalize("NFKC", said).casefold())


def digits(said: str) -> str:
    return "".join(character for character in said if character.isdecimal())


def _of_address(address: Address) -> list[str]:
    phone = address.phone or ""
    return [address.name, address.company or "", phone, digits(phone)]


def _joined(words: list[str]) -> str:
    return searchable(" ".join(word for word in words if word))
