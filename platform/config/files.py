"""Static files."""

from contextlib import closing
from typing import Any

from django.http import HttpRequest, HttpResponse
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """WhiteNoise with each file as one piece.

    Under ASGI Django reads the pieces of a file all at once anyway, on another thread, and warns of it.
    """

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponse:
        found = static_file.get_response(request.method, request.META)
        body = b""
        if found.file is not None:
            with closing(found.file) as file:
                body = file.read()
        response = HttpResponse(body, status=int(found.status), headers=dict(found.headers))
        if "Content-Type" not in dict(found.headers):
            del response["Content-Type"]
        return response
