# %% [markdown] intro
# %% setup
import hashlib
import json
import random
import re
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file, save_file
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional as F

from practicum_labs import data, metrics, track
from practicum_labs.checking.capture import module_of
from practicum_labs.lab import open_lab
from practicum_labs.tier import use_threads

lab = open_lab("labels", language="en")
lab.style()

SEED = 0
SEEDS = (0, 1, 2)
EPOCHS = max(2, round(10 * min(1.0, lab.tier.scale)))
print(lab.say("ready", tier=lab.tier.name, threads=use_threads(), torch=torch.__version__))
# %% [markdown] requests
# %% words
INTENTS = {  # our intents, and those of the package that they gather
    "turn_on": "TurnOn", "turn_off": "TurnOff", "state": "GetState", "light": "LightSet",
    "cover": "SetPosition", "fan": "FanSetSpeed", "weather": "GetWeather", "broadcast": "Broadcast",
    "climate": "ClimateSetTemperature ClimateGetTemperature",
    "volume": "SetVolume SetVolumeRelative MediaPlayerMute MediaPlayerUnmute",
    "media": "MediaNext MediaPrevious MediaPause MediaUnpause",
    "timer_start": "StartTimer", "timer_longer": "IncreaseTimer", "timer_shorter": "DecreaseTimer",
    "timer_stop": "CancelTimer CancelAllTimers PauseTimer", "timer_go_on": "UnpauseTimer",
    "timer_status": "TimerStatus", "list_add": "ListAddItem ShoppingListAddItem",
    "list_done": "ListCompleteItem ShoppingListCompleteItem ListRemoveItem",
    "vacuum": "VacuumStart VacuumReturnToBase VacuumCleanArea",
    "mower": "LawnMowerStartMowing LawnMowerDock",
}
KINDS = {  # our kinds of slot, and the package's slots; what is in none of them stays plain text
    "area": "area", "floor": "floor", "device": "cover_classes", "message": "message", "timer": "timer_name",
    "item": "shopping_list_item todo_list_item", "command": "timer_command", "temperature": "temperature",
    "color": "color color_temperature color_temperature_names", "place": "zone",
    "duration": "timer_hours timer_minutes timer_seconds timer_half",
    "level": "position fan_speed brightness brightness_level volume volume_step volume_step_up "
             "volume_step_down volume_percentage",
}
NAMED = {"todo": "list", "person": "person", "weather": "place", "scene": "scene", "script": "scene"}
WORDS = {  # the package leaves names open; these were made up for this lab
    "zh-CN": {
        "area": "客厅 卧室 主卧 次卧 儿童房 厨房 书房 餐厅 阳台 卫生间 玄关 车库 地下室 院子 浴室 洗手间 走廊 过道 "
                "衣帽间 储藏室 客房 老人房 影音室 健身房 茶室 花园 露台 阁楼 门厅 洗衣房 保姆间 琴房 工作室 游戏房 "
                "会客厅 大厅 厕所 主卫 客卫 办公室",
        "floor": "一楼 二楼 三楼 四楼 五楼 顶楼 顶层 底层 一层 二层 三层 夹层 负一层 负二层 地下一层 楼上 楼下",
        "light": "落地灯 灯带 吊灯 壁灯 夜灯 镜前灯 水晶灯 氛围灯 书桌灯 走廊灯 镜柜灯 橱柜灯 星空灯 护眼灯",
        "fan": "落地扇 塔扇 换气扇 循环扇 排风扇 台扇 壁扇 空调扇",
        "cover": "纱帘 遮光帘 天窗 电动窗帘 车库卷帘 投影幕布 晾衣架 电动门 推拉门 隔断帘",
        "media_player": "电视 音箱 投影仪 智能音响 电视机 回音壁 收音机 功放 家庭影院 机顶盒 唱片机 低音炮",
        "climate": "中央空调 地暖 暖气 恒温器 新风机 壁挂炉 柜式空调 油汀",
        "lawn_mower": "小绿 草坪机 剪草车 大黄 草坪卫士 阿草", "valve": "水阀 燃气阀 总阀 浇花阀 暖气阀 热水阀",
        "vacuum": "小扫 扫地僧 小白 拖地机 洗地机 吸尘车 阿净 小旋风",
        "switch": "热水器 插座 净水器 加湿器 除湿机 净化器 电饭煲 咖啡机 鱼缸 洗碗机 烤箱 饮水机 电热毯 路由器 "
                  "电视墙 油烟机",
        "todo": "待办清单 周末计划 工作清单 旅行清单 家务表 学习计划 备忘录 愿望单 年货单 打包清单",
        "weather": "北京 上海 广州 深圳 成都 杭州 武汉 西安 南京 重庆 哈尔滨 拉萨 三亚 昆明",
        "zone": "家 公司 学校 医院 超市 幼儿园 健身中心 图书馆 地铁站 老家",
        "person": "爸爸 妈妈 爷爷 奶奶 姐姐 弟弟 女儿 儿子 外公 外婆 叔叔 阿姨",
        "scene": "观影 回家 离家 睡眠 阅读 聚会 早安 用餐 浪漫 度假 会客 起夜",
        "script": "晚安流程 起床流程 出门检查 打烊流程 喂鱼流程 浇花流程 开店流程",
        "item": "牛奶 鸡蛋 大米 洗衣液 电池 苹果 交水费 取快递 酱油 面粉 西红柿 牙膏 纸巾 猫粮 狗粮 修水管 还图书 "
                "订机票 买生日蛋糕 换滤芯 打疫苗 送干洗 香蕉 土豆 五花肉 垃圾袋 洗洁精 橄榄油 给车加油 预约牙医 "
                "缴物业费 买高铁票",
        "message": "吃饭了 我出门了 快递到了 水开了 下雨了快收衣服 该睡觉了 我到家了 客人来了 作业写完了吗 "
                   "车停在门口 今晚加班 记得喝水 十点开会 热水好了 网络要断一会儿 有人敲门 别忘了带伞 球赛开始了",
        "timer": "煮面 泡茶 烤箱 午睡 洗衣 蒸鱼 面膜 瑜伽 背单词 煲汤 炖肉 跑步 烘干 煮蛋 番茄钟 敷药 发面 冥想",
        "command": "关灯 打开窗帘 播放音乐 叫我起床 关空调 打开加湿器 关掉电视 拉上窗帘 开热水器 锁门 提醒我吃药 "
                   "停止浇水",
    },
    "en": {
        "area": "living_room bedroom kitchen office garage bathroom dining_room hallway basement attic nursery "
                "guest_room laundry_room pantry study porch patio garden balcony playroom gym library den "
                "sun_room master_bedroom workshop entryway mud_room home_theater music_room",
        "floor": "first second third fourth ground upper lower top main bottom middle",
        "light": "desk_lamp night_light chandelier spotlight lantern fairy_lights reading_lamp mirror_light sconce",
        "fan": "ceiling_fan tower_fan exhaust_fan box_fan ventilator", "valve": "water_valve gas_valve sprinkler main_tap",
        "cover": "left_curtain roller_blind skylight pergola roof_hatch projector_screen drapes",
        "media_player": "tv speaker projector soundbar radio jukebox record_player amplifier home_cinema",
        "climate": "thermostat air_conditioner heater heat_pump radiator boiler", "lawn_mower": "mower greeny grass_bot",
        "vacuum": "robot_vacuum dusty sweeper cleaning_bot", "person": "mom dad grandma grandpa my_sister my_brother",
        "switch": "coffee_machine kettle socket toaster humidifier dishwasher router aquarium_pump oven rice_cooker",
        "todo": "weekend_plan work_list chores packing_list reading_list errands wish_list",
        "weather": "London Paris Berlin Madrid Oslo Dublin Vienna Lisbon", "zone": "home work school office gym hospital",
        "scene": "movie_night good_night party dinner_time relax wake_up focus", "script": "bedtime_routine close_shop feed_fish",
        "item": "milk eggs rice batteries apples call_the_bank bread cheese dog_food stamps pay_the_rent olive_oil "
                "fix_the_sink toothpaste water_the_plants light_bulbs onions book_flights",
        "message": "dinner_is_ready I_am_leaving the_parcel_is_here bedtime_everyone the_bus_is_coming it_is_raining "
                   "lunch_is_on_the_table guests_have_arrived",
        "timer": "pasta tea oven nap laundry roast yoga homework pizza bread_dough egg meditation",
        "command": "turn_off_the_lights open_the_blinds play_music wake_me_up lock_the_door stop_the_sprinkler "
                   "close_the_garage",
    },
}
# %% draw
@dataclass(frozen=True)
class Request:
    """A text, what it asks for, its slots as (start, end, kind), and the family of its template."""

    text: str
    intent: str
    spans: tuple
    family: str

    def values(self):
        """Return the slots as (kind, text)."""
        return {(kind, self.text[start:end]) for start, end, kind in self.spans}


