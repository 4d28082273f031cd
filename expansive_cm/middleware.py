"""What is settled before any view runs: who really asks, and how much may be sent."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

from . import errors


class HeadMiddleware:
    """Answer HEAD with the headers that GET would have, and without a body.

    Programs that check a link or a calendar ask so. Django leaves it to the server to drop the
    body, and ours warns of each one. It comes first, so that it sees every answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.get_response(request)
        if request.method != "HEAD":
            return response
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = []
        elif isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
            response.content = b""
        return response


class TrustedProxyMiddleware:
    """Take visitor address and scheme from forwarding headers of TRUSTED_PROXIES alone.

    Effects: sets REMOTE_ADDR to the last address in X-Forwarded-For that is not one of our
    proxies, and the scheme to X-Forwarded-Proto. The headers of anybody else are dropped, so
    that nobody can lend himself another address and outwit the sign-in limits.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        forwarded_for = meta.pop("HTTP_X_FORWARDED_FOR", "")
        forwarded_proto = meta.pop("HTTP_X_FORWARDED_PROTO", "")
        if is_proxy(meta.get("REMOTE_ADDR", "")):
            meta["REMOTE_ADDR"] = visitor(forwarded_for, meta["REMOTE_ADDR"])
            scheme = forwarded_proto.split(",")[-1].strip().lower()
            if scheme in ("http", "https"):
                meta["wsgi.url_scheme"] = scheme
        return self.get_response(request)


class PrivateMiddleware:
    """Keep every page that says nothing else about it out of caches that others share.

    What a page shows depends on who is signed in, and asks to be looked at anew each time. The
    browser may keep it for going back, so that what somebody has typed is still there.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response


class CompressionMiddleware(GZipMiddleware):
    """Compress pages for browsers that take it, but none that holds a secret.

    The size of a compressed page tells whether what an address says stands in the page as well.
    What must be in no cache (``no-store``: links without an account, calendar addresses, passwords,
    sign-in) is therefore sent as it is. In other pages the CSRF token is another one each time,
    another site can open them but not with a session in the background (SameSite), and Django
    makes the size of every answer a little random. Streams and downloads are left alone.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        """Compress a whole page that may be kept."""
        if (
            response.streaming
            or "Content-Disposition" in response.headers
            or "no-store" in response.get("Cache-Control", "")
            or not response.get("Content-Type", "").startswith(("text/html", "application/json"))
        ):
            return response
        compressed: HttpResponseBase = super().process_response(request, response)
        return compressed


def is_proxy(address: str) -> bool:
    """Whether this address is one of our own proxies."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in settings.TRUSTED_PROXIES)


def visitor(forwarded_for: str, peer: str) -> str:
    """Find who really asked: from the right, the first address that no proxy of ours has."""
    address = peer
    for part in reversed(forwarded_for.split(",")):
        try:
            candidate = str(ipaddress.ip_address(part.strip()))
        except ValueError:
            break
        address = candidate
        if not is_proxy(candidate):
            break
    return address


class RequestSizeMiddleware:
    """Refuse a body over REQUEST_MAX_BYTES before any of it is read or stored.

    Django itself limits fields and counts files, but writes a file of any size to disk while
    it looks for the form's CSRF token, signed in or not. The answer is the page for 413. It
    stands behind sign-in, which reads no body, so that the page knows the person.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            size = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            size = 0
        if size > settings.REQUEST_MAX_BYTES:
            return errors.bad_request(request, RequestDataTooBig(f"{size} bytes"))
        return self.get_response(request)
