"""Where Django's own formats of dates do not serve (FORMAT_MODULE_PATH)."""
