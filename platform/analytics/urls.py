from django.urls import path

from analytics.api.audit import RunList
from analytics.api.datasets import DatasetDetail, DatasetList, DatasetRefresh
from analytics.api.files import ColumnDetail, FileCancel, FileDetail, FileList, FileRetry
from analytics.api.runs import RunView

urlpatterns = [
    path("datasets/", DatasetList.as_view(), name="datasets"),
    path("datasets/<uuid:dataset_id>/", DatasetDetail.as_view(), name="dataset"),
    path("datasets/<uuid:dataset_id>/refresh/", DatasetRefresh.as_view()),
    path("datasets/<uuid:dataset_id>/files/", FileList.as_view()),
    path("datasets/<uuid:dataset_id>/files/<uuid:file_id>/", FileDetail.as_view()),
    path("datasets/<uuid:dataset_id>/files/<uuid:file_id>/cancel/", FileCancel.as_view()),
    path("datasets/<uuid:dataset_id>/files/<uuid:file_id>/retry/", FileRetry.as_view()),
    path("datasets/<uuid:dataset_id>/tables/<str:table>/columns/<str:column>/", ColumnDetail.as_view()),
    path("runs/", RunList.as_view()),
    path("datasets/<uuid:dataset_id>/run/", RunView.as_view()),
]
