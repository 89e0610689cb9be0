# %% [markdown] intro
# %% setup
import html
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import jieba
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from nltk.stem import PorterStemmer
from nltk.tokenize import TreebankWordTokenizer, TweetTokenizer, wordpunct_tokenize
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import GridSearchCV
from sklearn.svm import LinearSVC
from tokenizers import Tokenizer, trainers
from tokenizers.models import BPE

from practicum_labs import data, metrics, models, track
from practicum_labs.checking.capture import module_of
from practicum_labs.lab import open_lab
from practicum_labs.registry import sha256_of

lab = open_lab("text", language="en")
lab.style()
jieba.setLogLevel(60)
pd.set_option("display.max_colwidth", 120)
print(lab.say("ready", tier=lab.tier.name))
# %% [markdown] dirt
# %% dirt
DIRTY = (  # written for this lab; the kinds of dirt are those of shop reviews and chats
    "这款&nbsp;耳机<b>真的</b>不错&#65281;！！！<br/>推荐",
    "客服\u200b说三\ufeff天发货，，，结果等了７天。。。详情见https://t.cn/A6xQ9z气人",
    "ＷＩＦＩ　连不上？？？重启\x07了５０％还是\u202e不行……",
    "房间 25 m² &lt; 30 m²，C++ 版 2.0 👨\u200d👩\u200d👧",
)
for text in DIRTY:
    print(text)
    print("   ", " ".join(f"U+{ord(c):04X}" for c in text if unicodedata.category(c) in ("Cc", "Cf")))
# %% [markdown] clean
# %% clean graded=clean
def clean(text):
    """Take what carries no meaning out of text, and keep what does.

    1. `<br>` becomes a blank, every other HTML tag goes; "a < b" and "<3" are not tags.
    2. Entities become the characters they stand for. A tag that was written as entities stays.
    3. Control and format characters (categories Cc, Cf) go. White space is rule 6,
       and U+200D stays: it joins emoji.
    4. Addresses, http:// or https:// with the ASCII characters after it (`[!-~]`), go.
    5. A run of one of ！？!?，。、~～ becomes one of it. "……", "——" and "C++" stay.
    6. A run of white space becomes one blank; none at either end.
    """
    text = re.sub(r"<br\s*/?>", " ", text)
    # >>>
    text = re.sub(r"</?[a-zA-Z][^<>]*>", "", text)
    text = html.unescape(text)
    text = "".join(
        c for c in text
        if c == "\u200d" or c.isspace() or unicodedata.category(c) not in ("Cc", "Cf")
    )
    text = re.sub(r"https?://[!-~]+", "", text)
    text = re.sub(r"([！？!?，。、~～])\1+", r"\1", text)
    # <<<
    return " ".join(text.split())
# %% clean-check
lab.check("clean", clean)
# %% [markdown] solution clean-reading
# %% [markdown] nfkc
# %% nfkc
examples = ("ＷＩＦＩ５０％", "e\u0301", "25 m²", "2¹⁰", "3½", "①②", "好，对！", "……", "ﬁx")
rows = [[t, *(unicodedata.normalize(form, t) for form in ("NFC", "NFKC"))] for t in examples]
display(pd.DataFrame(rows, columns=[lab.say("text"), "NFC", "NFKC"]))
# %% [markdown] normalize
# %% normalize graded=normalize
PUNCTUATION = "，！？：；（）"


def normalize(text):
    """Write what means the same in the same way, and nothing else.

    1. Full-width signs (U+FF01 to U+FF5E, each 0xFEE0 above its ASCII twin) become ASCII, except
       PUNCTUATION, which is Chinese and stays; the ideographic blank U+3000 becomes " ".
    2. Upper and lower case become one (`casefold`).
    3. The result is in NFC. "²", "½", "①", "……" stay what they are.
    """
    # >>>
    signs = (full for full in range(0xFF01, 0xFF5F) if chr(full) not in PUNCTUATION)
    narrow = {full: full - 0xFEE0 for full in signs}
    text = text.translate(narrow | {0x3000: " "})
    return unicodedata.normalize("NFC", text.casefold())
    # <<<
