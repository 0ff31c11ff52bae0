"""The browsable docs under our Content-Security-Policy: no script and no style inside the page."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response


class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI from our own files; the page, its script and its style are three addresses."""

    title = "Recsite API"
    template_name = "access/api_docs.html"
    permission_classes = ()

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return the page, or with `?script` the script that fills it."""
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.data |= {
            "page_css": static("css/api_docs.css"),
            "schema_address": reverse(self.url_name),
        }
        return response
