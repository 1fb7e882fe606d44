"""Where a world's hooks are kept: with the world, sealed, apart from its document.

So that no answer, export, diff or page shows their secret, and a new secret serves sessions that have begun before.
"""

import logging
from typing import Any

from django.utils.translation import gettext as _

from npc.errors import WorldInvalid
from npc.models import World
from npc.worlds.document import Hooks
from npc.worlds.problems import Problem, refuse
from tenants.secrets import SecretUnreadable, seal, unseal

logger = logging.getLogger(__name__)


def hooks_of(world: World) -> Hooks | None:
    """None as well once SECRET_KEY was changed: they have to be put again."""
    if not world.sealed_hooks:
        return None
    try:
        return Hooks.model_validate_json(unseal(bytes(world.sealed_hooks), owner=world.id.bytes))
    except SecretUnreadable:
        logger.warning("The hooks of the world %s cannot be read", world.pk)
        return None


def keep_hooks(world: World, hooks: Hooks | None) -> bool:
    """Set what is kept; the caller saves. Whether it is news. Without a secret the former one stays.

    Raises Invalid if there is none.
    """
    before = hooks_of(world)
    if hooks and not hooks.secret:
        if not (before and before.secret):
            refuse([Problem("hooks.secret", _("This field is required."))], WorldInvalid)
        hooks = hooks.model_copy(update={"secret": before.secret if before else None})
    if hooks == before:
        return False
    world.sealed_hooks = seal(hooks.model_dump_json(), owner=world.id.bytes) if hooks else b""
    return True


def shown(world: World) -> dict[str, Any]:
    """What may be seen of them: where they lead."""
    hooks = hooks_of(world)
    return {"hooks": hooks.model_dump(exclude={"secret"}, exclude_none=True)} if hooks else {}
