"""What is kept is spelt one way and misleads nobody; what is looked for is spelt so too."""

import unicodedata

import pytest
from django.apps import apps
from django.db import models
from django.db.models.signals import pre_save

from changes.finding import changes_matching, requesters_for
from changes.models import Change
from changes.selecting import with_words
from expansive_cm.texts import OURS, neutral_line
from tests import stories
from tests.people import Cast

NFD = unicodedata.normalize("NFD", "Gr\u00f6\u00dfe im Caf\u00e9")
NFC = unicodedata.normalize("NFC", NFD)
BAD = "Ada\r\nBcc: x\u2028\u202egnp\u2066\x1b[31m\x9b\x7f\x00"


def test_a_line_is_neutral() -> None:
    assert neutral_line(BAD) == "Ada Bcc: x gnp[31m"
    assert (
        neutral_line("\u05d0\u05d1 \U0001f469\u200d\U0001f4bb")
        == "\u05d0\u05d1 \U0001f469\u200d\U0001f4bb"
    )


@pytest.mark.parametrize(
    "model", [one for one in apps.get_models() if one._meta.app_label in OURS], ids=str
)
def test_every_text_of_every_model_is_tidied(model: type[models.Model]) -> None:
    kinds = models.CharField | models.TextField
    fields = [one for one in model._meta.concrete_fields if isinstance(one, kinds)]
    row = model(**{one.attname: BAD + NFD for one in fields})
    pre_save.send(sender=model, instance=row, raw=False, using="default", update_fields=None)
    for field in fields:
        kept = getattr(row, field.attname)
        if isinstance(field, models.CharField):
            assert kept == neutral_line(BAD) + NFC
        assert unicodedata.is_normalized("NFC", kept)


def test_either_spelling_finds_the_other(cast: Cast) -> None:
    for spelling in (NFC, NFD):
        change = stories.submitted(cast)
        change.title = spelling
        change.save()
        assert Change.objects.get(pk=change.pk).title == NFC
    for text in (NFC, NFD):
        assert with_words(Change.objects.all(), text).count() == 2
        assert len(changes_matching(cast.support, text, 0)) == 2
    cast.requester.display_name = f"Zo{NFD}\r\nBcc"
    cast.requester.save()
    assert requesters_for(cast.support, f"Zo{NFD}") == [cast.requester]
    assert cast.requester.display_name == f"Zo{NFC} Bcc"


WRITTEN_BY_US = {
    "changes.Confirmation.what_was_done": "put together from records that have their limits",
    "changes.Event.reason": "the words of a step, limited by its form",
    "changes.ImportRun.map_text": "a file, read to importing.mapping.MAX_MAP_BYTES",
    "changes.ImportRun.message": "a sentence of ours",
    "changes.IncomingMail.body": "read to mailreader's TEXT_LIMIT",
    "changes.IncomingMail.quoted": "read to mailreader's TEXT_LIMIT",
    "changes.MailEvent.detail": "lifecycle.delivery.LONGEST_DETAIL",
    "changes.DeliveryProblem.reason": "lifecycle.delivery.LONGEST_DETAIL",
    "changes.ManyRow.reason": "a sentence of ours",
    "changes.UntoldMove.why": "why a release moved, or a change, limited by their forms",
    "crb.BoardEvent.reason": "the words of a step, limited by its form",
}
"""Texts without a limit of the model's own, and what bounds them."""


def test_every_text_that_somebody_types_has_a_limit() -> None:
    unlimited = {
        f"{field.model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in OURS and not model.__name__.startswith("Historical")
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField) and not field.max_length
    }
    assert unlimited == WRITTEN_BY_US.keys()