INNERMOST = re.compile(r"<(\w+)>|\(([^()\[\]<>]*)\)|\[([^()\[\]<>]*)\]")
SLOT = re.compile(r"\{(\w+)[^}]*\}")


def unfold(template, rules, rng):
    """Return one sentence of (one|of), [perhaps], <rule>; slots stay as they are: {area}."""
    text = f"({template})"
    while found := INNERMOST.search(text):
        rule, group, perhaps = found.groups()
        if rule:
            chosen = f"({rules[rule]})"
        elif perhaps is not None and rng.random() < 0.5:
            chosen = ""
        else:
            inside = perhaps if group is None else group
            parts = inside.split(";")
            chosen = " ".join(rng.sample(parts, len(parts))) if len(parts) > 1 else rng.choice(inside.split("|"))
        text = text[: found.start()] + chosen + text[found.end() :]
    return re.sub(r"\s+", " ", text).strip()


def family_of(template):
    """Return what a template says once options, places, names and units of time are gone."""
    before = None
    while template != before:
        before, template = template, re.sub(r"\[[^\[\]]*\]", "", template)
    template = re.sub(r"\{timer_\w+:[^}]*(hours|minutes|seconds)\}(\([^()]*\))?(hour|minute|second|分|秒)?", "#", template)
    template = re.sub(r"\{(area|name|floor)\}|<(area|name|floor|in|the)>", "", template)
    return re.sub(r"\s+", " ", re.sub(r"#[\s和]*(?=#)", "", template)).strip()


def in_chinese(number):
    """Return 38 as 三十八; up to a hundred."""
    digits, (tens, ones) = "零一二三四五六七八九", divmod(number, 10)
    if tens == 10:
        return "一百"
    return ("" if not tens else "十" if tens == 1 else digits[tens] + "十") + (digits[ones] if ones or not tens else "")


