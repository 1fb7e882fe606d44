"""Bodies that are not plain JSON: worlds as YAML, and the two kinds of patches."""

from typing import IO, Any

from rest_framework.parsers import BaseParser, JSONParser

from npc.worlds.files import parse_world


class YamlParser(BaseParser):
    """A world as its writers keep it."""

    media_type = "application/yaml"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return parse_world(stream.read(), is_yaml=True)


class JsonPatchParser(JSONParser):
    media_type = "application/json-patch+json"


class MergePatchParser(JSONParser):
    media_type = "application/merge-patch+json"