# %% normalize-check
lab.check("normalize", normalize)
# %% normalized
for text in DIRTY:
    print(normalize(clean(text)))
# %% [markdown] solution normalize-reading
# %% [markdown] words
# %% words
dictionary = Path(jieba.__file__).with_name("dict.txt")
data.note_loaded("jieba-dict", sha256_of(dictionary))
counts = {}
for line in dictionary.read_text("utf-8").splitlines():
    word, count, _ = line.split(" ")
    counts[word] = int(count)
total = sum(counts.values())
LOGP = {word: math.log(count / total) for word, count in counts.items() if count}
LONGEST, UNKNOWN = max(map(len, LOGP)), -math.log(total)


def max_match(text, words, longest):
    """Take the longest word of the dictionary each time, from the left."""
    found, at = [], 0
    while at < len(text):
        for end in range(min(len(text), at + longest), at, -1):
            if end == at + 1 or text[at:end] in words:
                found.append(text[at:end])
                at = end
                break
    return found


print(lab.say("dictionary", words=len(LOGP), longest=LONGEST))
for text in ("他说的确实在理", "结婚的和尚未结婚的", "这种技术和服务质量有关"):
    print(" ".join(max_match(text, LOGP, LONGEST)))
# %% [markdown] segment
# %% segment graded=segment
def segment(text, logp, longest, unknown):
    """Return the words of the most probable way to cut text; nothing is lost.

    logp: word -> log probability, no word longer than `longest`
    unknown: the log probability of a single character that logp does not have
    """
    best = [0.0] + [-math.inf] * len(text)  # best[end]: of all ways to cut text[:end]
    came = [0] * (len(text) + 1)  # came[end]: where the last word of the best way begins
    for end in range(1, len(text) + 1):
        for begin in range(max(0, end - longest), end):
            word = text[begin:end]
            # >>>
            score = best[begin] + logp.get(word, unknown if len(word) == 1 else -math.inf)
            if score > best[end]:
                best[end], came[end] = score, begin
            # <<<
    # >>>
    words, end = [], len(text)
    while end:
        words.append(text[came[end] : end])
        end = came[end]
    return words[::-1]
    # <<<
# %% segment-check
lab.check("segment", segment)
# %% [markdown] solution segment-reading
# %% [markdown] gold
# %% gold
GOLD = [line.split() for line in """
我 想 退 掉 昨天 买 的 耳机
快递 三 天 了 还 没有 送到
请问 发票 什么 时候 能 开
客服 说 的 确实 有 道理
这 台 洗衣机 声音 太 大
手机 屏幕 摔 坏 了 能 修 吗
我 不 想 再 买 他们 家 的 东西 了
充电 半 小时 只能 用 两 个 小时
颜色 和 图片 上 的 不 一样
这个 门 把手 坏 了
请 把 手 拿 开
他 从 马 上 下来
我 马上 下来
研究 生命 的 起源
研究生 在 实验室 做 实验
南京市 长江 大桥 昨天 通车
乒乓 球拍 卖 完 了
结婚 的 和 尚未 结婚 的 都 来 了
和尚 在 庙 里 念经
这 件 衣服 质量 不错 价格 也 合适
我们 下周 去 北京 开会
价格 比 上 个 月 贵 了 一百 块
学生会 组织 了 一 场 义演
学生 会 说 三 种 语言
他 将来 想 当 医生
他 将 来 上海 工作
他 写 完 作业 才 能 回家
白 天鹅 在 湖 里 游泳
白天 我 在 公司 上班
超市 的 新 西兰花 很 便宜
新西兰 的 牛奶 很 好喝
大家 有 意见 分歧
他 有意 隐瞒 了 真相
这种 技术 和 服务 质量 有关
产品 和 服务 都 要 改进
她 穿着 和服 拍照
提高 人民 生活 水平
请 在 一 楼 大厅 等候
老师 在 黑板 上 写 字
网络 信号 时 好 时 坏
软件 更新 后 经常 闪退
验证码 一直 收 不 到
密码 忘记 了 怎么 找回
我 的 账号 被 冻结 了
麻烦 帮 我 查 一下 物流
同事 推荐 我 买 这 款 键盘
电池 用 了 一 年 就 不行 了
商家 态度 恶劣 还 不 退款
周末 带 孩子 去 动物园
李明 和 王芳 在 图书馆 学习
张伟 昨天 搬 到 了 深圳
她 把 钥匙 忘 在 办公室 了
他们 正在 讨论 明年 的 计划
大学生 活动 中心 在 东门
大学 生活 让 人 怀念
从 小学 到 大学 一直 是 同桌
他 从小 学 钢琴
主播 推荐 的 面膜 过敏 了
我 被 这个 博主 种草 了
群 里 有人 发 红包
""".strip().splitlines()]
texts = ["".join(words) for words in GOLD]
print(lab.say("gold", sentences=len(GOLD), words=sum(map(len, GOLD))))
# %% [markdown] word_f1
# %% word_f1 graded=word_f1
def word_f1(gold, predicted):
    """Return the F1 of words over all sentences together; 0.0 when no word is right.

    gold, predicted: a list of sentences, each a list of words that make the same text
    A word is right when it begins and ends where one of gold does.
    """
    # >>>
    right = wanted = found = 0
    for ours, theirs in zip(gold, predicted, strict=True):
        spans = []
        for words in (ours, theirs):
            ends = np.cumsum([len(word) for word in words]).tolist()
            spans.append(set(zip([0, *ends], ends, strict=False)))
        right += len(spans[0] & spans[1])
        wanted += len(ours)
        found += len(theirs)
    return 2 * right / (wanted + found)
    # <<<
