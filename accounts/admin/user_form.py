"""The forms of the pages for people."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib.auth.forms import AdminPasswordChangeForm, UserChangeForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.roles import ROLES, USER

SUPERUSER = "superuser"


class UserForm(UserChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "groups" in self.fields:
            groups = cast("forms.ModelMultipleChoiceField", self.fields["groups"])
            groups.label_from_instance = lambda obj: gettext(obj.name)  # type: ignore[method-assign]  # as documented

    def clean_is_superuser(self) -> bool:
        """:raises ValidationError: nobody could manage roles any more."""
        keeps = bool(self.cleaned_data["is_superuser"])
        others = User.objects.filter(is_superuser=True, is_active=True).exclude(pk=self.instance.pk)
        if self.instance.is_superuser and not keeps and not others.exists():
            raise ValidationError(_("This is the last superuser. Make another one first."))
        return keeps


class PasswordForm(AdminPasswordChangeForm):
    # Whoever may not log in is blocked, and who is new sets his own: nobody takes a password away here.
    usable_password = None


class InvitationForm(forms.ModelForm):
    """Somebody new. His password he sets himself, by the link in the letter."""

    role = forms.ChoiceField(label=_("role"), initial=USER)

    class Meta:
        model = User
        fields = ("email", "full_name", "language")
        help_texts = {"language": _("Of the letter and of the pages; to be changed in the profile.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role = cast("forms.ChoiceField", self.fields["role"])
        role.choices = [*((name, gettext(name)) for name in ROLES), (SUPERUSER, gettext("Superuser"))]

    def save(self, commit: bool = True) -> User:
        user: User = super().save(commit=False)
        user.is_superuser = self.cleaned_data["role"] == SUPERUSER
        if commit:
            user.save()
        return user

    def give_role(self, user: User) -> None:
        user.groups.set(Group.objects.filter(name=self.cleaned_data["role"]))


class BlockForm(forms.Form):
    PAUSE, SWITCH_OFF = "pause", "switch_off"

    mailings = forms.ChoiceField(
        label=_("His mailings"),
        choices=(
            (PAUSE, _("pause: after the block is lifted they can be resumed")),
            (SWITCH_OFF, _("are switched off for good: they can only be copied")),
        ),
        initial=PAUSE,
        required=False,
        widget=forms.RadioSelect,
    )
    reason = forms.CharField(label=_("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
