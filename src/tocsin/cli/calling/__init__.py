"""How commands call the API: whoever wants an answer asks `choose.open_api`, and need not know the way.

over_socket   the server that runs on the data folder, by a socket in it (`socket_server` answers)
over_http     a server elsewhere, with an API key
in_process    no server runs: the application is imported, and asked over the database

Nothing of the application is imported but by `in_process`, `socket_server` and `operator`.
"""
