"""The pinyin of a Chinese character, without tone.

GB 2312 orders its 3,755 common characters by their sound, so that a character's place there tells its syllable; those
of its second part that stand in names have a table of ours, and so have surnames that are read otherwise.
https://www.unicode.org/charts/unihan.html
"""

import re
from bisect import bisect_right
from functools import cache

from salus.codes.terminology.pinyin import LAST, placed

# each syllable with the character that it begins at
BEGINNINGS = """
a啊 ai埃 an鞍 ang肮 ao凹 ba芭 bai白 ban斑 bang邦 bao苞 bei杯 ben奔 beng崩 bi逼 bian鞭 biao标
bie鳖 bin彬 bing兵 bo玻 bu捕 ca擦 cai猜 can餐 cang苍 cao操 ce厕 ceng层 cha插 chai拆 chan搀
chang昌 chao超 che车 chen郴 cheng撑 chi吃 chong充 chou抽 chu初 chuai揣 chuan川 chuang疮
chui吹 chun春 chuo戳 ci疵 cong聪 cou凑 cu粗 cuan蹿 cui摧 cun村 cuo磋 da搭 dai呆 dan耽 dang当
dao刀 de德 deng蹬 di堤 dian颠 diao碉 die跌 ding丁 diu丢 dong东 dou兜 du督 duan端 dui堆 dun墩
duo掇 e蛾 en恩 er而 fa发 fan藩 fang坊 fei菲 fen芬 feng丰 fo佛 fou否 fu夫 ga噶 gai该 gan干
gang冈 gao篙 ge哥 gei给 gen根 geng耕 gong工 gou钩 gu辜 gua刮 guai乖 guan棺 guang光 gui瑰
gun辊 guo锅 ha哈 hai骸 han酣 hang夯 hao壕 he呵 hei嘿 hen痕 heng哼 hong轰 hou喉 hu呼 hua花
huai槐 huan欢 huang荒 hui灰 hun荤 huo豁 ji击 jia嘉 jian歼 jiang僵 jiao蕉 jie揭 jin巾 jing荆
jiong炯 jiu揪 ju鞠 juan捐 jue撅 jun均 ka喀 kai开 kan刊 kang康 kao考 ke坷 ken肯 keng坑 kong空
kou抠 ku枯 kua夸 kuai块 kuan宽 kuang匡 kui亏 kun坤 kuo括 la垃 lai莱 lan蓝 lang琅 lao捞 le勒
lei雷 leng棱 li厘 lia俩 lian联 liang粮 liao撩 lie列 lin琳 ling玲 liu溜 long龙 lou楼 lu芦 lv驴
luan峦 lve掠 lun抡 luo萝 ma妈 mai埋 man瞒 mang芒 mao猫 me么 mei玫 men门 meng萌 mi眯 mian棉
miao苗 mie蔑 min民 ming明 miu谬 mo摸 mou谋 mu拇 na拿 nai氖 nan南 nang囊 nao挠 ne呢 nei馁 nen嫩
neng能 ni妮 nian蔫 niang娘 niao鸟 nie捏 nin您 ning柠 niu牛 nong脓 nu奴 nv女 nuan暖 nve虐
nuo挪 o哦 ou欧 pa啪 pai拍 pan攀 pang乓 pao抛 pei呸 pen喷 peng砰 pi坯 pian篇 piao飘 pie撇 pin拼
ping乒 po坡 pu扑 qi期 qia掐 qian牵 qiang枪 qiao橇 qie切 qin钦 qing青 qiong琼 qiu秋 qu趋
quan圈 que缺 qun裙 ran然 rang瓤 rao饶 re惹 ren壬 reng扔 ri日 rong戎 rou揉 ru茹 ruan软 rui蕊
run闰 ruo若 sa撒 sai腮 san三 sang桑 sao搔 se瑟 sen森 seng僧 sha莎 shai筛 shan珊 shang墒
shao梢 she奢 shen砷 sheng声 shi师 shou收 shu蔬 shua刷 shuai摔 shuan栓 shuang霜 shui谁
shun吮 shuo说 si斯 song松 sou搜 su苏 suan酸 sui虽 sun孙 suo蓑 ta塌 tai胎 tan坍 tang汤 tao掏
te特 teng藤 ti梯 tian天 tiao挑 tie贴 ting厅 tong通 tou偷 tu凸 tuan湍 tui推 tun吞 tuo拖 wa挖
wai歪 wan豌 wang汪 wei威 wen瘟 weng嗡 wo挝 wu巫 xi昔 xia瞎 xian掀 xiang相 xiao萧 xie楔 xin薪
xing星 xiong兄 xiu休 xu墟 xuan轩 xue靴 xun勋 ya压 yan焉 yang殃 yao邀 ye椰 yi一 yin茵 ying英
yo哟 yong拥 you幽 yu迂 yuan鸳 yue曰 yun耘 za匝 zai栽 zan咱 zang赃 zao遭 ze责 zei贼 zen怎
zeng增 zha扎 zhai摘 zhan瞻 zhang樟 zhao招 zhe遮 zhen珍 zheng蒸 zhi芝 zhong中 zhou舟 zhu珠
zhua抓 zhuai拽 zhuan专 zhuang桩 zhui椎 zhun谆 zhuo捉 zi兹 zong鬃 zou邹 zu租 zuan钻 zui嘴
zun尊 zuo昨
"""
RARER = """
ai嫒 ao骜 bei蓓 bi璧 cen岑 chang玚 chen琛 cheng晟 chi墀 dan聃 di棣 die喋 fei妃斐 fu芙馥 gan淦
guan莞 gui妫 han晗 hang沆 hao昊皓颢灏 heng珩 hong泓 huan奂 hui晖 ji霁骥 jia珈 jian蹇 jiao姣
jie婕 jin瑾 jing婧璟泾菁 jiong迥 jue珏 jun珺隽 kai恺锴 ke珂 kuang邝 lan岚 li俪骊 liang墚 lin麟
ling翎聆 liu浏 long珑 lu璐鹭 luan娈 meng濛 miao淼 min旻岷 nai鼐 ni旎 ning甯 pei霈 peng芃 pu濮
qi琪琦祺淇颀骐绮 qian倩芊茜 qiong邛 qiu虬裘 que阕 ran苒 rong嵘 rui睿芮 ruo偌 shan姗 shen莘 sheng笙
shi轼 shu姝 shuang孀 shuo铄 si姒 song嵩 su夙 tao焘 ting婷 tong佟 wan琬菀 wei玮薇炜 wen雯 wu婺
xi曦茜 xian娴 xiang骧 xiao骁筱 xin昕鑫歆馨 xing荇 xu煦 xuan萱璇暄瑄 xun珣 ya娅 yan妍嫣琰闫晏 yang炀
yao曜 ye烨晔 yi怡懿奕弈翊熠诒 ying瑛滢 you攸 yu瑜煜昱钰毓妤 yuan媛沅 yue玥 yun芸昀筠 zan瓒 zhen祯 zhi芷
zhu竺 zi梓 zu俎
"""
SURNAMES = {"曾": "zeng", "单": "shan", "解": "xie", "仇": "qiu", "查": "zha", "盖": "ge", "区": "ou", "翟": "zhai"}
SURNAMES |= {"朴": "piao", "乐": "yue", "任": "ren", "尉": "yu", "万": "wan", "覃": "qin", "燕": "yan", "华": "hua"}


