"""Static files with hashed names, tolerant of the theme's link to a folder."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):
    # jazzmin's base.html writes {% static 'vendor/bootswatch' %}, a folder: a strict manifest makes every page a 500.
    manifest_strict = False
