"""Makes our AdminSite the admin (it must not stand in an app's own apps.py, which may hold one default only)."""

from django.contrib.admin.apps import AdminConfig


class PostroomAdminConfig(AdminConfig):
    default_site = "project.site.PostroomSite"