# %% word_f1-check
lab.check("word_f1", word_f1)
# %% [markdown] predict_f1
# %% predict_f1
lab.predict("segment_f1", ..., ...)
# %% [markdown] compare
# %% compare
cuts = {
    lab.say("characters"): [list(text) for text in texts],
    "max_match": [max_match(text, LOGP, LONGEST) for text in texts],
    "segment": [segment(text, LOGP, LONGEST, UNKNOWN) for text in texts],
    "jieba, HMM=False": [jieba.lcut(text, HMM=False) for text in texts],
    "jieba": [jieba.lcut(text) for text in texts],
}


def f1_of(name, chosen):
    return word_f1([GOLD[i] for i in chosen], [cuts[name][i] for i in chosen])


for name in cuts:
    print(f"{name:18} F1 {metrics.bootstrap(lambda chosen, name=name: f1_of(name, chosen), len(GOLD))}")
for ours, theirs in (("segment", "max_match"), ("jieba", "segment")):
    gain = metrics.bootstrap(lambda chosen, a=ours, b=theirs: f1_of(a, chosen) - f1_of(b, chosen), len(GOLD))
    print(f"{ours} − {theirs}: {gain}")
same = sum(a == b for a, b in zip(cuts["segment"], cuts["jieba, HMM=False"], strict=True))
print(lab.say("same_as_jieba", same=same, of=len(GOLD)))
lab.reveal("segment_f1", word_f1(GOLD, cuts["segment"]))
names = ("max_match", "segment", "jieba")
rows = [
    [" ".join(words), *(" ".join(cuts[name][i]) if cuts[name][i] != words else "✓" for name in names)]
    for i, words in enumerate(GOLD) if any(cuts[name][i] != words for name in names)
]
display(pd.DataFrame(rows[:16], columns=[lab.say("gold_column"), *names]))
# %% [markdown] english
# %% english
tweets = data.load("vader-tweets", train=lab.tier.examples(3300), validation=lab.tier.examples(1000))
stemmer, for_tweets = PorterStemmer(), TweetTokenizer(reduce_len=True)
tweet = "@Anna I'm sooooo happy!!! :-) isn't C3PO's U.S. tour #1? http://t.co/x2"
for name, cut in (("split", str.split), ("wordpunct", wordpunct_tokenize),
                  ("Treebank", TreebankWordTokenizer().tokenize), ("Tweet", for_tweets.tokenize)):
    print(f"{name:10}", " ".join(f"[{token}]" for token in cut(tweet)))
