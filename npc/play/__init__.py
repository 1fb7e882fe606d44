"""The village to play, at /play/: the page, and the game server behind it, which keeps the demo's rules.

A studio's own game server would do the same over the API; here it calls the services, so that no key leaves the house.
"""
