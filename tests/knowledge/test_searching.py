"""Searching the handbook: by words, by meaning, in both languages, and never next door."""

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections

from knowledge import searching
from knowledge.models import Chunk, Document
from llm.door import embed_in_worker
from llm.models import Route
from llm.routes import platform_route
from tests.fakes.openai_server import fail

TEAS = {
    "Green tea": "Misty Peak is a green tea of the first spring picking. Brew it at eighty degrees.",
    "Kettle": "The kettle TG-200 has a two-year guarantee. It switches itself off.",
    "退货": "收到商品后七天内可以无理由退货，来回运费由本店承担。",
    "运费": "中国大陆订单满九十九元包邮，不满收运费八元。新疆和西藏另收十八元。",
    "Opening hours": "The shop is open from Tuesday to Sunday, from ten in the morning to eight at night.",
}


def fill(shelf):
    for title, text in TEAS.items():
        shelf.write(title, text, metadata={"lang": "en" if title.isascii() else "zh"})
    shelf.keep("Note", "Carol likes her tea with milk.", metadata={"lang": "en", "private": True})
    return shelf


@pytest.fixture(scope="module")
def filled(open_business, open_shelf):
    """A handbook of six documents, for those who only search."""
    return fill(open_shelf(open_business("Acme")))


def titles(results: list[dict[str, Any]]) -> list[str]:
    return [result["title"] for result in results]


# Finding


QUESTIONS = [
    ("How hot should the water for green tea be?", "Green tea"),
    ("When do you close on Sundays?", "Opening hours"),
    ("tg200", "Kettle"),
    ("TG 200 guarantee", "Kettle"),
    ("买了不喜欢可以退吗？", "退货"),
    ("寄到新疆要多少钱", "运费"),
    ("退貨的運費誰付？", "退货"),
    ("绿茶用多少度的水泡？", "Green tea"),
    ("Can I send something back?", "退货"),
]


def test_a_question_finds_its_passage_in_either_language(filled):
    found = {question: titles(filled.search(question, top_k=2)) for question, _title in QUESTIONS}

    assert [question for question, title in QUESTIONS if title not in found[question]] == []


def test_a_result_says_where_it_stands_and_which_side_found_it(filled):
    best = filled.search("TG-200 guarantee", top_k=1)[0]

    assert best["title"] == "Kettle"
    assert best["text"] == TEAS["Kettle"]
    assert (best["start"], best["end"], best["page"]) == (0, len(TEAS["Kettle"]), None)
    assert (best["vector_rank"], best["keyword_rank"]) == (1, 1)
    assert best["metadata"] == {"lang": "en"}
    assert UUID(best["chunk_id"])
    assert 0.3 < best["score"] < 0.9


def test_results_come_best_first(filled):
    scores = [result["score"] for result in filled.search("tea", top_k=6)]

    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 6


def test_as_many_as_asked_for_or_all_there_are(filled):
    assert [len(filled.search("volcano", top_k=top_k)) for top_k in (1, 3, 6, 50)] == [1, 3, 6, 6]


def test_by_words_alone_only_what_holds_one(filled):
    results = filled.search("kettle guarantee", mode="keyword")

    assert titles(results) == ["Kettle"]
    assert results[0]["vector_rank"] is None
    assert filled.search("volcano eruption", mode="keyword") == []


def test_by_meaning_alone_no_word_counts(filled):
    results = filled.search("TG-200", mode="vector")

    assert {result["keyword_rank"] for result in results} == {None}


def test_metadata_narrows_the_search(filled):
    assert set(titles(filled.search("运费", filter={"lang": "zh"}))) == {"退货", "运费"}
    assert titles(filled.search("tea", filter={"lang": "en", "private": True})) == ["Note"]
    assert filled.search("tea", filter={"lang": "fr"}) == []


def test_what_is_not_ready_or_switched_off_is_not_found(shelf):
    filled = fill(shelf)
    with filled.business.scope():
        Document.objects.filter(title="Kettle").update(status=Document.Status.EMBEDDING)
        Chunk.objects.filter(text=TEAS["Green tea"]).update(enabled=False)

    for mode in ("hybrid", "vector", "keyword"):
        assert not {"Kettle", "Green tea"} & set(titles(filled.search("green tea kettle TG-200", mode=mode, top_k=9)))


def test_an_empty_base_finds_nothing(shelf):
    assert shelf.search("anything") == []


# The index


