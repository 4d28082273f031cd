"""The words of pages and mails."""

from django.conf import settings
from django.utils.translation import gettext, override, pgettext, trans_real


def test_each_text_is_looked_for_once() -> None:
    found = trans_real.translation(settings.LANGUAGE_CODE).gettext.cache_info
    with override(settings.LANGUAGE_CODE):
        assert gettext("The board meets.") == "The board meets."
        before = found()
        assert gettext("The board meets.") == "The board meets."
        assert pgettext("number", "no") == "no"
    assert found().hits > before.hits
    assert found().misses <= before.misses + 1
