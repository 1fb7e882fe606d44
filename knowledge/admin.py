"""Knowledge bases for people: documents come in by drag and drop, and show how far they are."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from knowledge.admin_rows import document_rows, texts
from knowledge.collecting import (
    add_file,
    create_base,
    delete_base,
    delete_document,
    retry_document,
    stop_document,
)
from knowledge.models import Chunk, Document, KnowledgeBase
from knowledge.parsing import MAX_FILE_BYTES
from knowledge.parsing.cleaning import clean_text
from knowledge.searching import embedding_of, search_bases
from knowledge.uploading import refuse_bad_upload
from llm.door import embed_in_worker
from tenants.adminsite.auditing import audit
from tenants.adminsite.base import EDITORS, TenantModelAdmin, choice_column, column, the_seat
from tenants.adminsite.entering import enters_scope_itself
from tenants.errors import Invalid, NotFound
from tenants.scope import tenant_scope

# The page shows this many; older ones are in the list of all documents.
SHOWN_DOCUMENTS = 100
PASSAGES_PER_PAGE = 20
MAX_QUESTION_CHARACTERS = 4_000


class BaseForm(forms.ModelForm):  # type: ignore[type-arg]
    slug = forms.SlugField(
        label=gettext_lazy("Slug"),
        max_length=63,
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("The name that the API and personas use. Empty: made from the name."),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        choices=[
            ("", gettext_lazy("Mixed")),
            ("zh", gettext_lazy("Chinese")),
            ("en", gettext_lazy("English")),
        ],
    )

    class Meta:
        model = KnowledgeBase
        fields = ["name", "slug", "language"]
        widgets = {"name": UnfoldAdminTextInputWidget}

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"] or self.instance.slug
        if slug and KnowledgeBase.objects.filter(slug=slug).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a knowledge base with this slug already; choose another one."))
        return slug


@admin.register(KnowledgeBase)
class KnowledgeBaseAdmin(TenantModelAdmin):
    """A base's own page holds its documents, the upload and a search to try it."""

    changed_by = EDITORS
    form = BaseForm
    fields = ["name", "slug", "language"]
    list_display = ["name", "slug", "documents", "passages", "created_at"]
    search_fields = ["name", "slug"]
    ordering = ["name"]

    @column(gettext_lazy("documents"), ordering="document_count")
    def documents(self, base: KnowledgeBase) -> int:
        return base.document_count  # type: ignore[attr-defined, no-any-return]

    @column(gettext_lazy("passages"), ordering="chunk_total")
    def passages(self, base: KnowledgeBase) -> int:
        return base.chunk_total  # type: ignore[attr-defined, no-any-return]

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).with_counts()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        base = create_base(name=obj.name, slug=obj.slug, language=obj.language)
        obj.pk, obj.slug = base.pk, base.slug

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_base(obj)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """On to the upload, which is what a new base needs."""
        return redirect("admin:knowledge_knowledgebase_change", obj.pk)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        if base := kwargs.get("obj"):
            context |= {
                "documents": document_rows(_newest(base)),
                "texts": texts(),
                "max_file_bytes": MAX_FILE_BYTES,
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<uuid:base_id>/documents/", view(self.documents_view), name="knowledge_documents"),
            path("<uuid:base_id>/search/", view(self.search_view), name="knowledge_search"),
            *super().get_urls(),
        ]

    @enters_scope_itself
    def documents_view(self, request: HttpRequest, base_id: UUID) -> HttpResponse:
        """GET: the documents as rows, newest first. POST: take in the file `file`; it is read outside transactions."""
        tenant = the_seat(request).tenant
        with tenant_scope(tenant):
            base = self.row(request, base_id, to_change=request.method == "POST")
            if request.method != "POST":
                return JsonResponse({"documents": document_rows(_newest(base))})
        refuse_bad_upload(request)
        with tenant_scope(tenant):
            document = _take_in(self.row(request, base_id, to_change=True), request)
            audit(request, "add", document)
            return JsonResponse({"document": document_rows([document])[0]}, status=202)

    @enters_scope_itself
    @method_decorator(require_POST)
    def search_view(self, request: HttpRequest, base_id: UUID) -> HttpResponse:
        """What a question finds, as a piece of the page. The question is embedded outside any transaction."""
        tenant = the_seat(request).tenant
        query = clean_text(request.POST.get("query", "")).strip()
        if not query or len(query) > MAX_QUESTION_CHARACTERS:
            raise Invalid.field("query", _("Write a question of at most 4,000 characters."))
        with tenant_scope(tenant):
            base = self.row(request, base_id)
            routes = embedding_of(tenant.pk, [base.pk])
        vectors = {model: embed_in_worker(route, [query], "query")[0] for model, route in routes.items()}
        with tenant_scope(tenant):
            results = search_bases(tenant.pk, [base.pk], query, vectors)
        return TemplateResponse(request, "admin/knowledge/found.html", {"results": results})


def _newest(base: KnowledgeBase) -> Any:
    return base.documents.order_by("-id")[:SHOWN_DOCUMENTS]


def _take_in(base: KnowledgeBase, request: HttpRequest) -> Document:
    upload = request.FILES.get("file")
    if upload is None:
        raise Invalid.field("file", _("A file is needed."))
    return add_file(
        base=base,
        filename=upload.name or "",
        data=upload.read(),
        declared_type=upload.content_type or "",
    )


@admin.register(Document)
class DocumentAdmin(TenantModelAdmin):
    """All documents of the tenant. They come in by way of a base, and are never edited."""

    changed_by = EDITORS
    list_display = ["title", "base", "status_label", "chunk_count", "created_at"]
    list_select_related = ["base"]
    list_filter = ["status", "base"]
    search_fields = ["title", "filename"]
    ordering = ["-id"]

    status_label = choice_column(
        "status",
        gettext_lazy("Status"),
        {
            Document.Status.READY: "success",
            Document.Status.FAILED: "danger",
            Document.Status.CANCELLED: "",
        },
    )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("base")

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """The document with its passages, a page at a time."""
        document = self.row(request, object_id)
        passages = Chunk.objects.filter(document_id=document.pk).order_by("ordinal")
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": document.title,
            "document": document,
            "row": document_rows([document])[0],
            "texts": texts(),
            "page": Paginator(passages, PASSAGES_PER_PAGE).get_page(request.GET.get("page")),
            "may_change": self.has_change_permission(request, document),
        }
        return TemplateResponse(request, "admin/knowledge/document.html", context)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        delete_document(obj)

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        return redirect("admin:knowledge_document_changelist")

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.act)
        return [
            path("<uuid:document_id>/do/<slug:action>/", view, name="knowledge_document_act"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def act(self, request: HttpRequest, document_id: UUID, action: str) -> HttpResponse:
        """Stop, start again, confirm or delete. A script gets the row; a plain form goes back to the page."""
        document = self.row(request, document_id, to_change=True)
        match action:
            case "cancel":
                stop_document(document)
            case "retry":
                retry_document(document)
            case "confirm":
                retry_document(document, is_confirmed=True)
            case "delete":
                delete_document(document)
            case _:
                raise NotFound
        audit(request, action, document)
        if action == "delete":
            return JsonResponse({"document": None})
        return JsonResponse({"document": document_rows([document])[0]})
