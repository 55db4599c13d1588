"""Somebody who goes through the steps of an import in a browser without scripts."""

import re

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from mailings.models import ImportJob

IMPORT = reverse("admin:mailings_client_import")


def step(page, job):
    return reverse(f"admin:mailings_importjob_{page}", args=[getattr(job, "pk", job)])


def text_of(response):
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", content.decode()))


def address_of(page):
    """Name the page to which the last one led."""
    return page.redirect_chain[-1][0] if page.redirect_chain else ""


class Wizard:
    def __init__(self, client):
        self.client = client
        self.pages = []

    def see(self, response):
        self.pages.append(response)
        return response

    @property
    def said(self):
        """Everything that the pages said on the way."""
        return " ".join(map(text_of, self.pages))

    @property
    def job(self):
        return ImportJob.objects.latest("pk")

    def upload(self, data, name="clients.csv"):
        data = data.encode() if isinstance(data, str) else data
        return self.see(self.client.post(IMPORT, {"import_file": SimpleUploadedFile(name, data)}, follow=True))

    def choose(self, **fields):
        """Send the form of the columns as it stands, with these fields otherwise."""
        form = self.pages[-1].context["form"]
        filled = {name: form[name].value() for name in form.fields}
        data = {name: value for name, value in (filled | fields).items() if value not in (None, False)}
        return self.see(self.client.post(step("columns", self.job), data, follow=True))

    def load(self, **fields):
        return self.see(self.client.post(step("check", self.job), {"load": "1", **fields}, follow=True))

    def go(self, data, name="clients.csv", **fields):
        """Go as far as the file allows, leaving out what is wrong."""
        page = self.upload(data, name)
        if "columns" in address_of(page):
            page = self.choose(**fields)
        if "check" in address_of(page):
            page = self.load(skip_wrong="1")
        return page
