"""What people say who want a person, or are upset, and what sounds like it but is ordinary talk.

Written before the rules, and never changed to fit them: the tests say how many each rule gets right.
"""

ASKS_FOR_A_PERSON = """
转人工
人工客服
我要人工
人工！人工！
请帮我转接人工服务
能不能给我转个真人
有没有真人啊
我想跟真人说话
不想跟机器人聊了，找个人来
别让机器人回我了，叫你们客服来
我要找客服
请转客服专员
给我接客服
可以联系一下你们的工作人员吗
让你们经理跟我说
叫你们主管来
我要和你们负责人谈
怎么才能转到人工？
如何联系人工客服
帮我接通人工坐席
你好，麻烦转人工，谢谢
我需要人工帮助
客服呢？客服在吗
我想和店员本人沟通一下
换个真人来回答我
轉人工客服
麻煩找真人客服
能跟人工聊聊吗
真人客服
我不要机器人，我要人工服务
I want to talk to a human
Can I speak to a real person please?
human please
agent
Let me talk to someone real
Connect me to an agent
Can you transfer me to customer service?
I'd like to speak with a representative
get me a manager
I need to talk to your supervisor
Is there a human I can chat with?
put me through to a person
I don't want to talk to a bot, give me a human
Please escalate this to a human agent
operator
live agent
Could somebody from your team call me back or chat with me?
How do I reach a real human being?
Can a member of staff help me instead?
Talk to support staff please
I want a real agent, not a robot
speak to someone in person
Transfer me to a live representative now
Let me speak with the person in charge
can I chat with a live person
I would rather deal with a human
May I talk to one of your colleagues?
stop, I want a person
Hand me over to a human
please get a human on the line
""".strip().splitlines()

ASKS_FOR_NO_PERSON = """
人工智能是怎么工作的
你们的人工费怎么算
人工湖可以划船吗
这条项链是手工还是人工宝石
你是真人吗？
你是机器人还是真人
真人CS项目多少钱
真人秀什么时候播
不用转人工，你回答就行
先别转人工，我再看看
我不需要人工客服
客服电话是多少
客服几点上班
客服周末休息吗
经理套房多少钱一晚
请问负责人证书需要上传吗
店员制服是什么颜色
房间里可以加人吗
能带几个人来
一个人住多少钱
我找不到房间的遥控器
我想找一家餐厅
帮我找一下订单
你们工作人员真热情
昨天客服已经帮我解决了，谢谢
上次人工客服说可以退款，是真的吗
转账失败怎么办
怎么转到另一个套餐
人工授粉的水果好吃吗
这里招聘客服吗
Are you a real person?
Are you a bot or a human?
What does your human resources department do?
I am a real estate agent, do you have group rates?
How many people fit in the room?
What is the price per person?
A person at the desk told me breakfast is included
My travel agent booked the room
When is customer service open?
What is the phone number of customer support?
Can a second person join my booking?
Do you support people in wheelchairs?
No need to transfer me to an agent, thanks
I don't need a human, just tell me the hours
Please don't connect me to anyone
Who is the manager of the hotel?
Is the manager's special still on the menu?
Do you employ human translators?
How do I talk to my landlord about this?
Can I transfer my booking to another person?
Your staff were lovely
Is there a staff discount?
My operator does not support eSIM
What cleaning agent do you use?
The agent fee was charged twice, why?
I spoke to an agent yesterday and it is solved
How do I become a sales representative?
Can I call my friend to bring the key?
Does the human body need that much salt?
I want to talk about my booking
""".strip().splitlines()

IS_UPSET = """
你们太差劲了
这什么破服务，气死我了
垃圾平台，再也不来了
我非常生气
简直是骗子
等了三天没人管，太过分了
你们就是在敷衍我
真是让人失望透顶
客服态度恶劣
烦死了，问了三遍都答不对
我要投诉你们
退钱！你们这是欺诈
忍无可忍了
太离谱了吧
你有病吧，听不懂人话
什么玩意儿，根本没用
受不了了，一直答非所问
糟糕透了的体验
你们不讲信用，坑人
我快崩溃了
差评，必须差评
这也太坑了
我对你们的服务很不满意
真恶心，房间里有虫子
浪费我时间
說話不算話，太讓人生氣了
你们到底管不管啊
一点都不负责任
我很愤怒，你们必须给个说法
这机器人真蠢
This is terrible service
I am really angry
You people are useless
What a joke, I've been waiting for three days
I'm so frustrated with this
This is unacceptable
worst hotel ever
I want to file a complaint
you're not helping at all
That is ridiculous
stupid bot
I'm fed up
This is a scam, give me my money back
absolutely disgusting room
I hate this
I am very disappointed
Are you kidding me? Nobody answered for a week
you keep repeating yourself, this is pointless
I'm sick of this nonsense
Your support is a nightmare
what the hell is wrong with you
I've never been treated so badly
this is outrageous
not happy at all with my stay
I am losing my patience
rubbish, total waste of time
how incompetent can you be
This is not acceptable, I demand an answer
you ruined our holiday
I will sue you
""".strip().splitlines()

IS_NOT_UPSET = """
垃圾桶在哪里
垃圾分类怎么做
房间不错，一点也不差
我没有生气，只是问问
不用担心，没关系
差不多就这样吧
差价怎么补
不失望，挺好的
怎么写差评的回复模板
投诉电话是多少
投诉流程是什么
气死我了的歌词是什么
这个烤箱坏了可以保修吗
请问退款要多久
有没有防骗子的提示
笨办法也行
机器人真聪明
我不讨厌辣
恶心想吐应该看什么科
老人晕车恶心怎么办
没什么不满意的
服务还可以
不是很贵
破损的包裹怎么处理
坑位还有吗
生气时怎么安慰孩子
时间浪费指数怎么看
感谢你们的耐心
问题解决了，太好了
崩溃日志在哪里下载
Where is the rubbish bin?
How do I sort waste?
Not bad at all!
I'm not angry, just asking
No complaints, thanks
It's not a problem
What is your complaint procedure?
The room is not terrible
Is the water disgusting or is it fine to drink?
I hate to ask, but when is breakfast?
Angry Birds party for kids, do you offer it?
How do I reset my stupidly long password?
That's not stupid at all
Sorry to bother you
I lost my key
The lamp is broken, can you fix it?
I can't wait to come!
I'm dying to see the pool
terribly sorry, I typed the wrong date
It is awfully nice here
Do you have anything against mosquitoes?
What happens if I cancel?
The weather is terrible today, is the pool indoors?
My flight is delayed, can I check in late?
no hard feelings
You were not useless, thank you
I was disappointed before, but now it is great
Is there a sick leave policy?
Can I get a refund if I am ill?
Is smoking acceptable on the balcony?
""".strip().splitlines()
