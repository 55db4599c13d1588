"""What django-import-export knows of our tables: columns, their names in files, cleaning."""

from mailings.resources.client import Cleaned, ClientResource, Columns, Fault

__all__ = ["Cleaned", "ClientResource", "Columns", "Fault"]
