"""Comments and notes, files, and links to other changes."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from expansive_cm.ui.fields import Line, combobox
from expansive_cm.ui.forms import MarkdownTextarea

from .. import queries
from ..models import Change, ChangeLink, Comment, parse_reference
from ..permissions.rules import can_see_internal
from .base import LongText
from .fields import AttachmentsField, say_limits

INTERNAL, PUBLIC = "internal", "public"


class AudienceForm(forms.Form):
    """A form whose content is either for the customer too, or for Expansive's own people.

    Expansive's people start with the internal choice every time: what was kept inside can be
    said again in public, but a mail to the customer cannot be taken back. Customers have no
    choice to make.
    """

    use_required_attribute = False

    audience = forms.ChoiceField(
        label=gettext_lazy("Who may read this?"),
        choices=[(INTERNAL, ""), (PUBLIC, "")],
        required=False,
        initial=INTERNAL,
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.has_choice = can_see_internal(user)
        kwargs.setdefault("auto_id", f"id_{type(self).__name__.lower()}_%s")
        super().__init__(*args, **kwargs)

    @property
    def is_public(self) -> bool:
        """Which choice the page shows."""
        return not self.has_choice or self["audience"].value() == PUBLIC

    def clean(self) -> dict[str, Any]:
        """Settle ``internal``: whoever has the choice and made none stays inside."""
        data = self.cleaned_data
        chosen = data.get("audience") or (INTERNAL if self.has_choice else PUBLIC)
        data["internal"] = chosen == INTERNAL
        return data


class CommentForm(AudienceForm):
    """A public comment or an internal note."""

    body = LongText(
        label=gettext_lazy("Comment"),
        max_length=Comment._meta.get_field("body").max_length,
        widget=MarkdownTextarea(
            attrs={
                "rows": 4,
                "placeholder": gettext_lazy("@ and a name tells somebody of it."),
            }
        ),
        error_messages={"required": gettext_lazy("Write something first.")},
    )


class CorrectCommentForm(forms.Form):
    """The words of a comment, to be put right; who may read it stays as it was."""

    use_required_attribute = False

    body = LongText(
        label=gettext_lazy("Comment"),
        max_length=Comment._meta.get_field("body").max_length,
        widget=MarkdownTextarea(attrs={"rows": 6}),
        error_messages={"required": gettext_lazy("Write something first.")},
    )


class AttachForm(AudienceForm):
    """Files for a change."""

    files: Any = AttachmentsField(
        label=gettext_lazy("Files"),
        required=True,
        error_messages={"required": gettext_lazy("Choose a file first.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        say_limits(self, "files")


class LinkForm(forms.Form):
    """A link from this change to another one that the person sees."""

    use_required_attribute = False

    kind = forms.ChoiceField(label=gettext_lazy("This change is"), choices=ChangeLink.Kind.choices)
    target = Line(
        label=gettext_lazy("Other change"),
        max_length=300,
        help_text=gettext_lazy("A reference such as CR-000123, or words of its title."),
        error_messages={"required": gettext_lazy("Say which change.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **{"auto_id": "id_link_%s", **kwargs})
        combobox(
            self.fields["target"],
            reverse("changes:find_change"),
            "link-target-list",
            **{"hx-include": "#link-besides"},
        )

    def clean_target(self) -> Change:
        """Return the change that the text begins with the reference of."""
        text = self.cleaned_data["target"]
        number = parse_reference(text.split(maxsplit=1)[0])
        found = queries.visible_to(self.user).filter(pk=number).first() if number else None
        if found is None:
            raise ValidationError(_("There is no such change. Choose one from the list."))
        return found
