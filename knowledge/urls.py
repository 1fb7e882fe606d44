from django.urls import path

from knowledge.api.views import (
    ChunkList,
    DocumentCancel,
    DocumentDetail,
    DocumentList,
    DocumentRetry,
    KnowledgeBaseDetail,
    KnowledgeBaseList,
    search_view,
)

urlpatterns = [
    path("knowledge-bases/", KnowledgeBaseList.as_view(), name="knowledge-bases"),
    path("knowledge-bases/<str:base>/", KnowledgeBaseDetail.as_view(), name="knowledge-base"),
    path("knowledge-bases/<str:base>/documents/", DocumentList.as_view(), name="documents"),
    path("knowledge-bases/<str:base>/search/", search_view, name="knowledge-search"),
    path("documents/<uuid:document_id>/", DocumentDetail.as_view(), name="document"),
    path("documents/<uuid:document_id>/cancel/", DocumentCancel.as_view(), name="document-cancel"),
    path("documents/<uuid:document_id>/retry/", DocumentRetry.as_view(), name="document-retry"),
    path("documents/<uuid:document_id>/chunks/", ChunkList.as_view(), name="document-chunks"),
]
