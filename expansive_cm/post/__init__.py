"""The outbox, whatever a mail is about: it knows no change and no person.

django-post-office holds the rows. ``words`` puts a message into words, ``threads`` holds what
belongs together, ``rows`` is a mail as a row, ``sending`` sends it, and ``{% load mail %}`` has the
filters of its templates.
"""
