"""Addresses of this app under /api/v1.

Ids may hold anything, slashes and line breaks included: WSGI has decoded them before they get here.
"""

from __future__ import annotations

from django.urls import path, re_path

from interests.api import alike, controls, drift, events, items, people, states

urlpatterns = [
    path("events", events.RecordEvents.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/interests\Z", states.CurrentInterests.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/interests/history\Z", states.InterestHistory.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/drift\Z", drift.EndUserDrift.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/similar\Z", alike.PeopleAlike.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/controls\Z", controls.UserControls.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/merge\Z", people.MergedUser.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)/export\Z", people.ExportedUser.as_view()),
    re_path(r"^users/(?P<user_id>[\s\S]+)\Z", people.ErasedUser.as_view()),
    path("drift", drift.Drift.as_view()),
    path("items", items.ItemBatch.as_view()),
    re_path(r"^items/(?P<item_id>[\s\S]+)\Z", items.DescribedItem.as_view()),
]
