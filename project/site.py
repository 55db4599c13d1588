from django.contrib.admin import AdminSite


class PostroomSite(AdminSite):
    pass