def pairs(table: str) -> list[tuple[str, str]]:
    """(syllable, characters) of a table of ours."""
    return re.findall(r"([a-z]+)([^\sa-z]+)", table)


@cache
def beginnings() -> tuple[list[int], list[str]]:
    """Places in GB 2312, rising, and the syllable from each on."""
    rows = [(placed(first), syllable) for syllable, first in pairs(BEGINNINGS)]
    return [place for place, _ in rows], [syllable for _, syllable in rows]


@cache
def all_syllables() -> frozenset[str]:
    """Every syllable of the tables, `v` for ü."""
    return frozenset(syllable for syllable, _ in pairs(BEGINNINGS + RARER))


@cache
def rarer() -> dict[str, str]:
    return {character: syllable for syllable, characters in pairs(RARER) for character in characters}


def syllable(character: str) -> str | None:
    """The pinyin of one character, `v` for ü; None where it is not known.

    >>> [syllable(one) for one in "梅华昕吕龘"]
    ['mei', 'hua', 'xin', 'lv', None]
    """
    try:
        place = placed(character)
    except (UnicodeEncodeError, ValueError):
        return rarer().get(character)
    places, names = beginnings()
    if not places[0] <= place <= LAST:
        return rarer().get(character)
    return names[bisect_right(places, place) - 1]


def surname_syllables(surname: str) -> list[str | None]:
    """The pinyin of a surname, read as surnames are.

    >>> surname_syllables("曾"), surname_syllables("欧阳")
    (['zeng'], ['ou', 'yang'])
    """
    return [SURNAMES.get(character) or syllable(character) for character in surname]
