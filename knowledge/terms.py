"""In how many chunks of a base each word stands, kept as documents come and go."""

from django.db import connection

from knowledge.models import Document

# One document of a base at a time: two that share words would wait for each other's rows for ever.
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(base)s::text, 0))"
_HELD = """
    SELECT w.lexeme AS word, count(*) AS chunks FROM knowledge_chunk c, unnest(c.words) AS w
    WHERE c.tenant_id = %(tenant)s AND c.document_id = %(document)s GROUP BY w.lexeme
"""
_ADD = f"""
    INSERT INTO knowledge_term (id, tenant_id, base_id, word, chunks)
    SELECT gen_random_uuid(), %(tenant)s, %(base)s, held.word, held.chunks FROM ({_HELD}) AS held
    ON CONFLICT (tenant_id, base_id, word) DO UPDATE SET chunks = knowledge_term.chunks + excluded.chunks
"""  # noqa: S608 - built of constants
_TAKE = f"""
    UPDATE knowledge_term t SET chunks = greatest(t.chunks - held.chunks, 0) FROM ({_HELD}) AS held
    WHERE t.tenant_id = %(tenant)s AND t.base_id = %(base)s AND t.word = held.word
"""  # noqa: S608 - built of constants
_SWEEP = "DELETE FROM knowledge_term WHERE tenant_id = %(tenant)s AND base_id = %(base)s AND chunks = 0"


def count_terms(document: Document) -> None:
    """Add the words of a document that becomes ready. In the transaction that makes it so."""
    _run(document, _LOCK, _ADD)


def forget_terms(document: Document) -> None:
    """Take a document's words away before it is deleted; those of no other document are forgotten."""
    if document.status == Document.Status.READY:  # only then were they counted
        _run(document, _LOCK, _TAKE, _SWEEP)


def _run(document: Document, *statements: str) -> None:
    names = {"tenant": document.tenant_id, "base": document.base_id, "document": document.pk}
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, names)
