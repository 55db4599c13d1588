"""Static files with hashed names. A file that is missing costs its picture or its style, never the page."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    # jazzmin's base.html writes {% static 'vendor/bootswatch' %}, a folder: a strict manifest makes every page a 500.
    manifest_strict = False

    def stored_name(self, name: str) -> str:
        try:
            return str(super().stored_name(name))
        except ValueError:
            # Not collected (a test, or runserver before `collectstatic`).
            return name
