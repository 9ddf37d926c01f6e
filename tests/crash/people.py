"""Who orders in the crash runs: a person for each order, with words that occur nowhere else."""

from dataclasses import dataclass

# Long, so that no random id holds one by chance; some that JSON and addresses write otherwise.
FIRST_NAMES = (
    "Wilhelmine",
    "Bartholomäus",
    "Clementine",
    "Friederike",
    "Sigismund",
    "Ægidius-Marie",
)
LAST_NAMES = ("Featherstone", "Krötenhuber", "Winterbottom", "Übelacker", "Quastenflosser")
STREETS = ("Winterfeldtstraße", "Mommsenstraße", "Schönhauser Allee", "Knesebeckstraße")
GREETINGS = ("leave it with the neighbour", "ring twice, the dog is deaf", "behind the lilac hedge")


@dataclass(frozen=True)
class Person:
    """The `number` makes each value this person's own."""

    number: int

    @property
    def first_name(self) -> str:
        return FIRST_NAMES[self.number % len(FIRST_NAMES)]

    @property
    def last_name(self) -> str:
        return LAST_NAMES[self.number % len(LAST_NAMES)]

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}"

    @property
    def street(self) -> str:
        return f"{STREETS[self.number % len(STREETS)]} {self.number}"

    @property
    def phone(self) -> str:
        """As it is typed; `personal_values` has what becomes of it."""
        return f"(030) 55{self.number // 1000:02d} {self.number % 1000:03d}"

    @property
    def email(self) -> str:
        return f"reader.{self.number}@Quastenflosser-Verlag.example"

    @property
    def note(self) -> str:
        return f"{GREETINGS[self.number % len(GREETINGS)]}, says {self.number}"


def personal_values(person: Person) -> list[str]:
    """Everything that must not leave our own tables, as it was sent and as we normalise it."""
    digits = "".join(filter(str.isdigit, person.phone))
    abroad = f"49{digits.removeprefix('0')}"
    return [
        person.name,
        person.first_name,
        person.last_name,
        person.street,
        person.street.removesuffix(f" {person.number}"),
        person.phone,
        digits,
        abroad,
        f"+{abroad}",
        person.email,
        person.note,
        GREETINGS[person.number % len(GREETINGS)],
    ]
