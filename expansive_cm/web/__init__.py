"""How requests reach Django: an event loop holds every connection, few threads do the work.

The loop reads what is sent and writes what is answered, at whatever pace the other side keeps
(``bodies``, ``answers``); a thread is taken only for the time in which Django works (``lanes``).
An answer that goes on for long (``streams``) is handed back to the loop and holds none.
``application`` puts them together, ``worker`` runs it under gunicorn.
"""
