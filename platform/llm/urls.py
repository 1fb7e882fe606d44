from django.urls import path

from llm.budget_views import BudgetDetail, BudgetList
from llm.views import UsageView

urlpatterns = [
    path("usage/", UsageView.as_view(), name="usage"),
    path("budgets/", BudgetList.as_view(), name="budgets"),
    path("budgets/<uuid:budget_id>/", BudgetDetail.as_view(), name="budget"),
]