def test_a_large_base_is_searched_by_its_index_with_the_same_result(filled, monkeypatch):
    exact = filled.search("green tea", mode="vector", top_k=6)
    monkeypatch.setattr(searching, "EXACT_BELOW", 0)

    assert filled.search("green tea", mode="vector", top_k=6) == exact


def test_an_index_that_finds_too_few_is_not_believed(filled, monkeypatch):
    monkeypatch.setattr(searching, "EXACT_BELOW", 0)
    monkeypatch.setattr(
        searching,
        "_indexed_sql",
        lambda table: searching._exact_sql(table).replace("LIMIT", "OFFSET 3 LIMIT"),
    )

    assert len(filled.search("green tea", mode="vector", top_k=6)) == 6


def test_both_halves_use_their_index_in_one_partition(shelf):
    filled = fill(shelf)
    asked = {"vector": str([0.1] * 384), "base": filled.id, "space": uuid4(), "only": None, "unready": []}
    nearest_sql = searching._indexed_sql("knowledge_chunk_vector_384")
    with filled.business.scope(), connection.cursor() as cursor:
        for kind in ("seqscan", "sort", "bitmapscan"):  # six rows are read faster without an index
            cursor.execute(f"SET LOCAL enable_{kind} = off")
        nearest = explain(cursor, nearest_sql, asked | {"tenant": filled.business.id, "limit": 50})
    with connections["owner"].cursor() as cursor:  # as the function runs
        add_chunks(cursor, filled, 5_000)
        words_sql = body_of(cursor, "knowledge_find_words").replace("%1$L", f"'{filled.business.id}'")
        values = [f"'{{{filled.id}}}'::uuid[]", "NULL::uuid[]", "'{}'::uuid[]", "'{tea}'::text[]"]
        values += ["'{tea}'::tsquery[]", "'{1}'::float8[]", "9"]
        for number, value in enumerate(values, start=1):
            words_sql = words_sql.replace(f"${number}", value)
        words = explain(cursor, words_sql, None)

    assert "embedding_idx" in nearest
    assert "words_idx" in words
    for plan in (nearest, words):
        assert len(set(re.findall(r"knowledge_chunk_p\d+ |knowledge_chunk_vector_384_p\d+ ", plan))) <= 2
        assert "Append" not in plan


def add_chunks(cursor: Any, shelf: Any, count: int) -> None:
    """As many passages of no meaning, all at once."""
    cursor.execute(
        """
        INSERT INTO knowledge_chunk (tenant_id, id, base_id, document_id, ordinal, text, heading,
                                     start, "end", enabled, words, word_count)
        SELECT tenant_id, gen_random_uuid(), base_id, id, n, 'x', '', 0, 1, true,
               to_tsvector('simple', md5(n::text)), 1
        FROM knowledge_document, generate_series(1, %s) n WHERE title = 'Note' AND tenant_id = %s
        """,
        [count, shelf.business.id],
    )
    cursor.execute("ANALYZE knowledge_chunk")


def body_of(cursor: Any, function: str) -> str:
    """The query inside a function of ours."""
    cursor.execute("SELECT prosrc FROM pg_proc WHERE proname = %s", [function])
    return re.search(r"\$query\$(.*)\$query\$", cursor.fetchone()[0], re.DOTALL)[1]


def explain(cursor: Any, sql: str, params: Any) -> str:
    cursor.execute(f"EXPLAIN {sql}", params)
    return "\n".join(row[0] for row in cursor.fetchall())


# The neighbour


def test_mallory_finds_nothing_of_acme(filled, globex, open_shelf):
    mallorys = open_shelf(globex, "Handbook")
    mallorys.keep("Note", "Globex sells nothing.")

    for mode in ("hybrid", "vector", "keyword"):
        assert set(titles(mallorys.search("green tea kettle 退货 运费", mode=mode, top_k=50))) <= {"Note"}


