"""Pages of imports, under /imports/."""

from __future__ import annotations

from django.urls import path

from interests import views

app_name = "interests"
urlpatterns = [
    path("", views.imports, name="imports"),
    path("new", views.upload, name="upload"),
    path("<int:pk>", views.report, name="import"),
    path("<int:pk>/replay", views.replay, name="replay"),
    path("<int:pk>/rejected.csv", views.download, name="rejected_rows"),
    path("<int:pk>/rows/<int:row_pk>", views.mend, name="mend"),
]
