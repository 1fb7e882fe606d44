"""What a browser on somebody else's page loads."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from chat.widget.files import File, bundle

# The script's address is in sites' pages for good, so that a new version must be found by asking again.
SCRIPT_TTL_S = 300
FOR_EVER_S = 365 * 24 * 3600


@require_safe
def script_view(request: HttpRequest) -> HttpResponse:
    """`/widget.js`: the little that a site includes; it loads the rest."""
    return _sent(request, bundle().loader, f"public, max-age={SCRIPT_TTL_S}")


@require_safe
def file_view(request: HttpRequest, digest: str, name: str) -> HttpResponse:
    """One of the widget's files.

    Who asks for another version than ours comes in the middle of a deployment: he gets what there is, and keeps it
    not.
    """
    whole = bundle()
    file = whole.files.get(name)
    if file is None:
        raise Http404
    is_ours = digest == whole.digest
    return _sent(request, file, f"public, max-age={FOR_EVER_S}, immutable" if is_ours else "no-store")


def _sent(request: HttpRequest, file: File, cache_control: str) -> HttpResponse:
    is_compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    response = HttpResponse(file.compressed if is_compressed else file.body, content_type=file.content_type)
    if is_compressed:
        response["Content-Encoding"] = "gzip"
    patch_vary_headers(response, ["Accept-Encoding"])
    response["Cache-Control"] = cache_control
    # Modules are read across origins, and there is nothing in them that anybody could not have.
    response["Access-Control-Allow-Origin"] = "*"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["X-Content-Type-Options"] = "nosniff"
    return response
