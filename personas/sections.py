"""The blocks that kinds of persona build their prompts from.

Budgets add up to a prompt of 8,000 tokens: at most 5,600 stable, and of the rest up to 3,000 for passages.
What a section leaves over goes to the ones that are served after it.
"""

from collections.abc import Sequence

from django.utils.translation import gettext_noop as _

from personas import texts
from personas.context import Source, TurnContext
from personas.prompt import Part, Section
from personas.quoting import attribute, one_line, quoted
from personas.schema import INSTRUCTIONS_MAX_TOKENS, VOICE_MAX_TOKENS
from personas.variables import fill

END_USER_NAME_MAX_CHARACTERS = 60


def rules(context: TurnContext) -> Section:
    """What holds for every persona of the platform."""
    settings, language = context.settings, context.language
    lines = [
        texts.RULES[language].format(
            name=one_line(context.persona_name, 100),
            answer_language=texts.ANSWER_LANGUAGE[settings.language][language],
        )
    ]
    if settings.safety.avoid:
        lines.append(texts.AVOID[language].format(topics="; ".join(settings.safety.avoid)))
    return Section(
        name="rules",
        text="\n".join(lines),
        priority=100,
        budget_tokens=800,
        why=_("Rules of the platform, always"),
        required=True,
    )


def persona(context: TurnContext) -> Section:
    """Who the persona is. Its budget holds the longest instructions, and some growth by variables."""
    instructions = fill(context.settings.instructions, context.variables).strip()
    return Section(
        name="persona",
        text=texts.PERSONA[context.language].format(instructions=instructions) if instructions else "",
        priority=90,
        budget_tokens=INSTRUCTIONS_MAX_TOKENS + 50,
        why=_("Instructions of the persona"),
        required=True,
    )


def voice(context: TurnContext) -> Section:
    wording = fill(context.settings.voice, context.variables).strip()
    return Section(
        name="voice",
        text=texts.VOICE[context.language].format(voice=wording) if wording else "",
        priority=80,
        budget_tokens=VOICE_MAX_TOKENS + 50,
        why=_("Voice of the persona"),
    )


def examples(context: TurnContext, *, budget_tokens: int) -> Section:
    """Authored exchanges, as many as fit, the first ones first."""
    settings, language = context.settings, context.language
    name = one_line(context.persona_name, 100)
    parts = tuple(
        Part(texts.EXAMPLE[language].format(user=each.user, say=each.say, name=name)) for each in settings.examples
    )
    return Section(
        name="examples",
        text=texts.EXAMPLES[language] if parts else "",
        priority=40,
        budget_tokens=budget_tokens,
        why=_("%(count)s examples of the persona"),
        values={"count": len(parts)},
        parts=parts,
    )


def grounding(context: TurnContext) -> Section:
    """How to answer from documents and cite them; empty for a persona that reads none."""
    settings, language = context.settings, context.language
    if not (settings.knowledge_bases or context.sources):
        return Section("grounding", "", 95, 0, "", required=True)
    refusal = texts.REFUSAL[language].format(refusal=settings.refusal) if settings.refusal else ""
    note = f" {settings.handoff.note}" if settings.handoff.note else ""
    handoff = texts.HANDOFF[language].format(note=note) if settings.handoff.enabled else ""
    return Section(
        name="grounding",
        text=texts.GROUNDING[language].format(refusal=refusal, handoff=handoff),
        priority=95,
        budget_tokens=900,
        why=_("The persona reads documents: it cites them, and says when they hold no answer"),
        required=True,
    )


def calling(context: TurnContext) -> Section:
    """How the model calls a person by a mark, where it may; empty elsewhere."""
    handoff = context.settings.handoff
    by_mark = handoff.enabled and handoff.by_persona and not handoff.by_tool
    text = texts.CALLING[context.language] if by_mark else ""
    return Section("calling", text, 85, 200, _("The persona may call a person itself"))


def knowledge(context: TurnContext, *, budget_tokens: int = 3000) -> Section:
    """The passages that were found, numbered, or the plain fact that there are none."""
    language = context.language
    if not context.sources:
        none = texts.PASSAGES_NONE[language] if context.settings.knowledge_bases else ""
        return Section("knowledge", none, 70, 100, _("The search found nothing"), stable=False)
    return Section(
        name="knowledge",
        text=f"{texts.PASSAGES_FOUND[language]}\n<passages>",
        priority=70,
        budget_tokens=budget_tokens,
        why=_("%(count)s passages found by the search"),
        values={"count": len(context.sources)},
        stable=False,
        parts=tuple(Part(_passage(source), source) for source in context.sources),
        closing="</passages>",
    )


def summary(context: TurnContext) -> Section:
    return Section(
        name="summary",
        text=f"{texts.SUMMARY[context.language]}\n<summary>\n{quoted(context.summary)}" if context.summary else "",
        priority=55,
        budget_tokens=600,
        why=_("Summary of what was said before the history"),
        stable=False,
        closing="</summary>",
    )


def end_user(context: TurnContext) -> Section:
    """The name a visitor goes by. He chose it himself, so it is data like any other."""
    name = one_line(context.end_user.name, END_USER_NAME_MAX_CHARACTERS)
    return Section(
        name="end_user",
        text=texts.END_USER[context.language].format(name=name) if name else "",
        priority=35,
        budget_tokens=120,
        why=_("Name of the end user"),
        stable=False,
    )


def now(context: TurnContext) -> Section:
    weekday = texts.WEEKDAYS[context.language][context.now.weekday()]
    moment = {"weekday": weekday, "date": f"{context.now:%Y-%m-%d}", "time": f"{context.now:%H:%M}"}
    return Section(
        name="now",
        text=texts.NOW[context.language].format(**moment),
        priority=30,
        budget_tokens=60,
        why=_("Date and time"),
        stable=False,
    )


def dialogue(context: TurnContext) -> Sequence[Section]:
    """What changes from turn to turn in every kind: summary, who is there, the time."""
    return [summary(context), end_user(context), now(context)]


def _passage(source: Source) -> str:
    where = " › ".join(part for part in (source.title, source.heading) if part)
    page = f' page="{source.page}"' if source.page is not None else ""
    return f'<passage n="{source.n}" from="{attribute(where)}"{page}>\n{quoted(source.text)}\n</passage>'
