"""How a change is named in an address: /changes/CR-000123/."""

from .models import parse_reference


class ReferenceConverter:
    """Turns ``CR-000123`` into a primary key and back; there is one spelling per change."""

    regex = r"CR-[0-9]{6,18}"

    def to_python(self, value: str) -> int:
        """Return the primary key. Raises ValueError for a spelling nobody is given."""
        number = parse_reference(value)
        if number is None or self.to_url(number) != value:
            raise ValueError(value)
        return number

    def to_url(self, value: int) -> str:
        """Return the reference of a primary key."""
        return f"CR-{int(value):06d}"
