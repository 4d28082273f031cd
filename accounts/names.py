"""By which name people and customers are sorted, as an index and every list have it."""

from django.db.models import F, Func, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Left, Upper

LONGEST = 60
"""So many letters of a name say where it stands; what is alike in all of them is told apart by
number, and the place in a list, which an address names, stays short."""


def person_key(of: str = "") -> Combinable:
    """Return what sorts people by the name that others see; ``of``: their relation, ``owner__``.

    Whoever has no name is seen by address (``User.__str__``). No two people have the same key.
    """
    name = Func(F(f"{of}display_name"), Value(""), function="NULLIF", output_field=TextField())
    seen = Func(name, F(f"{of}email"), function="COALESCE", output_field=TextField())
    return key_by(seen, of)


def customer_key(of: str = "") -> Combinable:
    """Return what sorts customers by name."""
    return key_by(F(f"{of}name"), of)


def key_by(text: Combinable, of: str = "") -> Combinable:
    """Return a key that begins with 1, so that what has none stands before or after all."""
    number = Cast(F(f"{of}id"), TextField())
    return Func(
        Left(Upper(text), LONGEST),
        number,
        arg_joiner=" || ' ' || ",
        template="('1' || %(expressions)s)",
        output_field=TextField(),
    )
