"""What a line asks for, told by its form: sentences of any game, none of them of the demo's village."""

import pytest

from npc.turns.deeds import deeds_in
from npc.turns.wishes import Wish, wishes_in

WISHES = [
    "I brought you a sword.", "Here is a flower for you.", "Do you promise to stay?", "这朵花送给你。",
    "你答应留下吗？",
    "Could I get a room for the night?", "Open the gate!", "I'll have two ales.", "Pour me a drink, will you?",
    "Guard, let me through.", "Mind lending me your lamp?", "Light the lantern.", "Raise the sails, sailor!",
    "Heal my wounds, priest.", "A beer, please.", "Repair this sword for me.", "You could show me the cellar.",
    "I wonder if you'd sell me that map?", "How much do you want for the map? I'll buy it.", "Sing!",
    "Let's dance.", "Give it back!", "Hand over the key.", "Would you mind opening the window?",
    "I need you to follow me.", "Follow me.", "Wait here.", "Stay here until I return.",
    "Kneel before your queen.", "Fetch some water, boy.", "Bow to me.", "Any chance of a discount on that lamp?",
    "You must help me carry this.", "Why don't you play us a tune?", "Shake on it?", "Pass the salt.",
    "Be so good as to close the door.", "Can't you unlock it?", "Hug me.", "Clap your hands if you like it.",
    "把灯点上。", "给我来两碗酒。", "掌柜的，住店！", "打开城门！", "能帮我修修这把剑吗？", "我想买张地图。",
    "唱个曲儿听听。", "跟上我。", "在这儿等我。", "师傅，替我磨磨刀。", "来一壶茶。", "把钥匙交出来。",
    "带我去地窖。", "要一间上房。", "可以卖我一盏灯吗？", "笑一个嘛。", "你来弹一曲？", "麻烦开一下窗。",
    "抱一抱我。", "站起来！", "过来。", "坐下。", "扶我一把。", "跪下！", "给他一杯水。", "我出五文，卖不卖？",
    "快走！", "为我们弹一曲吧。", "你能把门打开吗", "借你的船用用。", "有没有多余的绳子，分我一段？", "点点头。",
]  # fmt: skip
TALK = [
    "Good morning, innkeeper.", "I saw a dragon yesterday.", "What is your favourite song?",
    "Do you like it here?", "My horse is tired.", "Is the ferry safe?", "How long have you lived here?",
    "Thank you for the ale.", "I bought a sword in the city.", "You look tired.", "Who built this castle?",
    "The gate was open this morning.", "They sell candles in the city.", "I don't want any ale.",
    "Don't open the gate!", "Tell me about the king.", "Can you tell me who lives there?", "That's a nice lamp.",
    "Have you ever seen the sea?", "Do you know the smith?", "Never mind.", "Yesterday I gave my sister a ring.",
    "Why did you leave the army?", "Strange weather we are having.", "I remember when we used to dance.",
    "Your soup smells wonderful.", "Everyone follows the king.", "Did you ring that bell?", "Were you happy then?",
    "When does the shop open?", "I already have a lamp.", "She gave me a cake.", "Is that a real sword?",
    "Isn't the view lovely?", "你好，掌柜的。", "我昨天看见一条龙。", "你最喜欢哪首曲子？", "我的马累了。",
    "这酒真好喝！", "谁建的这座城？", "城里有人卖蜡烛。", "我不想喝酒。", "别开门！", "说说国王的事吧。",
    "你认识铁匠吗？", "天气真怪。", "你在这儿住了多久？", "我妈以前常给我唱歌。", "那盏灯真漂亮！", "你见过海吗？",
    "谢谢你的酒。", "我已经有灯了。", "他送了我一枚戒指。", "这把剑是真的吗？", "你为什么离开军队？",
    "你看起来很累。", "店几点开门？", "钟是你敲的吗？", "我爷爷也是船夫。", "我记得小时候跳过舞。",
    "这里冬天冷吗？", "我喜欢你的帽子。",
]  # fmt: skip


@pytest.mark.parametrize("line", WISHES)
def test_a_wish_is_heard(line):
    assert Wish.DEED in wishes_in(line)


@pytest.mark.parametrize("line", TALK)
def test_talk_is_no_wish(line):
    assert not wishes_in(line)


@pytest.mark.parametrize(
    "line",
    [
        "How do I get to the castle?",
        "Which way to the harbour?",
        "Where's the smithy?",
        "城堡怎么走？",
        "请问码头在哪儿？",
    ],
)
def test_who_is_lost_asks_for_the_way(line):
    assert Wish.WAY in wishes_in(line)


def test_a_longer_form_hides_the_shorter_ones_in_it():
    assert deeds_in("Stop following me!") == deeds_in("留下") != deeds_in("Follow me!") == deeds_in("跟我来")
    assert not deeds_in("Good morning.") | deeds_in("早上好")
