"""What every test here starts from."""

import pytest


@pytest.fixture(autouse=True)
def fast_passwords(settings):
    # The real hasher is slow on purpose, and no test here is about it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def private_uploads(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "uploads"
