"""What analytics keeps: datasets and their meaning, the questions asked of them, and every run of SQL."""

from analytics.models.datasets import Dataset, DatasetColumn, DatasetFile, DatasetFileSource, DatasetTable
from analytics.models.linking import KnownValue, TableVector
from analytics.models.meaning import Approval, Join, Metric, VerifiedPair
from analytics.models.questions import Question, SavedQuestion
from analytics.models.runs import SqlRun

__all__ = [
    "Approval",
    "Dataset",
    "DatasetColumn",
    "DatasetFile",
    "DatasetFileSource",
    "DatasetTable",
    "Join",
    "KnownValue",
    "Metric",
    "Question",
    "SavedQuestion",
    "SqlRun",
    "TableVector",
    "VerifiedPair",
]
