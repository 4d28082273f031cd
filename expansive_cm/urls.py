"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("account/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("board/", include("crb.urls")),
    path("", include("changes.urls")),
    path("", include("audit.urls")),
]

handler400 = "expansive_cm.errors.bad_request"
handler403 = "expansive_cm.errors.permission_denied"
handler404 = "expansive_cm.errors.page_not_found"
handler500 = "expansive_cm.errors.server_error"
