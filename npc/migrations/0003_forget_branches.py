from django.db import migrations

# A memory names its branch as plain text would, since other stores than branches have memories too; so what a foreign
# key would do is done here. It runs with the rights of whoever deletes: the owner's where a session's delete reaches
# down, the app's under its policy otherwise.
FORGET = """
CREATE FUNCTION npc_forget_branch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM personas_memory WHERE tenant_id = OLD.tenant_id AND store = OLD.id;
    RETURN NULL;
END $$;
CREATE TRIGGER npc_forget_branch AFTER DELETE ON npc_branch FOR EACH ROW EXECUTE FUNCTION npc_forget_branch();
"""
UNDO = """
DROP TRIGGER npc_forget_branch ON npc_branch;
DROP FUNCTION npc_forget_branch();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("npc", "0002_world_version_personas"),
        ("personas", "0002_memory"),
    ]

    operations = [migrations.RunSQL(FORGET, UNDO)]
