"""What django-import-export knows of our tables: columns, their names in files, cleaning."""

from mailings.resources.client import ClientResource, changes, takes_back_consent
from mailings.resources.columns import Columns
from mailings.resources.row import Cleaned, Fault, RowCleaner

__all__ = ["Cleaned", "ClientResource", "Columns", "Fault", "RowCleaner", "changes", "takes_back_consent"]
