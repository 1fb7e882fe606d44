"""The reader's own words: all that it says besides quotations and a persona's authored lines."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language's words. `{title}`, `{quote}` and `{mark}` are filled in."""

    quote: str
    quote_other_language: str
    second_quote: str
    refusal: str
    offer: str
    listening: tuple[str, ...]  # a companion's lines when none of its own fits
    crisis: str
    courtesies: tuple[tuple[str, str], ...]  # a pattern for the whole of a short message, and the answer


CHINESE = Phrases(
    quote="根据《{title}》：「{quote}」{mark}",
    quote_other_language="根据《{title}》（原文为英文）：“{quote}”{mark}",
    second_quote="另见《{title}》：「{quote}」{mark}",
    refusal="抱歉，我手头的资料里没有写到这一点。",
    offer="需要的话，我可以请同事来帮您。",
    listening=(
        "嗯，我在听，你慢慢说。",
        "这个我不太会接，可以换个说法再告诉我一次吗？",
        "我还不太懂，不过愿意听你多讲一点。",
    ),
    crisis=(
        "听到您这么说，我很担心，也谢谢您说出来。我只是一个自动回复的程序，帮不了这么重的事，请现在就联系真人："
        "在中国可以拨打 12356 心理援助热线，有危险时请拨 110 或 120；也请告诉一位您信任的人，让对方陪着您。"
    ),
    courtesies=(
        (
            r"(?:你好|您好|嗨|哈喽|在吗|在不在|早上好|早安|下午好|晚上好|有人吗)[呀啊吗呢]?",
            "您好，请问想了解什么？",
        ),
        (r"(?:非常|太|多)?(?:谢谢|感谢|多谢|谢了)(?:你|您|啦|了|你们)*", "不客气，还有问题随时问我。"),
        (r"(?:再见|拜拜|回见|下次见)[啦了]?", "再见，欢迎随时再来。"),
    ),
)
ENGLISH = Phrases(
    quote="According to “{title}”: “{quote}” {mark}",
    quote_other_language="According to “{title}” (in Chinese): 「{quote}」 {mark}",
    second_quote="See also “{title}”: “{quote}” {mark}",
    refusal="I am sorry, the documents I have do not say.",
    offer="If you like, I can ask a colleague to help you.",
    listening=(
        "I am listening; take your time.",
        "I am not sure how to answer that. Could you put it another way?",
        "I do not quite follow yet, but I would like to hear more.",
    ),
    crisis=(
        "I am worried about you, and glad that you said it. I am only an automatic assistant, and this "
        "needs a real person, now: in the US or Canada call or text 988, in the UK and Ireland call "
        "Samaritans on 116 123, elsewhere see findahelpline.com; in danger call your emergency number. "
        "Please tell someone you trust, and let them stay with you."
    ),
    courtesies=(
        (
            r"(?:hi|hello|hey|good (?:morning|afternoon|evening)|anyone there|are you there)(?: there| all)?",
            "Hello, what would you like to know?",
        ),
        (
            r"(?:many |ok |great )?(?:thanks?|thank you|thx|cheers)(?: a lot| so much| very much| you)?",
            "You are welcome.",
        ),
        (r"(?:good ?bye|bye|bye bye|see you(?: later)?|good night)(?: now)?", "Goodbye, come back any time."),
    ),
)


def phrases(language: str) -> Phrases:
    """The words for "zh" or "en"; a language not spoken here gets English."""
    return CHINESE if language.startswith("zh") else ENGLISH
