"""What the game's half keeps: worlds as they were put, and plays of them as logs on branches."""

from npc.models.facts import FactVector
from npc.models.sessions import Branch, GameSession, LogEntry, Save
from npc.models.worlds import World, WorldVersion

__all__ = ["Branch", "FactVector", "GameSession", "LogEntry", "Save", "World", "WorldVersion"]
