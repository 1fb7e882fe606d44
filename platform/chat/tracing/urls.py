"""The tests of a persona, below the persona's own address."""

from django.urls import path

from chat.api.tests import AnswerTestDetail, AnswerTestList, RunTests, TestRunCancel, TestRunDetail, TestRunList

TESTS = "personas/<str:persona>/tests/"

urlpatterns = [
    path(TESTS, AnswerTestList.as_view(), name="persona-tests"),
    path(f"{TESTS}run/", RunTests.as_view(), name="persona-tests-run"),
    path(f"{TESTS}runs/", TestRunList.as_view(), name="persona-test-runs"),
    path(f"{TESTS}runs/<uuid:run_id>/", TestRunDetail.as_view(), name="persona-test-run"),
    path(f"{TESTS}runs/<uuid:run_id>/cancel/", TestRunCancel.as_view(), name="persona-test-run-cancel"),
    path(f"{TESTS}<uuid:test_id>/", AnswerTestDetail.as_view(), name="persona-test"),
]
