"""What the forms of a board say about what is missing or too much."""

from crb.forms import DeferForm, VoteForm
from crb.forms.calendar import TimeForm


def test_forms_say_what_to_do() -> None:
    assert DeferForm({"reason": ""}).errors["reason"] == ["Fill this in."]
    vote = VoteForm({"choice": ""}, consequences={})
    assert vote.errors["choice"] == ["Choose one."]
    long = VoteForm({"choice": "abstain", "elsewhere": "x" * 3000}, consequences={})
    assert long.errors["elsewhere"][0].startswith("This is too long: ")
    assert long.errors["elsewhere"][0].endswith(" and there are 3000.")


def test_numbers_out_of_bounds_say_the_bound() -> None:
    field = TimeForm.base_fields["length_minutes"]
    for number, words in (
        (field.min_value - 1, f"Give a number of at least {field.min_value}."),
        (field.max_value + 1, f"Give a number of at most {field.max_value}."),
    ):
        assert TimeForm({"length_minutes": number}, zone="UTC").errors["length_minutes"] == [words]
