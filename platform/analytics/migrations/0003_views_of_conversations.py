"""The built-in dataset: whoever owns its views may read what they show."""

from django.db import migrations

from analytics.datasets.opening import OpenToViews


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0002_meaning"),
        ("chat", "0002_turn_is_retryable"),
        ("personas", "0001_initial"),
        ("knowledge", "0001_initial"),
        ("llm", "0001_initial"),
    ]

    operations = [
        OpenToViews(
            {
                "chat_conversation": [
                    "tenant_id", "id", "persona_id", "end_user_id", "state", "is_test", "opened_at", "last_message_at",
                    "message_count",
                ],
                "chat_enduser": ["tenant_id", "id", "external_id"],
                "chat_message": [
                    "tenant_id", "id", "conversation_id", "role", "text", "citations", "finish_reason", "feedback",
                    "feedback_comment", "replaced_at", "created_at",
                ],
                "chat_turn": [
                    "tenant_id", "id", "conversation_id", "status", "error_code", "persona_version", "input_tokens",
                    "output_tokens", "cost", "first_token_ms", "total_ms", "created_at", "finished_at",
                ],
                "knowledge_document": [
                    "tenant_id", "id", "base_id", "title", "status", "size_bytes", "chunk_count", "created_at",
                    "ready_at",
                ],
                "knowledge_knowledgebase": ["tenant_id", "id", "name"],
                "llm_modelcall": [
                    "tenant_id", "id", "at", "operation", "model", "persona_id", "conversation_id", "input_tokens",
                    "output_tokens", "cached_tokens", "cost", "currency", "duration_ms", "outcome", "error_code",
                ],
                "personas_persona": ["tenant_id", "id", "name", "slug"],
            }
        )
    ]  # fmt: skip
