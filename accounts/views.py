"""A person's own page, and the demonstration's short cut to signing in."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from expansive_cm.ui.components import Tab
from expansive_cm.workflow.steps import explain

from . import guide as guides
from .demo import demo_cast
from .forms import ProfileForm
from .models import User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """Show who I am here, and change my name and time zone."""
    person = get_object_or_404(User, pk=request.user.pk)
    form = ProfileForm(request.POST or None, instance=person)
    if request.method == "POST" and form.is_valid():
        explain(form.instance, "Own profile")
        form.save()
        messages.success(request, _("Your profile is saved."))
        return redirect("accounts:profile")
    status = 400 if form.is_bound else 200
    return render(request, "accounts/profile.html", {"form": form}, status=status)


@login_required
@require_safe
def guide(request: HttpRequest, name: str) -> HttpResponse:
    """Show one of the guides; an address that names none is 404."""
    if name not in guides.GUIDES:
        raise Http404
    tabs = [
        Tab(title, reverse("accounts:guide", args=[one]), active=one == name)
        for one, title in guides.GUIDES.items()
    ]
    first, *parts = guides.parts_of(name)
    return render(request, "accounts/guide.html", {"first": first, "parts": parts, "tabs": tabs})


@require_POST
def sign_in_as(request: HttpRequest) -> HttpResponse:
    """Sign in as somebody of the demonstration. Outside demo mode there is no such page."""
    if not settings.DEMO:
        raise Http404
    email = request.POST.get("email", "")
    if email not in {member.email for member in demo_cast()}:
        raise Http404
    person = get_object_or_404(User, email=email, is_active=True)
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    onward = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(onward, {request.get_host()}, request.is_secure()):
        onward = settings.LOGIN_REDIRECT_URL
    return redirect(onward)