print([stemmer.stem(word) for word in "connected connection connecting university universal news".split()])
words = Counter(w.lower() for e in tweets.train for w in for_tweets.tokenize(e.text) if w.isalpha())
stems = Counter(stemmer.stem(word) for word in words)
once = sum(count == 1 for count in words.values())
print(lab.say("stems", words=len(words), once=once, stems=len(stems)))
# %% [markdown] shredded
# %% shredded
wordpiece = Tokenizer.from_file(str(models.path("minilm") / "tokenizer.json"))
wordpiece.no_padding()
for text in ("打开客厅的灯", "关掉卧室的灯", "质量很好", "质量很差", "買兩張票"):
    print(text, wordpiece.encode(text, add_special_tokens=False).tokens)
common = sorted((w for w in LOGP if len(w) == 2), key=LOGP.get, reverse=True)[:2000]
seen = defaultdict(list)
for word in common:
    seen[tuple(wordpiece.encode(word, add_special_tokens=False).tokens)].append(word)
largest = max(seen.values(), key=len)
lost = sum(len(group) for group in seen.values() if len(group) > 1)
print(lab.say("collide", words=len(common), lost=lost, largest=len(largest), some=" ".join(largest[:16])))
# %% [markdown] learn_merges
# %% learn_merges graded=learn_merges
def merge(tokens, pair):
    """Return tokens with each `pair`, from the left, made one token."""
    made, at = [], 0
    while at < len(tokens):
        if tuple(tokens[at : at + 2]) == pair:
            made.append(pair[0] + pair[1])
            at += 2
        else:
            made.append(tokens[at])
            at += 1
    return made


def learn_merges(counts, size):
    """Return at most `size` merges of byte-pair encoding, as pairs of bytes, in order.

    counts: piece (bytes) -> how often it occurs
    Each time the most frequent pair of neighbours, of equals the smaller pair; stop when no
    piece has two tokens left.
    """
    tokens = {piece: [bytes([byte]) for byte in piece] for piece in counts}
    merges = []
    while len(merges) < size:
        pairs = Counter()
        # >>>
        for piece, parts in tokens.items():
            for pair in zip(parts, parts[1:], strict=False):
                pairs[pair] += counts[piece]
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        tokens = {piece: merge(parts, best) for piece, parts in tokens.items()}
        # <<<
    return merges
# %% learn_merges-check
lab.check("learn_merges", learn_merges)
# %% [markdown] solution learn_merges-reading
# %% [markdown] encode
# %% encode graded=encode
PIECES = r" ?[^\W\d_]+|\d| ?(?:[^\w\s]|_)+|\s+"


def pieces(text):
    """Cut text into runs of letters, digits, signs and blanks, as bytes; merges stay inside."""
    return [piece.encode() for piece in re.findall(PIECES, text)]


def encode(text, ranks):
    """Return the tokens of text, as bytes: merges applied in the order they were learnt.

    ranks: pair of bytes -> its place among the merges, 0 first
    """
    tokens = []
    for piece in pieces(text):
        parts = [bytes([byte]) for byte in piece]
        # >>>
        while found := [
            (ranks[pair], at) for at, pair in enumerate(zip(parts, parts[1:], strict=False)) if pair in ranks
        ]:
            _, at = min(found)
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        # <<<
        tokens += parts
    return tokens


def decode(tokens):
    """Return the text of tokens."""
    return b"".join(tokens).decode(errors="replace")
# %% encode-check
lab.check("encode", encode)
# %% encoded
ranks = {pair: rank for rank, pair in enumerate(learn_merges(Counter(pieces("天地人天地天地")), 6))}
for text in ("天地", "地天", "👍"):
    print(text, pieces(text), encode(text, ranks), decode(encode(text, ranks)) == text)
# %% [markdown] solution encode-reading
# %% [markdown] corpora
# %% corpora
def song_ci():
    """Return the texts of the Song ci, clean and normal."""
    files = sorted(data.path("song-ci").glob("ci.song.*.json"))
    poems = [poem for file in files for poem in json.loads(file.read_text("utf-8"))]
    return [tidy(" ".join(poem["paragraphs"])) for poem in poems]


def tidy(text):
    return normalize(clean(text))


