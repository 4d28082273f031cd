"""Stop watching a change from a mail client, without an account (RFC 8058).

Opening the address shows; only a form sent, or the mail client's one-click POST, acts.
"""

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from .. import lifecycle, watch_links
from .secret_link import behind_a_link

ONE_CLICK = "One-Click"


@csrf_exempt
@behind_a_link(watch_links.find)
def unwatch_by_link(request: HttpRequest, link: watch_links.Watch, token: str) -> HttpResponse:
    """Ask whether to stop, and stop. Whoever is signed in, it is the mail's reader who stops."""
    change, person = link
    watches = change.watchers.filter(pk=person.pk).exists()
    if request.method == "POST":
        if request.POST.get("List-Unsubscribe") != ONE_CLICK:
            raise BadRequest("List-Unsubscribe")
        if watches:
            lifecycle.unwatch(change, actor=person)
        watches = False
    context = {"change": change, "person": person, "watches": watches}
    return render(request, "changes/unwatch_by_link.html", context)