def is_exam(name):
    """Whether a family or a value is kept for checks: about a quarter of all."""
    return hashlib.sha256(name.encode()).digest()[0] < 64


class Package:
    """The templates of one language, and what may stand in their slots."""

    def __init__(self, place, language, side):
        self.content = json.loads((Path(place) / f"{language}.json").read_text("utf-8"))
        self.language, self.side = language, side
        self.words = {name: [w.replace("_", " ") for w in text.split()] for name, text in WORDS[language].items()}
        self.kind_of = {slot: kind for kind, slots in KINDS.items() for slot in slots.split()}
        self.rules = dict(self.content["expansion_rules"])
        if language == "zh-CN":  # a lamp with a name of its own is a device, a plain light is not
            self.rules["light"] = "(灯|灯光)[的]"

    def templates(self):
        """Yield (template, intent, kinds of device)."""
        ours = {f"Hass{name}": intent for intent, names in INTENTS.items() for name in names.split()}
        for name, body in self.content["intents"].items():
            for block in body["data"] if name in ours else ():
                domains = {**block.get("slots", {}), **block.get("requires_context", {})}.get("domain")
                domains = [domains] if isinstance(domains, str) else domains or ["switch"]
                if {"lock", "binary_sensor", "sensor"} & set(domains):
                    continue
                for template in block["sentences"]:
                    template = template.replace("(灯|吸顶灯|筒灯|射灯|台灯|床头灯|灯光)", "<light>")
                    yield template.replace("{floor}[楼|层]", "{floor}"), ours[name], domains

    def value(self, slot, domains, rng):
        """Return (text, kind) for a slot; the kind is None where it is plain text."""
        known = self.content["lists"].get(slot, {})
        kind = self.kind_of.get(slot)
        if slot == "name":
            domain = rng.choice([d for d in domains if d in self.words] or ["switch"])
            kind, choices = NAMED.get(domain, "device"), self.words[domain]
        elif "range" in known:
            numbers = known["range"]
            choices = list(range(max(1, numbers["from"]), numbers["to"] + 1, numbers.get("step", 1)))
            if self.language == "zh-CN" and choices[-1] <= 100:
                choices = rng.choice([choices, [in_chinese(n) for n in choices]])
        elif "values" in known:
            choices = [v["in"] if isinstance(v, dict) else v for v in known["values"]]
        else:
            choices = self.words[slot if slot in self.words else kind]
        if kind and self.side != "all":
            fitting = [c for c in choices if is_exam(f"{kind} {c}") == (self.side == "exam")]
            choices = fitting or choices
        return unfold(str(rng.choice(choices)), self.rules, rng), kind

    def fill(self, sentence, domains, rng):
        """Return (text, spans) with every slot filled."""
        text, spans = "", []
        for n, piece in enumerate(SLOT.split(sentence)):
            kind = None
            if n % 2:
                piece, kind = self.value(piece, domains, rng)
            if kind:
                spans.append((len(text), len(text) + len(piece), kind))
            text += piece
        return text, tuple(spans)


def read_requests(place, language, *, draws=40, side="all", seed=0):
    """Return requests, so many draws from each template: side "all", "open", or "exam" for checks."""
    package, found = Package(place, language, side), {}
    for template, intent, domains in package.templates():
        family = f"{intent}: {family_of(template)}"
        if side != "all" and is_exam(family) != (side == "exam"):
            continue
        rng = random.Random(f"{seed} {template} {domains}")
        for _ in range(draws):
            text, spans = package.fill(unfold(template, package.rules, rng), domains, rng)
            found.setdefault(text, Request(text, intent, spans, family))
    return list(found.values())


def at_most(requests, each, seed=0):
    """Return at most so many requests of each family, shuffled."""
    rng, families = random.Random(seed), defaultdict(list)
    for request in requests:
        families[request.family].append(request)
    chosen = [r for name in sorted(families) for r in rng.sample(families[name], min(each, len(families[name])))]
    return rng.sample(chosen, len(chosen))
# %% look
EACH = max(3, round(20 * lab.tier.scale))
place = data.path("ha-intents")
requests = read_requests(place, "zh-CN", draws=2 * EACH, seed=SEED)


def marked(text, spans):
    """Return the text with its slots in brackets."""
    for start, end, kind in sorted(spans, reverse=True):
        text = f"{text[:start]}[{text[start:end]} {kind}]{text[end:]}"
    return text


shown = random.Random(SEED).sample(requests, 12)
pd.set_option("display.max_colwidth", 70)
display(pd.DataFrame([(r.intent, marked(r.text, r.spans), r.family) for r in shown],
                     columns=[lab.say("intent"), lab.say("request"), lab.say("family")]))
print(len(requests), lab.say("requests"), len({r.family for r in requests}), lab.say("families"),
      dict(Counter(kind for r in requests for *_, kind in r.spans).most_common()))
# %% [markdown] to_bio
# %% to_bio graded=to_bio
def to_bio(length, spans):
    """Return one tag a character for a text of this length: "O", "B-area", "I-area", …

    spans: (start, end, kind) as in Python slices, in any order, never overlapping
    """
    tags = ["O"] * length
    # >>>
    for start, end, kind in spans:
        tags[start] = f"B-{kind}"
        tags[start + 1 : end] = [f"I-{kind}"] * (end - start - 1)
    # <<<
    return tags