def learn(texts, size):
    """As learn_merges, in Rust: each byte becomes the character of that number."""
    tokenizer = Tokenizer(BPE())
    alphabet = [chr(byte) for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=256 + size, initial_alphabet=alphabet, show_progress=False)
    cut = (piece.decode("latin-1") for text in texts for piece in pieces(text))
    tokenizer.train_from_iterator(cut, trainer)
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [(left.encode("latin-1"), right.encode("latin-1")) for left, right in merges]


def up_to(texts, characters):
    """Return the first texts, so many characters in all."""
    ends = np.cumsum([len(text) for text in texts])
    return texts[: int(np.searchsorted(ends, characters)) + 1]


reviews = data.load("vader-reviews")
poems = sorted(set(song_ci()), key=lambda text: text[::-1])  # what ends alike stays on one side
held = {"zh": poems[: lab.tier.examples(120)],
        "en": [tidy(e.text) for e in reviews.validation][: lab.tier.examples(120)]}
budget = lab.tier.examples(200_000)
chinese = up_to(poems[lab.tier.examples(120) :], budget)
english = up_to([tidy(e.text) for e in reviews.train], budget)
corpus = {"zh": chinese, "en": english, "zh + en": up_to(chinese, budget // 2) + up_to(english, budget // 2)}
few = chinese[:20]
ours = learn_merges(Counter(piece for text in few for piece in pieces(text)), 60)
print(lab.say("as_in_rust", same=len(set(ours) & set(learn(few, 60))), of=len(ours)))
print(chinese[0][:60])
# %% [markdown] predict_shred
# %% predict_shred
lab.predict("zh_by_en", ..., ...)
lab.predict("zh_by_zh", ..., ...)
# %% [markdown] fertility
# %% fertility
SIZES = [size for size in (0, 100, 300, 1000, 2000, 4000) if size <= lab.tier.examples(4000)]


def fertility(texts, ranks):
    """Return tokens per character."""
    return sum(len(encode(text, ranks)) for text in texts) / sum(map(len, texts))


vocabulary = {name: learn(texts, SIZES[-1]) for name, texts in corpus.items()}
curves = defaultdict(dict)
for name, merges in vocabulary.items():
    with track.init(lab="text", name=f"vocabulary {name}", config={"size": SIZES[-1], "seed": 0}) as run:
        for size in SIZES:
            ranks = {pair: rank for rank, pair in enumerate(merges[:size])}
            for language, texts in held.items():
                curves[language, name][size] = fertility(texts, ranks)
            run.log({f"fertility_{language}": curves[language, name][size] for language in held}, step=size)
        run.finish({f"fertility_{language}": curves[language, name][SIZES[-1]] for language in held})
figure, sides = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True)
for side, language in zip(sides, held, strict=True):
    for name in vocabulary:
        side.plot(curves[language, name].keys(), curves[language, name].values(), marker="o", label=name)
    side.set(xlabel=lab.say("merges"), title=lab.say(f"text_{language}"), ylim=(0, 3.1))
sides[0].set_ylabel(lab.say("fertility"))
sides[1].legend(title=lab.say("learnt_on"))
figure.tight_layout()
plt.show()
display(pd.DataFrame(curves).round(2).rename_axis(columns=[lab.say("text"), lab.say("learnt_on")]))
lab.reveal("zh_by_en", curves["zh", "en"][SIZES[-1]])
lab.reveal("zh_by_zh", curves["zh", "zh"][SIZES[-1]])
# %% fertility-pieces
line = held["zh"][0][:12] + " 👍 wonderful"
for name, merges in vocabulary.items():
    tokens = encode(line, {pair: rank for rank, pair in enumerate(merges)})
    print(f"{name:8} {len(tokens):3} {decode(tokens) == line}", "|".join(decode([t]) for t in tokens))
longest = sorted((a + b for a, b in vocabulary["zh"]), key=len, reverse=True)[:12]
print(" ".join(decode([token]) for token in longest))
# %% [markdown] vectors
# %% vectors
common = [c for c, _ in Counter("".join(chinese)).most_common(800) if "\u4e00" <= c <= "\u9fff"]
place = {character: n for n, character in enumerate(common)}
near = np.zeros((len(common), len(common)))
for text in chinese:
    for half in re.split(r"\W+", text):
        known = [place.get(character) for character in half]
        for n, here in enumerate(known):
            for there in known[n + 1 : n + 4]:
                if here is not None and there is not None:
                    near[here, there] += 1
                    near[there, here] += 1
expected = near.sum(1, keepdims=True) * near.sum(0) / near.sum()
ppmi = np.log(np.maximum(near, 1e-9) / np.maximum(expected, 1e-9)).clip(min=0)
width = min(50, len(common) - 1)
table = TruncatedSVD(width, random_state=0).fit_transform(ppmi)  # (characters, width)


def neighbours(character, rows):
    """Return the characters whose rows point the same way."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    order = np.argsort(-(unit @ unit[place[character]]))
    return " ".join(common[n] for n in order[1:9])


print(lab.say("table", shape=table.shape))
shown = [c for c in "春酒月愁江红三东" if c in place]
rows = [[c, neighbours(c, near), neighbours(c, table)] for c in shown]
display(pd.DataFrame(rows, columns=["", lab.say("by_counts"), lab.say("by_vectors")]))
# %% [markdown] repository
# %% repository
def save_tokenizer(folder, functions, merges, scores):
    """Lay a tokenizer out so that someone else can use and judge it."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    (folder / "pipeline.py").write_text(module_of(*functions), "utf-8")
    pairs = [[part.decode("latin-1") for part in pair] for pair in merges]
    (folder / "merges.json").write_text(json.dumps(pairs), "utf-8")
    (folder / "scores.json").write_text(json.dumps(scores, indent=1), "utf-8")


def downstream(train, validation, tokens_of):
    """Return the classes of validation that a linear model on bags of tokens predicts."""
    features = TfidfVectorizer(analyzer=tokens_of, sublinear_tf=True)
    model = GridSearchCV(
        LinearSVC(class_weight="balanced"), {"C": [0.03, 0.1, 0.3, 1]}, cv=3, scoring="f1_macro"
    )
    model.fit(features.fit_transform([e.text for e in train]), [e.label for e in train])
    return model.predict(features.transform([e.text for e in validation])).tolist()


save_tokenizer("song-tokenizer", (tidy, encode), vocabulary["zh"], {})
for path in sorted(Path("song-tokenizer").iterdir()):
    print(f"{path.stat().st_size / 1024:8.1f} KiB  {path}")
# %% [markdown] transfer
# %% transfer graded=transfer
# >>>
#| # Your code. At the end, tweet-tokenizer/ holds pipeline.py, merges.json and scores.json.
def tidy(text):
    return re.sub(r"(?<!\w)@\w+", "@user", normalize(clean(text)))


def judge(split):
    """Return merges learnt on the training side and macro-F1 of each way to cut."""
    merges = learn([tidy(e.text) for e in split.train], 1000)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    cutters = {
        "characters": lambda text: list(tidy(text)),
        "words": lambda text: for_tweets.tokenize(tidy(text)),
        "subwords": lambda text: encode(tidy(text), ranks),
    }
    truth = [e.label for e in split.validation]
    answers = {name: downstream(split.train, split.validation, cut) for name, cut in cutters.items()}
    for theirs in ("characters", "words"):
        gain = metrics.difference(metrics.macro_f1, truth, answers["subwords"], answers[theirs])
        print(f"   subwords − {theirs}: {gain}")
    return merges, {
        name: metrics.score(metrics.macro_f1, truth, found).value for name, found in answers.items()
    }


for seed in (0, 1, 2):
    print(lab.say("draw", seed=seed))
    judge(data.load("vader-tweets", train=len(tweets.train) // 2, validation=len(tweets.validation), seed=seed))
print(lab.say("all_tweets"))
tweet_merges, scores = judge(tweets)
print(scores)
save_tokenizer("tweet-tokenizer", (tidy, encode), tweet_merges, scores)
# <<<
# %% transfer-check
lab.check("transfer", "tweet-tokenizer")
# %% [markdown] solution transfer-reading
# %% [markdown] calibration
# %% calibration
lab.calibration()
# %% [markdown] quiz
# %% quiz
lab.quiz()
# %% answers
lab.answer("nfkc", ...)
lab.answer("shred", ...)
lab.answer("unknown", ...)
lab.answer("f1", ...)
# %% [markdown] further
