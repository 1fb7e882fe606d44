"""Alice fills Acme's handbook: documents come in, are worked on, stopped, tried again and deleted."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from jobs.handlers import Run, Stopped
from jobs.models import Job
from knowledge import ingestion
from knowledge.models import Chunk, ChunkVector384, Document, DocumentSource, Space, Term
from knowledge.parsing import apart
from llm.errors import ProviderUnavailable
from llm.models import ModelCall
from tenants.scope import tenant_scope
from tests.knowledge import files
from tests.knowledge.conftest import Shelf, work_off

RETURNS = "收到商品后七天内可以无理由退货，来回的运费由本店承担；已经拆封的茶叶除外。"
SHIPPING = "We ship within two days to all of China, and within ten days to Japan, Singapore and Germany."
MANUAL = f"# 退货\n\n{RETURNS}\n\n# Shipping\n\n{SHIPPING}\n"


def tables_of(shelf: Shelf) -> dict[str, int]:
    """How many rows of each kind the tenant holds."""
    with shelf.business.scope():
        return {
            model.__name__: model.objects.count() for model in (Document, DocumentSource, Chunk, ChunkVector384, Term)
        }


# Coming in


def test_a_markdown_file_becomes_passages(shelf):
    document = shelf.keep("manual.md", MANUAL.encode())

    assert document["status"] == "ready"
    assert document["title"] == "退货"
    assert document["media_type"] == "text/markdown"
    assert document["chunk_count"] == 2
    assert document["progress"] == {"done": 2, "total": 2}
    assert document["error"] is None
    assert document["queue"] is None
    assert len(document["content_sha256"]) == 64
    chunks = shelf.business.api.get(f"/api/v1/documents/{document['id']}/chunks/").json()["results"]
    assert [(c["ordinal"], c["heading"], c["text"], c["enabled"], c["page"]) for c in chunks] == [
        (0, "", RETURNS, True, None),
        (1, "Shipping", SHIPPING, True, None),
    ]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", files.RETURNS_ZH.encode("gb18030")),
        ("a.html", b"<h1>Returns</h1><p>Within seven days.</p>"),
        ("a.pdf", files.pdf([[("退货说明", 18), ("七天内可以退货。", 12)]])),
        ("a.docx", files.word([("Heading 1", "退货"), ("Normal", "七天内可以退货。")])),
        ("a.csv", "品名,价格\n龙井,128\n".encode()),
        ("a.xlsx", files.workbook(茶=[["品名", "价格"], ["龙井", 128]])),
    ],
)
def test_every_kind_of_file_can_be_found_afterwards(shelf, name, data):
    document = shelf.keep(name, data, metadata='{"shop": "杭州"}')

    assert document["status"] == "ready", document
    found = shelf.search("退货 returns 龙井 价格")
    assert found[0]["document_id"] == document["id"]
    assert found[0]["metadata"] == {"shop": "杭州"}


def test_a_text_is_taken_without_a_file(shelf):
    document = shelf.keep("Opening hours", "We open at nine.", metadata={"lang": "en"})

    assert (document["title"], document["status"]) == ("Opening hours", "ready")
    assert document["metadata"] == {"lang": "en"}


def test_the_offsets_of_a_passage_lie_in_the_stored_text(shelf):
    document = shelf.keep("manual.md", MANUAL.encode())

    with shelf.business.scope():
        text = DocumentSource.objects.get(document_id=document["id"]).text
        for chunk in Chunk.objects.filter(document_id=document["id"]):
            assert text[chunk.start : chunk.end] == chunk.text


def test_the_same_file_twice_is_one_document(shelf):
    first = shelf.put("manual.md", MANUAL.encode()).json()
    second = shelf.put("manual.md", MANUAL.encode()).json()
    other = shelf.put("manual.md", MANUAL.encode(), metadata='{"year": 2026}').json()

    assert first["id"] == second["id"] != other["id"]


def test_an_idempotency_key_gives_the_first_answer_again(shelf):
    body = {"title": "Hours", "text": "We open at nine."}
    first, second = (
        shelf.business.api.post(f"{shelf.path}documents/", body, **{"Idempotency-Key": "hours-1"}) for _ in range(2)
    )

    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert tables_of(shelf)["Document"] == 1


# In line


def test_waiting_documents_know_their_place(shelf):
    ids = [shelf.write(f"Note {n}", f"Number {n} is about tea.").json()["id"] for n in range(3)]

    assert [shelf.document(one)["queue"]["position"] for one in ids] == [1, 2, 3]
    assert {shelf.document(one)["status"] for one in ids} == {"queued"}


def test_a_neighbours_queue_is_not_counted(shelf, globex, open_shelf):
    open_shelf(globex).write("Note", "Globex waits too.")

    ours = shelf.write("Note", "Acme waits.").json()

    assert ours["queue"]["position"] == 1


def test_a_long_document_lets_others_have_a_turn(shelf, monkeypatch):
    monkeypatch.setattr(ingestion, "SLICE_S", 0.0)
    monkeypatch.setattr(ingestion, "BUNDLED_BATCH", 1)
    document = shelf.write("Long", "\n\n".join(f"# Part {n}\n\n{SHIPPING}" for n in range(3)))
    seen = []
    monkeypatch.setattr(ingestion, "_embed_batch", watching(ingestion._embed_batch, seen))

    work_off(shelf.business)

    assert [done for done, _total in seen] == [0, 1, 2]
    assert shelf.document(document.json()["id"])["status"] == "ready"
    with shelf.business.scope():
        assert Job.objects.get().attempts == 1


def watching(embed: Any, seen: list[tuple[int, int]]) -> Any:
    def watched(run: Run, document: Document) -> None:
        with tenant_scope(run.tenant_id):
            seen.append(Document.objects.values_list("progress_done", "progress_total").get(pk=document.pk))
        embed(run, document)

    return watched


# Long ones ask first


def test_a_very_long_document_asks_first(shelf, monkeypatch):
    monkeypatch.setattr(ingestion, "ASK_ABOVE_CHUNKS", 2)
    text = "\n\n".join(f"# Part {n}\n\n{SHIPPING} Number {n}." for n in range(4))

    document = shelf.keep("Long", text)

    assert document["status"] == "failed"
    assert document["error"]["code"] == "precondition_required"
    assert "4 passages" in document["error"]["detail"]
    assert tables_of(shelf)["Chunk"] == 0
    retry = f"/api/v1/documents/{document['id']}/retry/"
    refused = shelf.business.api.post(retry)
    assert (refused.status_code, refused.json()["code"]) == (428, "precondition_required")

    assert shelf.business.api.post(retry, {"confirm": True}).status_code == 202
    work_off(shelf.business)

    assert shelf.document(document["id"])["status"] == "ready"
    assert tables_of(shelf)["ChunkVector384"] == 4


def test_a_document_says_why_it_failed_in_the_readers_language(shelf, monkeypatch):
    monkeypatch.setattr(ingestion, "ASK_ABOVE_CHUNKS", 2)
    long = shelf.keep("Long", "\n\n".join(f"# Part {n}\n\n{SHIPPING} Number {n}." for n in range(4)))
    monkeypatch.setattr(apart, "READ_AT_ONCE_BYTES", 0)
    empty = shelf.keep("scan.pdf", files.pdf([[]]))

    def told(document: dict[str, Any], language: str) -> str:
        path = f"/api/v1/documents/{document['id']}/"
        answer = shelf.business.api.client.get(path, headers={"Accept-Language": language})
        return str(answer.json()["error"]["detail"])

    assert told(empty, "en").startswith("No text was found in the file.")
    assert told(empty, "zh-CN").startswith("文件中没有文字")
    assert "makes 4 passages, which takes about 1 minutes" in told(long, "en")
    assert told(long, "zh-CN").startswith("文档将拆成 4 个段落，处理约需 1 分钟。")
    retry = f"/api/v1/documents/{long['id']}/retry/"
    refused = shelf.business.api.post(retry, **{"Accept-Language": "zh-CN"})
    assert refused.json()["detail"].startswith("文档将拆成 4 个段落")


# Stopping and trying again


def test_a_cancelled_document_is_not_worked_on_and_can_be_tried_again(shelf):
    document = shelf.write("Note", "About tea.").json()

    cancelled = shelf.business.api.post(f"/api/v1/documents/{document['id']}/cancel/").json()
    work_off(shelf.business)

    assert cancelled["status"] == shelf.document(document["id"])["status"] == "cancelled"
    assert shelf.search("tea") == []
    assert shelf.business.api.post(f"/api/v1/documents/{document['id']}/retry/").json()["status"] == "queued"
    work_off(shelf.business)
    assert shelf.document(document["id"])["status"] == "ready"
    assert len(shelf.search("tea")) == 1


def test_cancelling_stops_a_worker_in_the_middle(shelf, monkeypatch):
    monkeypatch.setattr(ingestion, "BUNDLED_BATCH", 1)
    document = shelf.write("Long", MANUAL).json()
    embed = ingestion._embed

    def cancel_meanwhile(*args: Any) -> Any:
        shelf.business.api.post(f"/api/v1/documents/{document['id']}/cancel/")
        return embed(*args)

    monkeypatch.setattr(ingestion, "_embed", cancel_meanwhile)
    work_off(shelf.business)

    assert shelf.document(document["id"])["status"] == "cancelled"
    assert tables_of(shelf)["ChunkVector384"] == 0


def test_only_what_runs_can_be_cancelled_and_only_what_stopped_tried_again(shelf):
    ready = shelf.keep("Note", "About tea.")

    for call in ("cancel", "retry"):
        response = shelf.business.api.post(f"/api/v1/documents/{ready['id']}/{call}/")
        assert (response.status_code, response.json()["code"]) == (409, "conflict")


def test_a_provider_that_fails_is_tried_again_and_the_work_goes_on(shelf, monkeypatch):
    embed, failures = ingestion.embed_in_worker, [ProviderUnavailable()] * 2
    calls = []

    def sometimes(*args: Any, **kwargs: Any) -> Any:
        calls.append(args)
        if failures:
            raise failures.pop()
        return embed(*args, **kwargs)

    monkeypatch.setattr(ingestion, "embed_in_worker", sometimes)

    assert shelf.keep("Note", "About tea.")["status"] == "ready"
    assert len(calls) == 3


def test_a_provider_that_stays_away_fails_the_document_with_its_code(shelf, monkeypatch):
    def never(*args: Any, **kwargs: Any) -> Any:
        raise ProviderUnavailable

    monkeypatch.setattr(ingestion, "embed_in_worker", never)
    document = shelf.keep("Note", "About tea.")

    assert (document["status"], document["error"]["code"]) == ("failed", "provider_unavailable")
    assert shelf.search("tea", mode="keyword") == []
    monkeypatch.undo()
    shelf.business.api.post(f"/api/v1/documents/{document['id']}/retry/")
    work_off(shelf.business)
    assert shelf.document(document["id"])["error"] is None
    assert len(shelf.search("tea", mode="keyword")) == 1


def test_a_worker_that_lost_its_lease_writes_nothing(shelf):
    document = shelf.write("Note", "About tea.").json()
    with shelf.business.scope():
        Job.objects.update(status=Job.Status.RUNNING, fence=7)
        stale = Job.objects.get()
        stale.fence = 6

    with pytest.raises(Stopped):
        ingestion.ingest_document(Run(stale))

    assert shelf.document(document["id"])["status"] == "queued"
    assert tables_of(shelf)["Chunk"] == 0


# Vectors


def test_vectors_of_an_unknown_size_are_refused(shelf, monkeypatch):
    monkeypatch.setattr(
        ingestion, "embed_in_worker", lambda route, texts, *a, **k: np.ones((len(texts), 100), np.float32)
    )

    document = shelf.keep("Note", "About tea.")

    assert (document["status"], document["error"]["code"]) == ("failed", "dimension_unsupported")
    with shelf.business.scope():
        assert Space.objects.count() == 0


def test_embedding_is_metered(shelf):
    shelf.keep("Note", "About tea.")

    with shelf.business.scope():
        call = ModelCall.objects.get()
    assert (call.operation, call.model, call.is_estimate) == ("embed", "multilingual-e5-small", True)
    assert call.input_tokens > 0


# Going


def test_a_deleted_document_leaves_nothing(shelf):
    empty = tables_of(shelf)
    document = shelf.keep("manual.md", MANUAL.encode())
    assert tables_of(shelf)["Term"] > 5

    assert shelf.business.api.delete(f"/api/v1/documents/{document['id']}/").status_code == 204

    assert tables_of(shelf) == empty
    assert shelf.search("退货") == []
    assert shelf.business.api.get(f"/api/v1/documents/{document['id']}/").status_code == 404


def test_words_that_another_document_has_too_are_kept(shelf):
    gone = shelf.keep("One", "Green tea and cake.")
    shelf.keep("Two", "Green tea and salt.")

    shelf.business.api.delete(f"/api/v1/documents/{gone['id']}/")

    with shelf.business.scope():
        terms = dict(Term.objects.values_list("word", "chunks"))
    assert terms == {"two": 1, "green": 1, "tea": 1, "salt": 1}


def test_deleting_a_document_stops_its_worker(shelf, monkeypatch):
    document = shelf.write("Note", "About tea.").json()
    embed = ingestion._embed

    def delete_meanwhile(*args: Any) -> Any:
        shelf.business.api.delete(f"/api/v1/documents/{document['id']}/")
        return embed(*args)

    monkeypatch.setattr(ingestion, "_embed", delete_meanwhile)
    work_off(shelf.business)

    assert set(tables_of(shelf).values()) == {0}


def test_a_deleted_base_leaves_nothing(shelf):
    shelf.keep("manual.md", MANUAL.encode())

    assert shelf.business.api.delete(shelf.path).status_code == 204

    assert set(tables_of(shelf).values()) == {0}
    with shelf.business.scope():
        assert Space.objects.count() == 0


# Bases


def test_a_base_knows_its_counts_and_its_model(shelf):
    shelf.keep("manual.md", MANUAL.encode())

    base = shelf.business.api.get(shelf.path).json()

    assert (base["slug"], base["name"], base["document_count"], base["chunk_count"]) == (
        "handbook",
        "Handbook",
        1,
        2,
    )
    assert (base["embedding_model"], base["dimension"]) == ("multilingual-e5-small", 384)


def test_a_base_is_renamed_but_not_onto_another(shelf, acme, open_shelf):
    open_shelf(acme, "员工手册", slug="staff", language="zh")

    assert acme.api.patch(shelf.path, {"name": "Guide"}).json()["name"] == "Guide"
    assert acme.api.patch(shelf.path, {"slug": "staff"}).status_code == 409
    assert acme.api.post("/api/v1/knowledge-bases/", {"name": "x", "slug": "staff"}).status_code == 409
    for unreachable in (str(uuid4()), uuid4().hex):
        assert acme.api.post("/api/v1/knowledge-bases/", {"name": "x", "slug": unreachable}).status_code == 422
    assert [base["slug"] for base in acme.api.get("/api/v1/knowledge-bases/").json()["results"]] == [
        "staff",
        "handbook",
    ]


def test_what_is_optional_may_be_null(shelf, acme):
    base = acme.api.post("/api/v1/knowledge-bases/", {"name": "Staff", "slug": None, "language": None})
    document = shelf.write("Note", "About tea.", metadata=None)
    unnamed = acme.api.post("/api/v1/knowledge-bases/", {"name": None})

    assert (base.status_code, base.json()["slug"], base.json()["language"]) == (201, "staff", "")
    assert (document.status_code, document.json()["metadata"]) == (202, {})
    assert shelf.search("tea", top_k=None, mode=None, filter=None) == []
    assert (unnamed.status_code, unnamed.json()["errors"][0]["field"]) == (422, "name")


@pytest.mark.parametrize(("said", "kept"), [("zh-CN", "zh"), ("en_GB", "en"), ("ZH", "zh"), ("", "")])
def test_the_language_of_a_base_may_name_a_region(acme, said, kept):
    answer = acme.api.post("/api/v1/knowledge-bases/", {"name": "Staff", "language": said})

    assert (answer.status_code, answer.json()["language"]) == (201, kept)


def test_documents_are_listed_newest_first_by_status(shelf):
    old = shelf.keep("Old", "About tea.")
    new = shelf.write("New", "About cake.").json()

    def listed(**query: Any) -> list[str]:
        return [one["id"] for one in shelf.business.api.get(f"{shelf.path}documents/", **query).json()["results"]]

    assert listed() == [new["id"], old["id"]]
    assert listed(status="ready") == [old["id"]]
    assert shelf.business.api.get(f"{shelf.path}documents/", status="lost").status_code == 422


def test_a_list_costs_the_same_for_three_documents_as_for_one(shelf, django_assert_max_num_queries):
    for n in range(3):
        shelf.keep(f"Note {n}", f"Number {n} is about tea.")

    with django_assert_max_num_queries(14):
        shelf.business.api.get(f"{shelf.path}documents/")
