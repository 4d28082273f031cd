"""The upload of a file from another tool."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organisation
from expansive_cm.ui.forms import RadioCards, choice_field

from ..importing.mapping import MAX_MAP_BYTES, BadImport, ImportMap, bundled_maps, read_map
from ..importing.reading import MAX_BYTES, open_source
from ..importing.rows import find_parties
from ..models import ImportRun

OWN_MAP = ""


class ImportForm(forms.Form):
    """Checks what can be told at once: the map, the people it names and the file's header."""

    file = forms.FileField(
        label=gettext_lazy("CSV file"),
        max_length=255,
        allow_empty_file=True,
        help_text=gettext_lazy("UTF-8 or Windows-1252, with the names of the columns on top."),
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )
    map = forms.ChoiceField(
        label=gettext_lazy("Map"),
        required=False,
        help_text=gettext_lazy("Says what the file's columns mean."),
    )
    map_file = forms.FileField(
        label=gettext_lazy("A map of your own"),
        required=False,
        max_length=255,
        help_text=gettext_lazy("A TOML file."),
        widget=forms.FileInput(attrs={"accept": ".toml"}),
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.filter(is_active=True),
        label=gettext_lazy("Organisation"),
        required=False,
        empty_label=gettext_lazy("as the map says"),
    )
    requester = forms.EmailField(
        label=gettext_lazy("Requester"),
        required=False,
        help_text=gettext_lazy("For rows without one. Empty: as the map says."),
    )
    mode = forms.ChoiceField(
        label=gettext_lazy("Rows that are bad"),
        choices=ImportRun.Mode.choices,
        initial=ImportRun.Mode.CHECK,
        widget=RadioCards(
            icons={
                ImportRun.Mode.GOOD_ROWS: "file-import",
                ImportRun.Mode.STRICT: "lock",
                ImportRun.Mode.CHECK: "eye",
            },
            descriptions={
                ImportRun.Mode.GOOD_ROWS: gettext_lazy("Bad rows are listed and left out."),
                ImportRun.Mode.STRICT: gettext_lazy("One bad row and nothing is imported."),
                ImportRun.Mode.CHECK: gettext_lazy("Shows what an import would do."),
            },
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        maps = [(name, name) for name in bundled_maps()]
        choice_field(self, "map").choices = [(OWN_MAP, _("A map of your own")), *maps]
        self.order_fields(["file", "map", "map_file", "organisation", "requester", "mode"])

    def clean_file(self) -> UploadedFile:
        """Refuse what is too large; whether it is what the map describes is asked in clean."""
        file: UploadedFile = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(
                _("The file is too large: %d MB are allowed.") % (MAX_BYTES // 2**20)
            )
        return file

    def clean(self) -> dict[str, Any]:
        """Read the map, find its people and look at the file's header."""
        data = super().clean() or {}
        if self.errors:
            return data
        field = "map_file"
        try:
            data["map_name"], data["map_text"] = self._map()
            import_map = read_map(data["map_text"])
            field = "organisation"
            data["parties"] = self._parties(import_map)
            field = "file"
            open_source(data["file"], import_map)
        except BadImport as error:
            self.add_error(field, str(error))
        return data

    def _map(self) -> tuple[str, str]:
        chosen = self.cleaned_data["map"]
        if chosen:
            path = bundled_maps()[chosen]
            return path.name, path.read_text(encoding="utf-8")
        file = self.cleaned_data["map_file"]
        if file is None:
            raise BadImport(_("Choose a map, or upload one of your own."))
        if file.size > MAX_MAP_BYTES:
            raise BadImport(_("This file is too large for a map."))
        try:
            return file.name, file.read().decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadImport(_("The map is not a text file in UTF-8.")) from error

    def _parties(self, import_map: ImportMap) -> dict[str, str]:
        organisation = self.cleaned_data["organisation"]
        parties = {
            "organisation": organisation.name if organisation else "",
            "requester": self.cleaned_data["requester"],
        }
        if self.cleaned_data["requester"]:
            # Whoever the map names belongs to the map's customer.
            parties["raised_by"] = self.cleaned_data["requester"]
        find_parties(import_map, **parties)
        return parties
