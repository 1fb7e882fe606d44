"""The database itself keeps a bot from talking over a person.

An answer whose turn began under a lower fence than the conversation has now is refused, whoever stores it. The one
turn that was speaking when a person took over may leave what it had said, marked as stopped, until the take-over is
answered. The conversation's row is locked for sharing, so that no take-over is committed between look and insert.
"""

from django.db import migrations

FUNCTION = """
CREATE FUNCTION chat_refuse_fenced_answer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    now_fence integer;
    yielding uuid;
    turn_fence integer;
BEGIN
    SELECT fence, yielding_turn_id INTO now_fence, yielding FROM chat_conversation
        WHERE tenant_id = NEW.tenant_id AND id = NEW.conversation_id FOR SHARE;
    IF now_fence = 0 OR now_fence IS NULL THEN
        RETURN NEW;
    END IF;
    SELECT fence INTO turn_fence FROM chat_turn WHERE tenant_id = NEW.tenant_id AND id = NEW.turn_id;
    IF coalesce(turn_fence, 0) >= now_fence THEN
        RETURN NEW;
    END IF;
    IF NEW.turn_id = yielding AND NEW.finish_reason IN ('stopped', 'interrupted') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a person has taken over this conversation' USING ERRCODE = 'check_violation',
        CONSTRAINT = 'message_fence', TABLE = 'chat_message';
END $$
"""
TRIGGERS = """
CREATE TRIGGER message_fence_insert BEFORE INSERT ON chat_message
    FOR EACH ROW WHEN (NEW.role = 'bot') EXECUTE FUNCTION chat_refuse_fenced_answer();
CREATE TRIGGER message_fence_update BEFORE UPDATE ON chat_message
    FOR EACH ROW WHEN (NEW.role = 'bot' AND (OLD.role, OLD.text, OLD.conversation_id)
        IS DISTINCT FROM (NEW.role, NEW.text, NEW.conversation_id)) EXECUTE FUNCTION chat_refuse_fenced_answer();
"""
BACK = """
DROP TRIGGER message_fence_insert ON chat_message;
DROP TRIGGER message_fence_update ON chat_message;
DROP FUNCTION chat_refuse_fenced_answer();
"""


class Migration(migrations.Migration):
    dependencies = [("chat", "0004_hand_over")]

    operations = [migrations.RunSQL(FUNCTION + ";" + TRIGGERS, BACK)]
