"""Which address leads where."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView

from recommender.views import metrics
from recsite.access import health
from recsite.access.docs import ApiDocs
from recsite.access.endpoints import Nothing

handler400 = "recommender.views.frame.bad_request"
handler403 = "recommender.views.frame.forbidden"
handler404 = "recommender.views.frame.not_found"
handler500 = "recommender.views.frame.failed"

urlpatterns = [
    # Addresses are tried in this order: the API first, it is asked a thousand times for each page. In it
    # the recommender first: its items/ID/similar is more exact than items/ID.
    path("api/v1/", include("recommender.api.urls")),
    path("api/v1/", include("interests.api.urls")),
    path("", include("recommender.urls")),
    path("imports/", include("interests.urls")),
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", metrics.Metrics.as_view(), name="metrics"),
    path("api/schema", SpectacularJSONAPIView.as_view(), name="api-schema"),
    path("api/docs", ApiDocs.as_view(url_name="api-schema"), name="api-docs"),
    re_path(r"^api(/|\Z)", Nothing.as_view()),
]
