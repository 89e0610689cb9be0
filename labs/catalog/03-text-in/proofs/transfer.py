"""Artefacts: each function makes one in ``folder`` and returns it."""

import json
import shutil
from pathlib import Path

from nltk.tokenize import TweetTokenizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC
from tokenizers import Tokenizer, trainers
from tokenizers.models import BPE

from practicum_labs import data, metrics

PIPELINE = '''import html
import re
import unicodedata


def tidy(text):
    text = re.sub(r"</?[a-zA-Z][^<>]*>", "", re.sub(r"<br\\s*/?>", " ", text))
    text = "".join(c for c in html.unescape(text)
                   if c == "\\u200d" or c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    text = re.sub(r"https?://[!-~]+", "", text)
    text = re.sub(r"([！？!?，。、~～])\\1+", r"\\1", text)
    text = "".join(chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    text = unicodedata.normalize("NFC", text.casefold())
    return re.sub(r"(?<!\\w)@\\w+", "@user", " ".join(text.split()))


def encode(text, ranks):
    tokens = []
    for piece in re.findall(r" ?[^\\W\\d_]+|\\d| ?(?:[^\\w\\s]|_)+|\\s+", text):
        parts = [bytes([byte]) for byte in piece.encode()]
        while True:
            found = [(ranks[pair], i) for i, pair in enumerate(zip(parts, parts[1:])) if pair in ranks]
            if not found:
                break
            i = min(found)[1]
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        tokens += parts
    return tokens
'''


def _learn(texts, size):
    tokenizer = Tokenizer(BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=256 + size, initial_alphabet=[chr(b) for b in range(256)], show_progress=False)
    cut = ((" " * (n > 0) + word).encode().decode("latin-1")
           for text in texts for n, word in enumerate(text.split(" ")))
    tokenizer.train_from_iterator(cut, trainer)
    return json.loads(tokenizer.to_str())["model"]["merges"]


def _score(cut, split):
    features = TfidfVectorizer(analyzer=cut, sublinear_tf=True)
    model = LinearSVC(C=0.1, class_weight="balanced")
    model.fit(features.fit_transform([e.text for e in split.train]), [e.label for e in split.train])
    answers = model.predict(features.transform([e.text for e in split.validation])).tolist()
    return metrics.score(metrics.macro_f1, [e.label for e in split.validation], answers).value


def _lay_out(folder, merges, scores, pipeline=PIPELINE):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pipeline.py").write_text(pipeline, "utf-8")
    (folder / "merges.json").write_text(json.dumps(merges), "utf-8")
    (folder / "scores.json").write_text(json.dumps(scores), "utf-8")
    return folder


def _made(folder, place, size=1000):
    split = data.load("vader-tweets", folder=place)
    scope = {}
    exec(PIPELINE, scope)
    tidy, encode = scope["tidy"], scope["encode"]
    merges = _learn([tidy(e.text) for e in split.train], size)
    ranks = {tuple(p.encode("latin-1") for p in pair): n for n, pair in enumerate(merges)}
    words = TweetTokenizer(reduce_len=True)
    scores = {"characters": _score(lambda t: list(tidy(t)), split),
              "words": _score(lambda t: words.tokenize(tidy(t)), split),
              "subwords": _score(lambda t: encode(tidy(t), ranks), split)}
    return _lay_out(folder, merges, scores)


def _spoiled(folder, place):
    """Return a copy of a good artefact, made once."""
    kept = folder.parent / "good"
    if not (kept / "scores.json").exists():
        _made(kept, place)
    shutil.rmtree(folder)
    return Path(shutil.copytree(kept, folder))


def _changed(folder, place, old, new):
    made = _spoiled(folder, place)
    code = (made / "pipeline.py").read_text("utf-8")
    assert old in code
    (made / "pipeline.py").write_text(code.replace(old, new), "utf-8")
    return made


def alternative_a_thousand_merges(folder, place):
    return _spoiled(folder, place)


def alternative_fewer_merges(folder, place):
    return _made(folder, place, size=500)


def mutant_layout__no_scores(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").unlink()
    return made


def mutant_not_json__python_repr(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text("{'subwords': 0.6}")
    return made


def mutant_no_comparison__subwords_only(folder, place):
    made = _spoiled(folder, place)
    (made / "scores.json").write_text('{"subwords": 0.6}')
    return made


def mutant_too_many__merges(folder, place):
    made = _spoiled(folder, place)
    merges = json.loads((made / "merges.json").read_text())
    (made / "merges.json").write_text(json.dumps(merges * 2))
    return made


def mutant_does_not_load__leans_on_the_notebook(folder, place):
    return _changed(folder, place, "import unicodedata\n", "import unicodedata\nlab.say('hello')\n")


def mutant_no_code__another_name(folder, place):
    return _changed(folder, place, "def tidy", "def clean_up")


def mutant_not_text__words(folder, place):
    return _changed(folder, place, '" ".join(text.split()))', '" ".join(text.split())).split()')


def mutant_dirty__addresses(folder, place):
    return _changed(folder, place, "https?://[!-~]+", "ftp://[!-~]+")


def mutant_names__left(folder, place):
    return _changed(folder, place, '"@user"', 'lambda m: m[0]')


def mutant_overcleaned__letters_of_long_words_only(folder, place):
    return _changed(folder, place, '" ".join(text.split())',
                    '" ".join(w for w in text.split() if len(w) > 4 or w in "& ok")')


def mutant_lossy__ascii_only(folder, place):
    return _changed(folder, place, "piece.encode()", "piece.encode('ascii', 'ignore')")


def mutant_costly__learnt_on_nothing(folder, place):
    made = _spoiled(folder, place)
    (made / "merges.json").write_text("[]")
    return made


def mutant_scores_differ__measured_on_training_data(folder, place):
    made = _spoiled(folder, place)
    scores = json.loads((made / "scores.json").read_text())
    (made / "scores.json").write_text(json.dumps(scores | {"subwords": 0.97}))
    return made


def mutant_not_better__forty_bytes_a_token(folder, place):
    made = _changed(folder, place, "    return tokens\n",
                    "    whole = b''.join(tokens)\n    return [whole[i:i + 40] for i in range(0, len(whole), 40)]\n")
    scores = json.loads((made / "scores.json").read_text())
    (made / "scores.json").write_text(json.dumps(scores | {"subwords": 0.3}))
    return made
