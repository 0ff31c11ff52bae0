"""Keys, and accounts by invitation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path
from django.utils import timezone
from django.utils.cache import add_never_cache_headers

from recsite.access import audit_admin, groups, invitations, origins, services
from recsite.access.admin_tools import FastAdmin
from recsite.access.models import ApiKey, Scope

__all__ = ["ApiKeyAdmin", "InvitingUserAdmin", "audit_admin"]

admin.site.site_header = "Recsite"
admin.site.site_url = None  # the pages link to the dashboard by that name
admin.site.site_title = "Recsite admin"
admin.site.index_title = "Tables"


class OriginsForm(forms.ModelForm):  # type: ignore[type-arg]
    """A key that is there: its name, rate and origins, each origin a line."""

    origins = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Only for a key in web pages, which everybody can read: the sites whose pages may use it, one "
        "a line, such as https://shop.example. Such a key can only post events.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["origins"] = "\n".join(self.instance.origins)

    def clean_origins(self) -> list[str]:
        """Return the origins as browsers write them."""
        scopes = self.cleaned_data.get("scopes", self.instance.scopes)
        try:
            return origins.origins_of(self.cleaned_data["origins"].splitlines(), scopes or [])
        except origins.BadOrigin as error:
            raise forms.ValidationError(str(error)) from error

    class Meta:
        model = ApiKey
        fields = ("name", "origins", "rate_per_minute")


class KeyForm(OriginsForm):
    """A new key: its scopes are ticked, not typed."""

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices, widget=forms.CheckboxSelectMultiple, help_text="What it may do."
    )

    class Meta:
        model = ApiKey
        fields = ("name", "scopes", "origins", "rate_per_minute")


@admin.register(ApiKey)
class ApiKeyAdmin(FastAdmin):
    """Keys are made here, shown once, and revoked; nobody can see one again, not even its hash."""

    list_display = ("name", "prefix", "scope_names", "created_by", "created_at", "last_used_at", "revoked_at")  # fmt: skip
    list_select_related = ("created_by",)
    list_filter = (("revoked_at", admin.EmptyFieldListFilter),)
    search_fields = ("name",)
    search_help_text = "Any part of a name, or a key's first characters."
    ordering = ("-created_at", "-id")
    actions = ("revoke",)
    readonly_fields = ("prefix", "scope_names", "created_by", "created_at", "last_used_at", "revoked_at")  # fmt: skip

    def get_form(
        self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Return the form of a new key, or one for name, rate and origins."""
        kwargs["form"] = KeyForm if obj is None else OriginsForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        """Ask for what a key needs; show of one that is there everything but its hash."""
        if obj is None:
            return ("name", "scopes", "origins", "rate_per_minute")
        return ("name", "origins", "rate_per_minute", *self.readonly_fields)

    def search(self, queryset: QuerySet[ApiKey], term: str) -> QuerySet[ApiKey]:
        """Find by a part of the name, or by what a key begins with."""
        if term.startswith(services.KEY_START):
            return queryset.filter(prefix__startswith=term[: services.PREFIX_LENGTH])
        return queryset.filter(name__icontains=term)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        """Make the key; its text is handed to the one page that shows it."""
        if change:
            obj.save(update_fields=["name", "origins", "rate_per_minute"])
            return
        key, request.made_key = services.make_key(  # type: ignore[attr-defined]
            name=obj.name,
            scopes=form.cleaned_data["scopes"],
            origins=form.cleaned_data["origins"],
            created_by=request.user,  # type: ignore[arg-type]
            now=timezone.now(),
        )
        key.rate_per_minute = obj.rate_per_minute
        key.save(update_fields=["rate_per_minute"])
        obj.__dict__.update(key.__dict__)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """Show the key on this answer only: a redirect would have to store it on the way."""
        context = {
            **self.admin_site.each_context(request),
            "title": "The new API key",
            "opts": self.opts,
            "key": obj,
            "text": request.made_key,  # type: ignore[attr-defined]
        }
        response = TemplateResponse(request, "admin/access/key_made.html", context)
        add_never_cache_headers(response)
        return response

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Return False: a revoked key still says who used the API."""
        return False

    @admin.display(description="Scopes")
    def scope_names(self, key: ApiKey) -> str:
        """Show the scopes."""
        return ", ".join(key.scopes)

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """Revoke the chosen keys."""
        num = sum(services.revoke(key=key, now=timezone.now()) for key in queryset)
        self.message_user(request, f"{num} revoked; they stop working within 5 seconds.")


class InviteForm(forms.Form):
    """Whom to invite as what."""

    email = forms.EmailField()
    group = forms.ChoiceField(choices=[(name, name.capitalize()) for name in groups.GROUPS])


admin.site.unregister(User)


@admin.register(User)
class InvitingUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Accounts; people are invited by mail and choose their own password."""

    change_list_template = "admin/auth/user/change_list.html"
    actions = ("send_link",)

    def get_urls(self) -> list[URLPattern | URLResolver]:  # type: ignore[override]
        """Add the page on which somebody is invited."""
        view = self.admin_site.admin_view(self.invite)
        return [path("invite/", view, name="auth_user_invite"), *super().get_urls()]

    def invite(self, request: HttpRequest) -> HttpResponse:
        """Ask whom to invite; then do it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = InviteForm(request.POST or None)
        if form.is_valid():
            try:
                account = invitations.invite(**form.cleaned_data)
            except (invitations.CannotInvite, OSError) as error:
                form.add_error(None, f"Nothing was sent: {error}")
            else:
                self.message_user(request, f"Sent an invitation to {account.email}.")
                return redirect("admin:auth_user_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Invite somebody",
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/auth/user/invite.html", context)

    @admin.action(description="Mail a link to set a password", permissions=["change"])
    def send_link(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Mail the chosen accounts a link to set a password."""
        reachable = [account for account in queryset if account.is_active and account.email]
        try:
            for account in reachable:
                invitations.send_link(account=account)
        except OSError as error:
            self.message_user(request, f"The mail was not sent: {error}", messages.ERROR)
            return
        num_left = queryset.count() - len(reachable)
        self.message_user(
            request, f"{len(reachable)} mailed; {num_left} are closed or have no address."
        )
