"""Imports from another tool, for administrators: the upload, its progress, what was wrong."""

import csv
from collections.abc import Iterator
from functools import wraps
from http import HTTPStatus

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRefresh

from .. import permissions
from ..export import BYTE_ORDER_MARK, safe_cell
from ..forms.importing import ImportForm
from ..importing import runs
from ..models import ImportRun
from ..tasks import start_imports
from .access import SignedInRequest, View, signed_in

SHOWN = 100
RECENT = 20


def administrators(view: View) -> View:
    """Let only those in who may import; the others read why not."""

    @wraps(view)
    def guarded(request: SignedInRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        decision = permissions.can_import(request.user)
        if not decision:
            raise PermissionDenied(decision.reason)
        return view(request, *args, **kwargs)

    return signed_in(guarded)


@administrators
@require_http_methods(["GET", "HEAD", "POST"])
def imports(request: SignedInRequest) -> HttpResponse:
    """Take a file and hand it to the worker; list the latest imports."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        return redirect(_begin(request, form))
    status = HTTPStatus.BAD_REQUEST if form.is_bound else HTTPStatus.OK
    recent = ImportRun.objects.select_related("started_by")[:RECENT]
    return render(request, "changes/import.html", {"form": form, "runs": recent}, status=status)


def _begin(request: SignedInRequest, form: ImportForm) -> ImportRun:
    data = form.cleaned_data
    with transaction.atomic():
        run = runs.begin(
            started_by=request.user,
            file=data["file"],
            name=data["file"].name[:255],
            map_name=data["map_name"][:255],
            map_text=data["map_text"],
            parties=data["parties"],
            mode=data["mode"],
        )
        transaction.on_commit(start_imports, robust=True)
    return run


@administrators
@require_safe
def import_run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far an import is or, when it is over, how it went."""
    run = get_object_or_404(ImportRun.objects.select_related("started_by"), pk=pk)
    context = {
        "run": run,
        "problems": run.problems.all()[:SHOWN],
        "problem_count": run.problems.count() if run.is_over else 0,
        "shown": SHOWN,
    }
    return render(request, "changes/import_run.html", context)


@administrators
@require_safe
def import_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The progress bar, fetched each second; at the end the page loads itself again."""
    run = get_object_or_404(ImportRun, pk=pk)
    if run.is_over:
        return HttpResponseClientRefresh()
    return render(request, "changes/import_progress.html", {"run": run})


@administrators
@require_safe
def import_problems(request: HttpRequest, pk: int) -> StreamingHttpResponse:
    """Every problem of an import as a CSV file that is safe to open in a spreadsheet."""
    run = get_object_or_404(ImportRun, pk=pk)
    response = StreamingHttpResponse(_lines(run), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="import-{run.pk}-problems.csv"'
    return response


class _Echo:
    """What the csv module writes to: it hands each line straight back."""

    def write(self, line: str) -> str:
        return line


def _lines(run: ImportRun) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow([_("Line"), _("Column"), _("Value"), _("Reason")])
    for problem in run.problems.iterator(chunk_size=1_000):
        cells = (problem.line, problem.column, problem.value, problem.reason)
        yield writer.writerow([safe_cell(cell) for cell in cells])