# %% to_bio-check
lab.check("to_bio", to_bio)
# %% [markdown] spans_of
# %% spans_of graded=spans_of
def spans_of(tags):
    """Return the spans (start, end, kind) that tags describe, from left to right.

    A model may say I-area where no area has begun: after O, after another kind, or at the very
    start. Such an I begins a span, as B would.
    """
    # >>>
    spans = []
    for n, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        goes_on = mark == "I" and spans and spans[-1][1] == n and spans[-1][2] == kind
        if goes_on:
            spans[-1] = (spans[-1][0], n + 1, kind)
        elif mark != "O":
            spans.append((n, n + 1, kind))
    return spans
    # <<<
# %% spans_of-check
lab.check("spans_of", spans_of)
# %% [markdown] solution spans_of-reading
# %% [markdown] entity_f1
# %% entity_f1 graded=entity_f1
def entity_f1(gold, predicted):
    """Return F1 over the slots of all texts: 2 tp / (slots wanted + slots found), 0.0 without any.

    gold, predicted: for each text a list of (start, end, kind). A slot is right (tp) when start,
    end and kind are all right; half a slot is no slot.
    """
    # >>>
    right = sum(len(set(wanted) & set(found)) for wanted, found in zip(gold, predicted, strict=True))
    total = sum(map(len, gold)) + sum(map(len, predicted))
    return 2 * right / total if total else 0.0
    # <<<
# %% entity_f1-check
lab.check("entity_f1", entity_f1)
# %% [markdown] careless
# %% baselines
def longest_match(train):
    """Return a tagger that looks slots up: the longest value seen in training wins."""
    kinds = defaultdict(Counter)
    for request in train:
        for kind, value in request.values():
            kinds[value][kind] += 1
    longest = max(map(len, kinds))

    def tag(text):
        at, spans = 0, []
        while at < len(text):
            for end in range(min(len(text), at + longest), at, -1):
                if text[at:end] in kinds:
                    spans.append((at, end, kinds[text[at:end]].most_common(1)[0][0]))
                    at = end - 1
                    break
            at += 1
        return spans

    return lambda texts: [tag(text) for text in texts]


def features(text, window):
    """Yield for each character what a linear model sees: characters and pairs around it."""
    padded = "^" * window + text + "$" * window
    for n in range(window, window + len(text)):
        near = range(-window, window + 1)
        yield {**{f"{d}:{padded[n + d]}": 1 for d in near}, "digit": int(padded[n].isdigit()),
               **{f"{d}:{padded[n + d : n + d + 2]}": 1 for d in near[:-1]}}


def linear_tagger(train, window, c=3):
    """Return (tags, score): score(text) gives log-probabilities (characters, tags)."""
    vectors = DictVectorizer(dtype=np.float32)
    x = vectors.fit_transform([f for r in train for f in features(r.text, window)])
    y = [tag for r in train for tag in to_bio(len(r.text), r.spans)]
    model = LogisticRegression(C=c, max_iter=60, tol=1e-3).fit(x, y)
    return list(model.classes_), lambda text: model.predict_log_proba(vectors.transform(features(text, window)))


def greedy(tags, score, requests):
    """Return the spans of each request when every character takes its likeliest tag."""
    return [spans_of([tags[n] for n in score(r.text).argmax(axis=1)]) for r in requests]


# %% careless
def careless_split(requests, share, seed):
    """Shuffle, cut. What could be fairer?"""
    order = random.Random(seed).sample(requests, len(requests))
    cut = round(len(order) * share)
    return order[cut:], order[:cut]


kept, held = careless_split(requests, 0.3, SEED)
kept, held = kept[: lab.tier.examples(3000)], held[: lab.tier.examples(800)]
gold = [r.spans for r in held]
linear = greedy(*linear_tagger(kept, 2), held)
careless = {"dictionary": entity_f1(gold, longest_match(kept)([r.text for r in held])), "linear": entity_f1(gold, linear)}
for name, score in careless.items():
    print(f"{name:12} F1 {score:.3f}")
known_values, known_families = set().union(*(r.values() for r in kept)), {r.family for r in kept}
print(lab.say("familiar", families=np.mean([r.family in known_families for r in held]),
              values=np.mean([value in known_values for r in held for value in r.values()])))
# %% [markdown] split_apart
# %% predict_honest
lab.predict("honest_f1", ..., ...)
# %% split_apart graded=split_apart
def split_apart(requests, share, seed):
    """Return (kept, held) that have no family and no slot value in common.

    Hold out about share of each intent's families and of each kind's values: at least one of
    each, never all. held: the requests of held families with held values alone. kept: those of
    the other families without any held value. The rest, half and half, is dropped.
    Each request has .intent, .family and .values(), a set of (kind, text). Same seed, same split.
    """
    # >>>
    rng = random.Random(seed)
    families, values = defaultdict(set), defaultdict(set)
    for request in requests:
        families[request.intent].add(request.family)
        for kind, text in request.values():
            values[kind].add((kind, text))
    held_out = set()
    for _, names in [*sorted(families.items()), *sorted(values.items())]:
        order = rng.sample(sorted(names), len(names))
        held_out.update(order[: min(max(1, round(share * len(order))), len(order) - 1)])
    held = [r for r in requests if r.family in held_out and r.values() <= held_out]
    kept = [r for r in requests if r.family not in held_out and not r.values() & held_out]
    return kept, held
    # <<<
