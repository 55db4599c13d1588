"""The sending engine: standard library only. It takes and returns dataclasses and knows no settings, ORM or log."""
