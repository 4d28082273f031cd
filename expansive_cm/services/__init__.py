"""Everything that `make` starts on one machine.

`bootstrap` installs what is locked and hands over; `run` is what `make run` then is: it holds
the supervisor, an embedded PostgreSQL and Valkey, the web server, the worker and beat.
"""
