"""What curators do for one person: see and edit controls, merge, hand over, erase."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from interests import tasks
from interests.models import ID_LENGTH, Category, EndUser
from interests.selectors import belongings
from interests.services import controlling, erasing, exporting, merging
from interests.services.controlling import Said, Wishes
from recsite.access.admin_tools import FastAdmin

FOLDER = "admin/interests/enduser"
# More at once is no request of a person; files and the API do that.
MOST_ERASED = 100


class ControlsForm(forms.Form):
    """What a person says; the same as by API."""

    muted = forms.ModelMultipleChoiceField(
        Category.objects.order_by("name"),
        required=False,
        to_field_name="name",
        label="Never show",
        widget=forms.SelectMultiple(attrs={"size": 12}),
        help_text="Categories. Hold Ctrl or ⌘ to choose several.",
    )
    boosts = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        label="Show more or less",
        help_text="One category a line with its factor: Comedy = 2 doubles its odds, Drama = 0.5 halves them.",
    )
    # The browser's own field: the admin's calendar writes styles that the policy forbids.
    forget_before = forms.DateTimeField(
        required=False,
        widget=forms.DateTimeInput(
            attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S"
        ),
        label="Forget before",
        help_text="UTC. Events before this time are kept, and not used any more. Empty: all are used.",
    )
    is_opted_out = forms.BooleanField(
        required=False,
        label="Opted out",
        help_text="Nothing is worked out of this person's events, and answers are what everybody gets.",
    )

    def clean_boosts(self) -> dict[str, float]:
        """Return the factors by category."""
        found = {}
        for line in filter(None, map(str.strip, self.cleaned_data["boosts"].splitlines())):
            name, _, factor = line.rpartition("=")
            try:
                found[name.strip()] = float(factor)
            except ValueError as error:
                raise forms.ValidationError(
                    f'"{line[:50]}" does not end in a number. Write: Comedy = 2'
                ) from error
        return found

    def wishes(self) -> Wishes:
        """Return what was filled in; a time that was not touched keeps its fractions of a second."""
        given = self.cleaned_data
        before = self.initial["forget_before"]
        if before is not None and given["forget_before"] == before.replace(microsecond=0):
            given["forget_before"] = before
        return Wishes(
            muted=[category.name for category in given["muted"]],
            boosts=given["boosts"],
            forget_before=given["forget_before"],
            is_opted_out=given["is_opted_out"],
        )


class MergeForm(forms.Form):
    """Whom the guest becomes."""

    into = forms.CharField(
        max_length=ID_LENGTH,
        strip=False,
        label="User id of the member",
        help_text="Somebody new is made where nobody is known by it.",
    )


class PersonPages(FastAdmin):
    """The pages behind the buttons of one end user, and erasure of several."""

    change_form_template = f"{FOLDER}/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        """Add the pages."""
        pages = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(view), name=f"interests_enduser_{name}")
            for name, view in (
                ("controls", self.controls),
                ("merge", self.merge_into),
                ("export", self.export),
                ("erase", self.erase_one),
            )
        ]  # fmt: skip
        return [*pages, *super().get_urls()]

    def has_erase_permission(self, request: HttpRequest) -> bool:
        """Tell whether the account may erase people."""
        return request.user.has_perm("interests.delete_enduser")

    def controls(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show and replace what a person has said."""
        person = self._person(request, pk, "interests.change_controls")
        said = controlling.controls_of(person)
        form = ControlsForm(request.POST or None, initial=_initial(said))
        if form.is_valid() and self._put(request, person, form):
            return redirect("admin:interests_enduser_change", pk)
        return self._page(
            request, person, "controls", f"Controls of {person}", form=form, said=said
        )

    def _put(self, request: HttpRequest, person: EndUser, form: ControlsForm) -> bool:
        try:
            said = controlling.put(user_id=person.user_id, wishes=form.wishes(), now=timezone.now())
        except controlling.ControlsInvalid as error:
            form.add_error(None, str(error))
            return False
        if said.is_worked_out_anew:
            transaction.on_commit(tasks.ask_for_refresh)
        self.message_user(request, f"Controls of {person} hold from the next answer on.")
        return True

    def merge_into(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask whom a guest becomes, name what moves, then do it."""
        person = self._person(request, pk, "interests.change_enduser")
        form = MergeForm(request.POST or None)
        if form.is_valid():
            into = form.cleaned_data["into"]
            try:
                merged = merging.merge(user_id=person.user_id, into=into, now=timezone.now())
            except (merging.CannotMerge, merging.EndUserUnknown) as error:
                form.add_error("into", str(error))
            else:
                transaction.on_commit(tasks.ask_for_refresh)
                self.message_user(
                    request,
                    f"{person} is {merged.into} now: {merged.num_events:,} events and "
                    f"{merged.num_impressions:,} impressions moved.",
                )
                return redirect("admin:interests_enduser_change", merged.into.pk)
        counts = _counts([person.pk], only=("interests.interaction", "interests.impression"))
        return self._page(request, person, "merge", f"Merge {person} into a member", form=form, counts=counts)  # fmt: skip

    def export(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Hand over everything that is held about a person."""
        person = self._person(request, pk, "interests.change_enduser")
        response = StreamingHttpResponse(
            exporting.export(person, now=timezone.now()), content_type="application/json"
        )
        response["Content-Disposition"] = f'attachment; filename="end-user-{pk}.json"'
        response["Cache-Control"] = "no-store"
        return response

    def erase_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Ask once, name what goes, then erase a person."""
        person = self._person(request, pk, "interests.delete_enduser")
        return self._erase(request, [person])

    @admin.action(description="Erase everywhere…", permissions=["erase"])
    def erase(self, request: HttpRequest, queryset: QuerySet[EndUser]) -> HttpResponse | None:
        """Ask once, name who and what goes, then erase the chosen people."""
        chosen = list(queryset.order_by("pk")[: MOST_ERASED + 1])
        if len(chosen) > MOST_ERASED:
            self.message_user(
                request, f"Choose {MOST_ERASED} people at most; nobody was erased.", messages.ERROR
            )
            return None
        return self._erase(request, chosen)

    def _erase(self, request: HttpRequest, people: Sequence[EndUser]) -> HttpResponse:
        if request.POST.get("erase") == "yes":
            num_events = 0
            for person in people:
                num_events += erasing.erase(user_id=person.user_id).num_events
            self.message_user(
                request,
                f"{_number(len(people), 'end user')} erased, {_number(num_events, 'event')}.",
            )
            return redirect("admin:interests_enduser_changelist")
        title = f"Erase {people[0] if len(people) == 1 else _number(len(people), 'end user')}"
        context = {"people": people, "counts": _counts([person.pk for person in people])}
        return self._page(request, people[0], "erase", title, **context)

    def _person(self, request: HttpRequest, pk: int, right: str) -> EndUser:
        if not request.user.has_perm(right):
            raise PermissionDenied
        person = EndUser.objects.filter(pk=pk).first()
        if person is None:
            raise Http404("There is no such end user.")
        return person

    def _page(
        self, request: HttpRequest, person: EndUser, name: str, title: str, **context: Any
    ) -> HttpResponse:
        context |= {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "person": person,
            "back": reverse("admin:interests_enduser_change", args=[person.pk]),
        }
        return TemplateResponse(request, f"{FOLDER}/{name}.html", context)


def _initial(said: Said) -> dict[str, Any]:
    wishes = said.wishes
    return {
        "muted": list(wishes.muted),
        "boosts": "\n".join(f"{name} = {factor:g}" for name, factor in wishes.boosts.items()),
        "forget_before": wishes.forget_before,
        "is_opted_out": wishes.is_opted_out,
    }


def _counts(end_users: list[int], *, only: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Return how many rows of each table name some people, by what a row of it is called."""
    found = []
    for belonging in belongings.everything():
        if not only or belonging.label in only:
            num = belonging.rows(end_users).count()
            meta = belonging.model._meta
            name = meta.verbose_name if num == 1 else meta.verbose_name_plural
            found.append((str(name), num))
    return [(name, num) for name, num in found if num or only]


def _number(count: int, name: str) -> str:
    return f"{count:,} {name}{'' if count == 1 else 's'}"
