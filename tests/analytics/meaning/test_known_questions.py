"""Which verified questions are tried for another one, and shown to a model."""

import numpy as np
import pytest

from analytics.catalogues import catalogue_of
from analytics.meaning import approved_pairs, examples_for, has_pair_for, likely_pairs, rebind, said_values
from analytics.meaning.known_questions import EXAMPLES, NEAR_ENOUGH, nearest_pairs, sharing_words
from analytics.models import Approval, VerifiedPair
from llm.errors import ProviderUnavailable
from tests.analytics.meaning.test_looking_up import know


def verified(business, dataset, question, sql="SELECT count(*) FROM customers", status=Approval.APPROVED):
    with business.scope():
        origin = VerifiedPair.Origin.MEMBER
        return VerifiedPair.objects.create(dataset=dataset, question=question, sql=sql, status=status, origin=origin)


@pytest.fixture
def no_vectors(monkeypatch):
    def unavailable(*_args, **_options):
        raise ProviderUnavailable("gone")

    monkeypatch.setattr("analytics.meaning.known_questions.embed_in_worker", unavailable)


def test_the_nearest_verified_question_answers_with_other_names(acme, shop):
    know(acme, shop, "product", "龙井茶")
    know(acme, shop, "product", "茶杯")
    verified(acme, shop, "有多少客户")
    pair = verified(acme, shop, "龙井茶的金额合计", "SELECT sum(amount) FROM orders WHERE product = '龙井茶'")
    verified(acme, shop, "茶杯的金额合计", "SELECT 1", status=Approval.PROPOSED)

    (nearest, likeness), *others = nearest_pairs(shop, approved_pairs(shop), "茶杯的金额合计")

    assert nearest == pair
    assert likeness > NEAR_ENOUGH
    assert len(others) == 1  # what nobody approved is no example
    with acme.scope():
        catalogue = catalogue_of(shop)
        pair.refresh_from_db()
    values = said_values(shop, catalogue, "茶杯的金额合计")
    assert rebind(pair, "茶杯的金额合计", catalogue, values).endswith("\"product\" = '茶杯'")
    assert np.frombuffer(bytes(pair.vector), np.float32).shape == (384,)


@pytest.mark.usefixtures("no_vectors")
@pytest.mark.parametrize(
    ("known", "question"),
    [
        ("How many customers were there in 2024?", "How many customers were there in 2025?"),
        ("2024年有多少客户？", "2025年有多少客户"),
    ],
)
def test_a_question_of_the_same_words_is_found_without_a_vector(acme, shop, known, question):
    verified(acme, shop, "各城市的订单数", "SELECT 1")
    pair = verified(acme, shop, known)
    assert next(likely_pairs(shop, approved_pairs(shop), question)) == pair


def test_one_in_other_words_is_found_by_its_vector(acme, shop):
    pair = verified(acme, shop, "有多少客户")
    pairs = approved_pairs(shop)
    assert sharing_words(pairs, "How many customers?") == []
    assert list(likely_pairs(shop, pairs, "How many customers?")) == [pair]


@pytest.mark.usefixtures("no_vectors")
def test_without_the_provider_words_are_what_is_left(acme, shop):
    pair = verified(acme, shop, "有多少客户")
    pairs = approved_pairs(shop)
    assert nearest_pairs(shop, pairs, "有多少客户") == []
    assert list(likely_pairs(shop, pairs, "有多少客户呢？")) == [pair]
    assert list(likely_pairs(shop, pairs, "How many customers?")) == []


@pytest.mark.usefixtures("no_vectors")
def test_a_few_are_all_shown_to_a_model(acme, shop):
    for number in range(EXAMPLES):
        verified(acme, shop, f"有多少客户 {number}")
    pairs = approved_pairs(shop)
    assert examples_for(shop, pairs, "Anything") == pairs


def test_of_more_the_nearest_are_shown(acme, shop):
    for number in range(EXAMPLES):
        verified(acme, shop, f"How many orders had more than {number} pieces?", "SELECT count(*) FROM orders")
    wanted = verified(acme, shop, "Where do the customers live?", "SELECT city FROM customers")
    shown = examples_for(shop, approved_pairs(shop), "In which cities are our customers?")
    assert len(shown) == EXAMPLES
    assert shown[0] == wanted


def test_a_neighbours_questions_are_never_tried(acme, globex, shop, build_dataset):
    theirs = build_dataset(globex, {"customers": ([("name", "text")], [])})
    verified(globex, theirs, "有多少客户")
    with acme.scope():
        catalogue = catalogue_of(shop)
    assert approved_pairs(shop) == []
    assert not has_pair_for(shop, catalogue, "有多少客户")


def test_no_pairs_are_no_trouble(shop):
    assert list(likely_pairs(shop, approved_pairs(shop), "?")) == []