@pytest.fixture(scope="module")
def noted(open_business, open_shelf):
    """Acme's handbook with one document, and that."""
    shelf = open_shelf(open_business("Acme"))
    return shelf, shelf.keep("Note", "Carol likes her tea with milk.")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/v1/knowledge-bases/{base}/"),
        ("patch", "/api/v1/knowledge-bases/{base}/"),
        ("delete", "/api/v1/knowledge-bases/{base}/"),
        ("get", "/api/v1/knowledge-bases/{base}/documents/"),
        ("post", "/api/v1/knowledge-bases/{base}/documents/"),
        ("post", "/api/v1/knowledge-bases/{base}/search/"),
        ("get", "/api/v1/documents/{document}/"),
        ("delete", "/api/v1/documents/{document}/"),
        ("get", "/api/v1/documents/{document}/chunks/"),
        ("post", "/api/v1/documents/{document}/cancel/"),
        ("post", "/api/v1/documents/{document}/retry/"),
    ],
)
def test_acmes_ids_are_to_mallory_like_ids_that_never_were(noted, globex, method, path):
    shelf, document = noted
    bodies = {"post": {"query": "tea", "title": "x", "text": "y"}, "patch": {"name": "Mine"}}
    body = [bodies[method]] if method in bodies else []

    def tried(business: Any, base: str, document_id: str) -> tuple[int, dict[str, Any]]:
        response = getattr(business.api, method)(path.format(base=base, document=document_id), *body)
        answer = response.json()
        answer.pop("request_id")
        return response.status_code, answer

    theirs = tried(globex, shelf.id, document["id"])
    nobodys = tried(globex, str(uuid4()), str(uuid4()))

    assert theirs == nobodys
    assert theirs[0] == 404
    assert shelf.document(document["id"]) == document
    assert titles(shelf.search("tea")) == ["Note"]


def test_the_function_that_finds_words_looks_at_the_tenant_itself(filled, globex):
    call = "SELECT count(*) FROM knowledge_find_words(%s, %s, NULL, '{}', '{tea}', '{tea}', '{1}', 50)"
    values = [filled.business.id, [UUID(filled.id)]]

    def found(business: Any) -> int:
        with business.scope(), connection.cursor() as cursor:
            cursor.execute(call, values)
            return int(cursor.fetchone()[0])

    assert found(filled.business) == 2
    assert found(globex) == 0
    with connection.cursor() as cursor:  # no scope at all
        cursor.execute(call, values)
        assert cursor.fetchone()[0] == 0


def test_the_function_that_finds_words_takes_no_sql(filled):
    nasty = "x' | tea'::tsquery); DROP TABLE knowledge_chunk; --"

    assert filled.search(nasty, mode="keyword")[0]["title"] in TEAS | {"Note": ""}
    assert len(filled.search("tea", top_k=50)) == 6


def test_the_door_of_another_tenants_base_is_shut_below_the_api_too(filled, globex):
    vectors = {"multilingual-e5-small": embed_in_worker(platform_route(), ["tea"], "query")[0]}

    with globex.scope():
        assert searching.search_bases(globex.id, [UUID(filled.id)], "tea", vectors) == []
        assert searching.search_bases(filled.business.id, [UUID(filled.id)], "tea", vectors) == []


# What is asked wrongly


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": ""},
        {"query": "  \u200b "},
        {"query": "x" * 100_000},
        {"query": "tea", "top_k": 0},
        {"query": "tea", "top_k": 1000},
        {"query": "tea", "mode": "magic"},
        {"query": "tea", "filter": "lang"},
        {"query": ["tea"]},
    ],
    ids=lambda body: str(body)[:30],
)
def test_a_wrong_search_names_the_field(shelf, body):
    response = shelf.business.api.post(f"{shelf.path}search/", body)

    assert response.status_code == 422
    assert response.json()["code"] == "invalid"
    assert len(response.json()["errors"]) == 1


def test_a_key_without_the_scope_may_not_search(shelf, open_business):
    chatty = open_business("Initech", scopes=("chat",))

    response = chatty.api.post(f"{shelf.path}search/", {"query": "tea"})

    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")


def test_while_the_embedding_endpoint_is_away_words_find_and_it_is_said(acme, open_shelf, fake_openai):
    with acme.scope():
        route = Route(slug="main", base_url=fake_openai.base_url, embedding_model="fake-embedding", is_default=True)
        route.save()
    shelf = fill(open_shelf(acme))
    fake_openai.embeddings_will(fail(503), times=None)

    for question, title in (("When do you close on Sundays?", "Opening hours"), ("寄到新疆要多少钱", "运费")):
        answer = acme.api.post(f"{shelf.path}search/", {"query": question}).json()
        assert answer["results"][0]["title"] == title
        assert answer["results"][0]["vector_rank"] is None
        (left_out,) = answer["left_out"]
        assert (left_out["embedding_model"], left_out["code"]) == ("fake-embedding", "provider_unavailable")
        assert left_out["detail"]

    by_meaning = acme.api.post(f"{shelf.path}search/", {"query": "Sundays", "mode": "vector"})
    assert (by_meaning.status_code, by_meaning.json()["code"]) == (502, "provider_unavailable")
    assert "left_out" not in acme.api.post(f"{shelf.path}search/", {"query": "Sundays", "mode": "keyword"}).json()
