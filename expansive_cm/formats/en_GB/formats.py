"""Django's British formats with the hours of the day from 0 to 23, as everywhere else here."""

TIME_FORMAT = "H:i"
DATETIME_FORMAT = "j M Y, H:i"
SHORT_DATETIME_FORMAT = "d/m/Y H:i"
