"""One of bm25s, tantivy and TF-IDF with a full cosine over texts: index, then ask; times and memory as JSON.

    python words.py bm25s|tantivy|tfidf TEXTS.json

Runs in an environment of its own (`pip install bm25s tantivy scikit-learn PyStemmer`), on one thread.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[name] = "1"
COUNT = 10


def with_bm25s(texts: list[str]) -> Callable[[str], object]:
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25()
    index.index(bm25s.tokenize(texts, stopwords=None, stemmer=stemmer, show_progress=False), show_progress=False)

    def ask(text: str) -> object:
        tokens = bm25s.tokenize(text, stopwords=None, stemmer=stemmer, show_progress=False)
        return index.retrieve(tokens, k=COUNT, show_progress=False, n_threads=0)

    return ask


def with_tantivy(texts: list[str]) -> Callable[[str], object]:
    import tantivy

    schema = tantivy.SchemaBuilder().add_text_field("body", tokenizer_name="en_stem").build()
    index = tantivy.Index(schema)
    writer = index.writer(num_threads=1)
    for text in texts:
        writer.add_document(tantivy.Document(body=text))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()

    def ask(text: str) -> object:
        plain = " ".join("".join(letter if letter.isalnum() else " " for letter in text).lower().split())
        return searcher.search(index.parse_query(plain, ["body"]), COUNT).hits

    return ask


def with_tfidf(texts: list[str]) -> Callable[[str], object]:
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer()
    matrix = vectors.fit_transform(texts)

    def ask(text: str) -> object:
        scores = (matrix @ vectors.transform([text]).T).toarray().ravel()
        top = np.argpartition(-scores, COUNT)[:COUNT]
        return top[np.argsort(-scores[top])]

    return ask


PEERS = {"bm25s": with_bm25s, "tantivy": with_tantivy, "tfidf": with_tfidf}

if __name__ == "__main__" and sys.argv[1:]:
    peer, told = sys.argv[1], json.loads(Path(sys.argv[2]).read_text())
    begin, wall = time.process_time(), time.perf_counter()
    ask = PEERS[peer](told["texts"])
    index, walled = time.process_time() - begin, time.perf_counter() - wall
    for text in told["asked"][:20]:
        ask(text)
    spent = []
    for text in told["asked"]:
        begin = time.process_time()
        ask(text)
        spent.append(time.process_time() - begin)
    status = Path("/proc/self/status").read_text()  # not getrusage, whose peak is the parent's too
    peak = int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1024
    known = version("scikit-learn" if peer == "tfidf" else peer)
    print(json.dumps({"version": known, "index": index, "wall": walled, "spent": spent, "peak": peak}))
