"""Compares libraries that find nearest neighbours, on the same vectors, queries and cores.

    python -m venv venv && venv/bin/pip install numpy faiss-cpu hnswlib usearch
    sensorium export --to all.npy --modality text --index INDEX
    sensorium embed --npy queries.npy QUERIES.txt
    venv/bin/python compare.py all.npy queries.npy --weights 1:384,0.6:896

Each library has a process of its own. Recall is of the 10 nearest by inner product; queries are weighted, as Sensorium weights
them, the vectors are not. For each library the lines go from few candidates to many: compare speeds where the recall is the same.
"""

import argparse
import os
import subprocess
import sys
import time

import numpy as np

TOP = 10
MORE = 50
CANDIDATES = [16, 32, 64, 128, 192, 256, 384, 512]
NEIGHBOURS, CANDIDATES_ADD = 32, 128


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors")
    parser.add_argument("queries")
    parser.add_argument("--weights", help="the weight of each block and where it ends, as in 1:384,0.6:896; others count nothing")
    parser.add_argument("--library", dest="one", choices=LIBRARIES)
    options = parser.parse_args()
    if options.one:
        return measure(options)
    vectors, queries = loaded(options)
    print(f"{len(vectors):,} vectors of {vectors.shape[1]} components, {len(queries):,} queries, {os.cpu_count()} cores", flush=True)
    np.save("truth.npy", nearest(vectors, queries))
    for library in LIBRARIES:
        subprocess.run([sys.executable, *sys.argv, "--library", library], check=True)


def loaded(options):
    vectors = np.load(options.vectors).astype(np.float32)
    queries = np.load(options.queries).astype(np.float32)
    if options.weights:
        weights = np.zeros(vectors.shape[1], np.float32)
        start = 0
        for block in options.weights.split(","):
            weight, end = block.split(":")
            weights[start : int(end)] = float(weight)
            start = int(end)
        queries = queries * weights
    return vectors, queries


def nearest(vectors, queries):
    found = []
    for part in np.array_split(queries, max(1, len(queries) // 100)):
        scores = part @ vectors.T
        found.append(np.argpartition(-scores, TOP, axis=1)[:, :TOP])
    return np.concatenate(found)


def memory():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) / 1024


def measure(options):
    vectors, queries = loaded(options)
    truth = [set(row) for row in np.load("truth.npy")]
    before, started = memory(), time.perf_counter()
    search = LIBRARIES[options.one](vectors)
    built = time.perf_counter() - started
    print(f"{options.one}: built in {built:.0f} s, {memory() - before:.0f} MiB", flush=True)
    for candidates in CANDIDATES:
        search(queries[:50], candidates)
        started = time.perf_counter()
        found = search(queries, candidates)
        speed = len(queries) / (time.perf_counter() - started)
        hits = sum(len(own & set(row)) for own, row in zip(truth, found))
        print(f"  {candidates:4} candidates: recall {hits / (TOP * len(queries)):.3f}, {speed:7.0f} queries a second", flush=True)


def faiss_hnsw(vectors):
    import faiss

    index = faiss.IndexHNSWFlat(vectors.shape[1], NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = CANDIDATES_ADD
    index.add(vectors)

    def search(queries, candidates):
        index.hnsw.efSearch = candidates
        return index.search(queries, TOP)[1]

    return search


def hnswlib_ip(vectors):
    import hnswlib

    index = hnswlib.Index(space="ip", dim=vectors.shape[1])
    index.init_index(len(vectors), ef_construction=CANDIDATES_ADD, M=NEIGHBOURS // 2)
    index.add_items(vectors)

    def search(queries, candidates):
        index.set_ef(candidates)
        return index.knn_query(queries, TOP)[0]

    return search


def usearch_of(kind):
    def build(vectors):
        from usearch.index import Index

        # Twice as many on the lowest level, as in the others.
        index = Index(
            ndim=vectors.shape[1], metric="ip", dtype=kind, connectivity=NEIGHBOURS // 2, expansion_add=CANDIDATES_ADD
        )
        index.add(np.arange(len(vectors)), vectors)

        def search(queries, candidates, wanted=TOP):
            index.expansion_search = candidates
            return index.search(queries, wanted).keys

        return search

    return build


def usearch_compared_anew(vectors):
    """As Sensorium does it: a graph of 8 bits, whose best are compared anew with the vectors as they are, in a file.

    In the graph all have the same length, by a component of which queries have nothing.
    """
    lengths = np.einsum("vd,vd->v", vectors, vectors)
    lacking = np.sqrt(lengths.max() - lengths)[:, None]
    search_graph = usearch_of("i8")(np.concatenate([vectors, lacking], axis=1))
    vectors.astype(np.float16).tofile("rows.f16")
    rows = np.memmap("rows.f16", np.float16, "r", shape=vectors.shape)

    def search(queries, candidates):
        found = []
        for part in np.array_split(queries, max(1, len(queries) // 50)):
            asked = np.pad(part, ((0, 0), (0, 1)))
            keys = search_graph(asked, max(candidates, MORE), MORE)
            scores = np.einsum("qd,qkd->qk", part, rows[keys].astype(np.float32))
            best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
            found.append(np.take_along_axis(keys, best, axis=1))
        return np.concatenate(found)

    return search


LIBRARIES = {
    "faiss HNSW, f32": faiss_hnsw,
    "hnswlib, f32": hnswlib_ip,
    "usearch, f16": usearch_of("f16"),
    "usearch, i8": usearch_of("i8"),
    "usearch, i8, compared anew": usearch_compared_anew,
}

if __name__ == "__main__":
    main()
