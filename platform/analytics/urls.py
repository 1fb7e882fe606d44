from django.urls import path

from analytics.api.audit import RunList
from analytics.api.datasets import DatasetDetail, DatasetList, DatasetRefresh
from analytics.api.files import ColumnDetail, FileCancel, FileDetail, FileList, FileRetry
from analytics.api.glossary import SuggestView
from analytics.api.pairs import PairDetail, PairList
from analytics.api.questions import (
    QuestionCancel,
    QuestionClarify,
    QuestionDetail,
    QuestionFeedback,
    QuestionList,
    events_view,
)
from analytics.api.results import ChartChange, ChartPng, ChartSvg, ResultCsv, ResultXlsx
from analytics.api.runs import RunView
from analytics.api.saved import SavedDetail, SavedList, SavedLiterals, SavedRun

urlpatterns = [
    path("datasets/", DatasetList.as_view(), name="datasets"),
    path("datasets/<str:dataset_id>/", DatasetDetail.as_view(), name="dataset"),
    path("datasets/<uuid:dataset_id>/refresh/", DatasetRefresh.as_view()),
    path("datasets/<uuid:dataset_id>/files/", FileList.as_view()),
    path("datasets/<uuid:dataset_id>/files/<uuid:file_id>/", FileDetail.as_view()),
    path("datasets/<uuid:dataset_id>/files/<uuid:file_id>/cancel/", FileCancel.as_view()),
    path("datasets/<uuid:dataset_id>/files/<uuid:file_id>/retry/", FileRetry.as_view()),
    path("datasets/<uuid:dataset_id>/tables/<str:table>/columns/<str:column>/", ColumnDetail.as_view()),
    path("datasets/<uuid:dataset_id>/suggest/", SuggestView.as_view()),
    path("datasets/<uuid:dataset_id>/pairs/", PairList.as_view()),
    path("datasets/<uuid:dataset_id>/pairs/<uuid:pair_id>/", PairDetail.as_view()),
    path("questions/", QuestionList.as_view()),
    path("questions/<uuid:question_id>/", QuestionDetail.as_view()),
    path("questions/<uuid:question_id>/events/", events_view),
    path("questions/<uuid:question_id>/cancel/", QuestionCancel.as_view()),
    path("questions/<uuid:question_id>/clarify/", QuestionClarify.as_view()),
    path("questions/<uuid:question_id>/feedback/", QuestionFeedback.as_view()),
    path("questions/<uuid:question_id>/result.csv", ResultCsv.as_view()),
    path("questions/<uuid:question_id>/result.xlsx", ResultXlsx.as_view()),
    path("questions/<uuid:question_id>/chart/", ChartChange.as_view()),
    path("questions/<uuid:question_id>/chart.svg", ChartSvg.as_view()),
    path("questions/<uuid:question_id>/chart.png", ChartPng.as_view()),
    path("saved/", SavedList.as_view()),
    path("saved/literals/", SavedLiterals.as_view()),
    path("saved/<uuid:saved_id>/", SavedDetail.as_view()),
    path("saved/<uuid:saved_id>/run/", SavedRun.as_view()),
    path("runs/", RunList.as_view()),
    path("datasets/<str:dataset_id>/run/", RunView.as_view()),
]
