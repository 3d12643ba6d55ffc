"""Writes reference.json: random retrieval runs with the metrics that well-known libraries give them.

Needs Python 3.11 with numpy==2.4.6, scikit-learn==1.9.1 and pytrec-eval-terrier==0.5.11. Run it in this
folder; the test `reference.rs` compares.

Average precision and nDCG@10 are scikit-learn's, and trec_eval must agree; success at 1, 5 and 10 and the
rank of the first match are trec_eval's. Where scores tie, both libraries have rules of their own, so they
are given scores in which the ties are already broken against the relevant entries.
"""

import json

import numpy as np
import pytrec_eval
from sklearn.metrics import average_precision_score, ndcg_score

ITEMS, TEXTS, LABELS = 48, 5, 7
SCORES = 2000
TIED = 600  # that many neighbouring scores become one


def trec_eval(scores, relevant, measures):
    """The measures of one query."""
    run = {"q": {str(entry): float(score) for entry, score in enumerate(scores)}}
    judged = {"q": {str(entry): int(is_relevant) for entry, is_relevant in enumerate(relevant)}}
    return pytrec_eval.RelevanceEvaluator(judged, measures).evaluate(run)["q"]


def against(scores, favoured):
    """Distinct scores in the order of the given ones, with ties broken against the favoured entries."""
    worst_first = np.lexsort((~favoured, scores))
    distinct = np.empty(len(scores))
    distinct[worst_first] = np.arange(len(scores))
    return distinct


def query_metrics(scores, own, relevant):
    """Metrics of one query; own and relevant are masks over the gallery."""
    first = trec_eval(against(scores, own), own, {"success.1,5,10", "recip_rank"})
    ranked = against(scores, relevant)
    ap = average_precision_score(relevant, ranked)
    ndcg = ndcg_score([relevant.astype(float)], [ranked], k=10)
    trec = trec_eval(ranked, relevant, {"map", "ndcg_cut.10"})
    assert abs(ap - trec["map"]) < 1e-9 and abs(ndcg - trec["ndcg_cut_10"]) < 1e-9
    success = [first[f"success_{k}"] for k in (1, 5, 10)]
    return [*success, 1 / first["recip_rank"], ap, ndcg]


def card(rows):
    """Metrics of a direction from those of its queries."""
    r1, r5, r10, _, mean_ap, ndcg = np.mean(rows, axis=0)
    median = np.median([row[3] for row in rows])
    values = dict(r1=r1, r5=r5, r10=r10, median_rank=median, map=mean_ap, ndcg10=ndcg)
    return {"queries": len(rows), **{name: round(float(value), 9) for name, value in values.items()}}


def directions(scores, labels):
    """Cards of text->image, image->text and image->image for scores of all texts by all images."""
    item_of_text = np.repeat(np.arange(ITEMS), TEXTS)
    same_label = (labels[:, None] == labels[None, :]) & (labels[:, None] >= 0)
    same_item = np.eye(ITEMS, dtype=bool)
    related = same_label | same_item

    text_to_image = [
        query_metrics(row, same_item[item], related[item]) for row, item in zip(scores, item_of_text)
    ]
    image_to_text = [
        query_metrics(scores[:, item], same_item[item][item_of_text], related[item][item_of_text])
        for item in range(ITEMS)
    ]
    image_to_image = []
    for item in range(ITEMS):
        others = np.arange(ITEMS) != item
        relevant = same_label[item][others]
        if relevant.any():  # an image is scored as its first text is
            image_to_image.append(query_metrics(scores[item * TEXTS][others], relevant, relevant))
    return {
        "text->image": card(text_to_image),
        "image->text": card(image_to_text),
        "image->image": card(image_to_image),
    }


def main():
    rng = np.random.default_rng(0)
    labels = rng.integers(-2, LABELS, ITEMS)  # below 0: no label
    labels[0] = LABELS  # a label that nobody shares
    scores = rng.integers(0, SCORES, (ITEMS * TEXTS, ITEMS))
    # Own pictures score higher, so that the metrics are not all near chance.
    scores[np.arange(ITEMS * TEXTS), np.repeat(np.arange(ITEMS), TEXTS)] += rng.integers(0, SCORES, ITEMS * TEXTS)
    distinct = scores.argsort(axis=None).argsort().reshape(scores.shape)
    fixture = {
        "labels": [int(label) if label >= 0 else None for label in labels],
        "distinct": {"scores": distinct.tolist(), "directions": directions(distinct, labels)},
        "tied": {"divisor": TIED, "directions": directions(distinct // TIED, labels)},
    }
    with open("reference.json", "w") as file:
        json.dump(fixture, file, separators=(",", ":"))


main()
