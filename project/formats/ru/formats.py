"""Russian dates: short ones, so that tables fit the page, and the month in the genitive after a day."""

DATE_FORMAT = "d.m.Y"
DATETIME_FORMAT = "d.m.Y H:i"
TIME_FORMAT = "H:i"
# Django has “j F”: «23 Ноябрь».
MONTH_DAY_FORMAT = "j E"