# %% split_apart-check
lab.check("split_apart", split_apart)
# %% honest
def three_sides(requests, each, seed):
    """Return (train, validation, test), so many requests of a family; nothing in common."""
    rest, test = split_apart(requests, 0.3, seed)
    train, validation = split_apart(rest, 0.3, seed + 1)
    return at_most(train, each), at_most(validation, max(2, each // 2)), at_most(test, max(2, each // 2))


train, validation, test = three_sides(requests, EACH, SEED)
print(len(train), len(validation), len(test))
wanted = [r.spans for r in validation]
linears = {window: linear_tagger(train, window) for window in (1, 2, 3)}
tuned = max(linears, key=lambda window: entity_f1(wanted, greedy(*linears[window], validation)))
gold = [r.spans for r in test]
answers = {"dictionary": longest_match(train)([r.text for r in test]), "linear": greedy(*linears[tuned], test)}
for name, found in answers.items():
    print(f"{name:12} F1 {careless[name]:.3f} -> {entity_f1(gold, found):.3f}")
lab.reveal("honest_f1", entity_f1(gold, answers["linear"]))
# %% [markdown] solution split_apart-reading
# %% [markdown] viterbi
# %% rules
def allowed(tags):
    """Return (starts, follows): whether a tag may come first, and whether tag j may follow tag i."""
    starts = np.array([not tag.startswith("I-") for tag in tags])
    follows = np.array([[not b.startswith("I-") or a[1:] == b[1:] for b in tags] for a in tags])
    return starts, follows


tags = linears[tuned][0]
starts, follows = allowed(tags)
paths = [linears[tuned][1](r.text).argmax(axis=1) for r in test]
broken = sum(not (starts[p[0]] and follows[p[:-1], p[1:]].all()) for p in paths)
print(lab.say("broken", broken=broken, of=len(test)))
# %% viterbi graded=viterbi
def viterbi(scores, starts, follows):
    """Return the best allowed path, one tag number a character: the largest sum of scores.

    scores:  (characters, tags) numpy array of log-probabilities
    starts:  (tags,) whether a tag may come first
    follows: (tags, tags) whether tag j may come right after tag i: follows[i, j]
    """
    best = np.where(starts, scores[0], -np.inf)  # (tags,) the best path that ends in each tag
    came_from = []
    # >>>
    for row in scores[1:]:
        ways = np.where(follows, best[:, None], -np.inf)  # (from, to)
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + row
    path = [int(best.argmax())]
    for step in reversed(came_from):
        path.append(int(step[path[-1]]))
    return path[::-1]
    # <<<
# %% viterbi-check
lab.check("viterbi", viterbi)
# %% decoded
def decode(tags, score, requests):
    """Return the spans of each request on its best allowed path."""
    starts, follows = allowed(tags)
    return [spans_of([tags[n] for n in viterbi(score(r.text), starts, follows)]) for r in requests]


tuned = max(linears, key=lambda window: entity_f1(wanted, decode(*linears[window], validation)))
answers["linear + Viterbi"] = decode(*linears[tuned], test)
for name, found in answers.items():
    print(f"{name:18} F1 {entity_f1(gold, found):.3f}")
changed = [(r, a, b) for r, a, b in zip(test, answers["linear"], answers["linear + Viterbi"], strict=True) if a != b]
for request, before, after in changed[:4]:
    print(f"   {marked(request.text, before)}  ->  {marked(request.text, after)}")
# %% [markdown] solution viterbi-reading
# %% [markdown] network
# %% network
class Reader(nn.Module):
    """Windows of three characters, a GRU in both directions, one head for tags and one for the intent."""

    def __init__(self, characters, tags, intents, width=64, hidden=80):
        super().__init__()
        self.embedding = nn.Embedding(characters, width, padding_idx=0)
        self.windows = nn.Conv1d(width, 2 * width, 3, padding=1)
        self.gru = nn.GRU(2 * width, hidden, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(0.3)
        self.tag_head = nn.Linear(2 * hidden, tags)
        self.intent_head = nn.Linear(2 * hidden, intents)

    def forward(self, numbers):
        """Return logits (batch, characters, tags) and (batch, intents) for numbers (batch, characters)."""
        lengths = (numbers > 0).sum(dim=1).cpu()
        x = self.dropout(self.embedding(numbers)).transpose(1, 2)
        x = self.dropout(torch.relu(self.windows(x)).transpose(1, 2))
        x = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        x, _ = nn.utils.rnn.pad_packed_sequence(self.gru(x)[0], batch_first=True, total_length=numbers.shape[1])
        strongest = x.masked_fill((numbers == 0)[:, :, None], -torch.inf).amax(dim=1)
        return self.tag_head(self.dropout(x)), self.intent_head(self.dropout(strongest))


def encode(texts, characters):
    """Return numbers (texts, characters): 0 is padding, 1 a character not seen in training."""
    rows = [torch.tensor([characters.find(c) + 2 if c in characters else 1 for c in text]) for text in texts]
    return nn.utils.rnn.pad_sequence(rows, batch_first=True)


def disguised(request, characters, rng, share):
    """Return the text with some slot values replaced by gibberish as long: learn from what is around."""
    text = request.text
    for start, end, _ in request.spans:
        if rng.random() < share:
            noise = "".join(rng.choice(("\0", rng.choice(characters))) for _ in range(end - start))
            text = text[:start] + noise + text[end:]
    return text


@dataclass
class Service:
    """Readers, one or several that vote, with what their numbers mean."""

    models: list
    characters: str
    tags: list
    intents: list

    def read(self, texts):
        """Return (intent, spans) for each text."""
        device = next(self.models[0].parameters()).device
        starts, follows = allowed(self.tags)
        answers = []
        for n in range(0, len(texts), 256):
            part = texts[n : n + 256]
            numbers = encode(part, self.characters).to(device)
            with torch.inference_mode():
                votes = [[logits.log_softmax(dim=-1) for logits in model.eval()(numbers)] for model in self.models]
            tags, intents = (torch.stack(side).mean(dim=0).cpu().numpy() for side in zip(*votes, strict=True))
            for text, scores, intent in zip(part, tags, intents.argmax(axis=1), strict=True):
                path = viterbi(scores[: len(text)], starts, follows)
                answers.append((self.intents[intent], spans_of([self.tags[t] for t in path])))
        return answers


def together(services):
    """Return one service in which the readers of all vote: the mean of their log-probabilities."""
    first = services[0]
    return Service([m for s in services for m in s.models], first.characters, first.tags, first.intents)


def scores_of(service, requests):
    """Return entity F1 and the share of right intents."""
    intents, spans = zip(*service.read([r.text for r in requests]), strict=True)
    right = [a == r.intent for a, r in zip(intents, requests, strict=True)]
    return entity_f1([r.spans for r in requests], spans), float(np.mean(right))


def fit(train, validation, *, name, seed, epochs=EPOCHS, share=0.2, size=64, lr=5e-3):
    """Train a reader for both tasks at once, log every epoch, and return the service."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    characters = "".join(sorted({c for r in train for c in r.text}))
    tags = ["O", *sorted({t for r in train for t in to_bio(len(r.text), r.spans)} - {"O"})]
    intents = sorted({r.intent for r in train})
    model = Reader(len(characters) + 2, len(tags), len(intents)).to(lab.tier.device)
    service = Service([model], characters, tags, intents)
    number = {tag: n for n, tag in enumerate(tags)}
    wanted = {r: torch.tensor([number[t] for t in to_bio(len(r.text), r.spans)]) for r in train}
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    steps = epochs * -(-len(train) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    config = {"seed": seed, "epochs": epochs, "train": len(train), "disguised": share, "lr": lr}
    with track.init(lab="labels", name=name, config=config) as run:
        for epoch in range(1, epochs + 1):
            model.train()
            order, losses = rng.sample(train, len(train)), []
            for n in range(0, len(order), size):
                batch = order[n : n + size]
                x = encode([disguised(r, characters, rng, share) for r in batch], characters).to(lab.tier.device)
                y = nn.utils.rnn.pad_sequence([wanted[r] for r in batch], batch_first=True, padding_value=-100)
                z = torch.tensor([intents.index(r.intent) for r in batch], device=lab.tier.device)
                tag_logits, intent_logits = model(x)
                loss = F.cross_entropy(tag_logits.flatten(0, 1), y.flatten().to(lab.tier.device))
                loss = loss + 0.3 * F.cross_entropy(intent_logits, z)
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            point = {"loss": float(np.mean(losses))}
            if epoch % 5 == 0 or epoch == epochs:
                point["entity_f1"], point["accuracy"] = scores_of(service, validation)
            run.log(point, step=epoch)
    return service
# %% predict_network
lab.predict("gain_over_linear", ..., ...)
# %% train
began = time.process_time()
services = {f"seed {seed}": fit(train, validation, name=f"reader, seed {seed}", seed=seed) for seed in SEEDS}
print(lab.say("cpu", seconds=time.process_time() - began))


def paired(one, other, requests):
    """Return how much larger the first's entity F1 is, with an interval over families."""
    gold = [r.spans for r in requests]

    def gain(rows):
        pick = [[side[n] for n in rows] for side in (gold, one, other)]
        return entity_f1(pick[0], pick[1]) - entity_f1(pick[0], pick[2])

    return metrics.bootstrap(gain, len(requests), groups=[r.family for r in requests])


texts = [r.text for r in test]
services["all three"] = together(list(services.values()))
read = {f"network, {name}": service.read(texts) for name, service in services.items()}
gains = {}
for name, found in read.items():
    answers[name] = [spans for _, spans in found]
    gains[name] = paired(answers[name], answers["linear + Viterbi"], test)
    print(lab.say("row", name=name, f1=entity_f1(gold, answers[name]), gain=gains[name]))
lab.reveal("gain_over_linear", gains["network, all three"].value)
# %% [markdown] errors
# %% errors
def verdict(span, others):
    """Return how a slot fares against the slots of the other side."""
    start, end, kind = span
    touching = [o for o in others if o[0] < end and start < o[1]]
    if span in others:
        return "right"
    if any(o[:2] == (start, end) for o in touching):
        return "other kind"
    return "other bounds" if any(o[2] == kind for o in touching) else "missed"


best = "network, all three"
counts = defaultdict(Counter)
for request, found in zip(test, answers[best], strict=True):
    for span in request.spans:
        counts[span[2]][verdict(span, found)] += 1
    for span in found:
        counts[span[2]]["invented"] += not any(s[0] < span[1] and span[0] < s[1] for s in request.spans)
columns = ["right", "other kind", "other bounds", "missed", "invented"]
table = pd.DataFrame(counts).T.reindex(columns=columns).fillna(0).astype(int)
table.insert(0, "F1", [entity_f1(*([[s for s in spans if s[2] == kind] for spans in side]
                                   for side in (gold, answers[best]))) for kind in table.index])
display(table.sort_values("F1").round(3))
confused = Counter((s[2], o[2]) for r, found in zip(test, answers[best], strict=True)
                   for s in r.spans for o in found if o[:2] == s[:2] and o != s)
print(lab.say("confused"), confused.most_common(4))
seen = Counter(kind for r in train for *_, kind in r.spans)
plt.figure(figsize=(6, 3.2))
plt.scatter([seen[kind] for kind in table.index], table["F1"])
for kind in table.index:
    plt.annotate(kind, (seen[kind], table["F1"][kind]), xytext=(4, 4), textcoords="offset points", fontsize=8)
plt.xscale("symlog")
plt.xlabel(lab.say("seen"))
plt.ylabel("F1")
plt.show()
wrong = [(r, s) for r, s in zip(test, answers[best], strict=True) if set(r.spans) != set(s)]
for request, found in wrong[:6]:
    print(f"   {marked(request.text, request.spans)}   |   {marked(request.text, found)}")
# %% [markdown] indicators
# %% intents
def words_model(train, validation):
    """Return the tuned TF-IDF classifier of intents."""
    best = (-1.0, None)
    for size in (2, 3):
        words = TfidfVectorizer(analyzer="char", ngram_range=(1, size), sublinear_tf=True)
        x = words.fit_transform([r.text for r in train])
        for c in (3, 30):
            model = LogisticRegression(C=c, class_weight="balanced", max_iter=200).fit(x, [r.intent for r in train])
            right = model.score(words.transform([r.text for r in validation]), [r.intent for r in validation])
            best = max(best, (right, (words, model)), key=lambda pair: pair[0])
    words, model = best[1]
    return lambda texts: model.predict(words.transform(texts)).tolist()


true_intents, families = [r.intent for r in test], [r.family for r in test]
commonest = Counter(r.intent for r in train).most_common(1)[0][0]
guesses = {"majority": [commonest] * len(test), "TF-IDF": words_model(train, validation)(texts),
           **{name: [intent for intent, _ in found] for name, found in read.items()}}
# %% indicators graded=indicators
def indicators(gold, predicted, families, seed=0, draws=1000):
    """Return {"accuracy", "macro_f1", "error"}: each (value, low, high) with a 95 % interval.

    error is 1 - accuracy. macro_f1 is the mean of 2 tp / (gold + predicted) over the classes that
    occur in gold or predicted. The interval is the percentile bootstrap over families: a family
    is drawn with all its rows, for those rise and fall together.
    """
    names = {label: n for n, label in enumerate(sorted({*gold, *predicted}))}
    rows = {family: n for n, family in enumerate(dict.fromkeys(families))}
    table = np.zeros((len(rows), len(names), len(names)))  # a confusion matrix for each family
    np.add.at(table, ([rows[f] for f in families], [names[g] for g in gold], [names[p] for p in predicted]), 1)
    # >>>
    drawn = np.random.default_rng(seed).integers(0, len(rows), (draws, len(rows)))
    weights = np.stack([np.ones(len(rows)), *(np.bincount(d, minlength=len(rows)) for d in drawn)])
    matrices = np.einsum("df,fgp->dgp", weights, table)  # the first one is the data itself
    hits = matrices.diagonal(axis1=1, axis2=2)
    sizes = matrices.sum(axis=1) + matrices.sum(axis=2)
    accuracy = hits.sum(axis=1) / matrices.sum(axis=(1, 2))
    f1 = np.where(sizes > 0, 2 * hits / np.maximum(sizes, 1), 0).sum(axis=1) / (sizes > 0).sum(axis=1)
    found = {}
    for name, values in (("accuracy", accuracy), ("macro_f1", f1), ("error", 1 - accuracy)):
        low, high = np.quantile(values[1:], [0.025, 0.975])
        found[name] = (float(values[0]), float(low), float(high))
    return found
    # <<<
# %% indicators-check
lab.check("indicators", indicators)
# %% intents_shown
rows = {name: indicators(true_intents, guess, families) for name, guess in guesses.items()}
display(pd.DataFrame({name: {key: "{:.3f} [{:.3f}, {:.3f}]".format(*three) for key, three in row.items()}
                      for name, row in rows.items()}).T)
_, low, high = rows[best]["accuracy"]
_, naive_low, naive_high = indicators(true_intents, guesses[best], range(len(test)))["accuracy"]
print(lab.say("naive", by_family=high - low, by_row=naive_high - naive_low, ratio=(high - low) / (naive_high - naive_low)))
tfidf, votes = ([a == b for a, b in zip(guesses[name], true_intents, strict=True)] for name in ("TF-IDF", best))
ahead = metrics.bootstrap(lambda rows: sum(tfidf[n] - votes[n] for n in rows) / len(rows), len(test), groups=families)
print(lab.say("ahead", gain=ahead))

shown = sorted(set(true_intents) | set(guesses[best]))
matrix = np.zeros((len(shown), len(shown)), dtype=int)
np.add.at(matrix, ([shown.index(g) for g in true_intents], [shown.index(p) for p in guesses[best]]), 1)
figure, axes = plt.subplots(figsize=(7, 6))
shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
for i, j in zip(*matrix.nonzero(), strict=True):
    axes.text(j, i, matrix[i, j], ha="center", va="center", fontsize=7, color="white" if shares[i, j] > 0.5 else "black")
axes.set_xticks(range(len(shown)), shown, rotation=90)
axes.set_yticks(range(len(shown)), shown)
axes.set_xlabel(lab.say("said"))
axes.set_ylabel(lab.say("meant"))
axes.grid(visible=False)
plt.show()
# %% [markdown] solution indicators-reading
# %% [markdown] kappa
# %% ratings
def raters(name):
    """Return for each text the classes that people gave it: 0 negative, 1 neutral, 2 positive."""
    lines = (data.path("vader-ratings") / f"{name}_anonDataRatings.txt").read_text("utf-8-sig").splitlines()
    return [[1 + (rating > 0) - (rating < 0) for rating in json.loads(line.split("\t")[3])] for line in lines]


opinions = {name: raters(name)
            for name in ("amazonReviewSnippets", "nytEditorialSnippets")}
for name, rows in opinions.items():
    print(name, len(rows), rows[0])
# %% predict_kappa
lab.predict("kappa_of_editorials", ..., ...)
# %% cohen_kappa graded=cohen_kappa
def cohen_kappa(first, second):
    """Return Cohen's kappa of two raters' labels for the same items.

    (agreement - chance) / (1 - chance), where chance is how often the two would agree if each
    kept their own habits, how often they use which label, and gave labels at random.
    At least two different labels occur.
    """
    agreement = sum(a == b for a, b in zip(first, second, strict=True)) / len(first)
    # >>>
    ours, theirs = Counter(first), Counter(second)
    chance = sum(ours[label] * theirs[label] for label in ours) / len(first) ** 2
    return (agreement - chance) / (1 - chance)
    # <<<
# %% cohen_kappa-check
lab.check("cohen_kappa", cohen_kappa)
# %% agreement
rows = {}
for name, people in opinions.items():
    neutral = [[int(label == 1) for label in row] for row in people]
    for what, labels in ((lab.say("three_classes"), people), (lab.say("is_neutral"), neutral)):
        first, second = ([row[n] for row in labels] for n in (0, 1))
        counts = [[row.count(label) for label in range(3)] for row in labels]
        rows[name, what] = {lab.say("raw"): np.mean(np.equal(first, second)),
                            "Cohen": cohen_kappa(first, second), "Fleiss": metrics.fleiss_kappa(counts)}
display(pd.DataFrame(rows).T.round(3))
editorials = [row[:2] for row in opinions["nytEditorialSnippets"]]
lab.reveal("kappa_of_editorials", cohen_kappa(*zip(*editorials, strict=True)))
# %% [markdown] solution cohen_kappa-reading
# %% [markdown] transfer
# %% save
def load(folder):
    """Return the service in folder; its read(texts) gives (intent, spans) for each text."""
    folder = Path(folder)
    about = json.loads((folder / "reader.json").read_text("utf-8"))
    weights, models = load_file(folder / "weights.safetensors"), []
    for n in range(about["readers"]):
        model = Reader(len(about["characters"]) + 2, len(about["tags"]), len(about["intents"]))
        mine = {name.partition(".")[2]: w for name, w in weights.items() if name.partition(".")[0] == str(n)}
        model.load_state_dict(mine)
        models.append(model)
    return Service(models, about["characters"], about["tags"], about["intents"])


def save(folder, service, scores):
    """Lay the service out so that others can load it and repeat its numbers."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    about = {"readers": len(service.models), "characters": service.characters, "tags": service.tags,
             "intents": service.intents, "scores": scores}
    (folder / "reader.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), "utf-8")
    (folder / "reader.py").write_text(module_of(load), "utf-8")
    weights = {f"{n}.{name}": w.cpu() for n, m in enumerate(service.models) for name, w in m.state_dict().items()}
    save_file(weights, folder / "weights.safetensors")


english = read_requests(place, "en", draws=EACH, side="open", seed=SEED)
for request in english[:: max(1, len(english) // 5)]:
    print(f"   {request.intent:12} {marked(request.text, request.spans)}")
# %% transfer graded=transfer
# >>>
#| # Your code. At the end: save("reader-en", service, {"entity_f1": …, "accuracy": …})
rest, test_en = split_apart(english, 0.2, SEED)  # nothing is tuned, so there is no validation side
train_en, test_en = at_most(rest, max(2, EACH // 4)), at_most(test_en, max(2, EACH // 4))
print(len(train_en), len(test_en))
service = together([fit(train_en, test_en, name=f"English, seed {seed}", seed=seed) for seed in SEEDS[:2]])
f1, accuracy = scores_of(service, test_en)
print(f"entity F1 {f1:.3f}, accuracy {accuracy:.3f}")
save("reader-en", service, {"entity_f1": f1, "accuracy": accuracy})
# <<<
# %% transfer-check
lab.check("transfer", "reader-en")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("dictionary", ...)
lab.answer("token", ...)
lab.answer("rows", ...)
lab.answer("kappa", ...)
# %% [markdown] further
