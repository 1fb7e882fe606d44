"""The AsyncAPI document of the chat's socket, as it lies beside the code."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

DOCUMENT = Path(__file__).resolve().parents[1] / "asyncapi.yaml"


@require_safe
def asyncapi_view(request: HttpRequest) -> HttpResponse:
    return HttpResponse(DOCUMENT.read_bytes(), content_type="application/yaml")
