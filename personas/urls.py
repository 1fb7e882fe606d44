from django.urls import path

from personas.views import (
    KindDetail,
    KindList,
    PersonaDetail,
    PersonaList,
    PromptView,
    PublishView,
    RollbackView,
    VersionList,
)

urlpatterns = [
    path("personas/", PersonaList.as_view(), name="personas"),
    path("personas/<str:persona>/", PersonaDetail.as_view(), name="persona"),
    path("personas/<str:persona>/publish/", PublishView.as_view(), name="persona-publish"),
    path("personas/<str:persona>/rollback/", RollbackView.as_view(), name="persona-rollback"),
    path("personas/<str:persona>/versions/", VersionList.as_view(), name="persona-versions"),
    path("personas/<str:persona>/prompt/", PromptView.as_view(), name="persona-prompt"),
    path("persona-kinds/", KindList.as_view(), name="persona-kinds"),
    path("persona-kinds/<str:kind>/", KindDetail.as_view(), name="persona-kind"),
]
