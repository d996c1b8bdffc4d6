"""Vectors of codes from the events of training people: codes that come together in the same people lie close.

Positive pointwise mutual information of codes in the same stretch of a person's time, and its truncated singular value
decomposition, the classical kin of word2vec. Levy and Goldberg 2014, https://papers.nips.cc/paper/5477
"""

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from salus.learning.moments import DAY_US
from salus.learning.task import Embed

Reals = npt.NDArray[np.float64]
KNOWN = """
CREATE OR REPLACE TEMP TABLE told AS
SELECT e.subject_id, e.code, epoch_us(e.time) AS at_us
FROM {events} e
JOIN (SELECT subject_id, max(at_us) AS last_us FROM rows WHERE part = 'train' GROUP BY 1) r
  ON e.subject_id = r.subject_id
WHERE e.code IN (SELECT unnest($codes))
  AND epoch_us(e.time) <= r.last_us AND coalesce(epoch_us(e.recorded_time) <= r.last_us, true)
"""
FREQUENT = """
SELECT code FROM told GROUP BY code HAVING count(DISTINCT subject_id) >= $floor
ORDER BY count(DISTINCT subject_id) DESC, code LIMIT $most
"""
STRETCHES = """
SELECT DISTINCT dense_rank() OVER (ORDER BY subject_id, late, (at_us + late) // $span) - 1 AS stretch, code
FROM told, (VALUES (0), ($span // 2)) shifts(late) WHERE code IN (SELECT unnest($codes))
"""  # stretches of so many days overlap by half: what comes together is not torn apart by where one begins


def learned_vectors(
    embed: Embed, codes: list[str], connection: duckdb.DuckDBPyConnection, events: str
) -> dict[str, Reals]:
    """Code -> vector of length 1, for codes that enough training people have (table `rows` on the connection).

    At most `embed.learned` numbers each; none for a code that comes with no other.
    """
    connection.execute(KNOWN.format(events=events), {"codes": codes})
    bounds = {"floor": embed.min_subjects, "most": embed.max_codes}
    kept = sorted(code for (code,) in connection.execute(FREQUENT, bounds).fetchall())
    span = {"span": round(embed.within_days * DAY_US), "codes": kept}
    found: pa.Table = connection.sql(STRETCHES, params=span).to_arrow_table()
    number = {code: j for j, code in enumerate(kept)}
    place = np.array([number[code] for code in found["code"].to_pylist()], dtype=np.int64)
    stretch = found["stretch"].to_numpy()
    shape = (int(stretch.max(initial=-1)) + 1, len(kept))
    vectors = directions(surprise(csr_matrix((np.ones(len(stretch)), (stretch, place)), shape=shape)), embed.learned)
    return {code: one for code, one in zip(kept, vectors, strict=True) if one.any()}


def surprise(has: csr_matrix) -> csr_matrix:
    """Positive PMI of columns. `has`: shape (stretches, codes), 1 where a stretch has a code."""
    pairs = (has.T @ has).tocsr()
    pairs.setdiag(0)
    pairs.eliminate_zeros()
    pairs.sort_indices()
    often = np.asarray(pairs.sum(axis=0)).ravel()
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    pairs.data = np.maximum(np.log(pairs.data * often.sum() / (often[row] * often[pairs.indices])), 0.0)
    pairs.eliminate_zeros()
    return pairs


def directions(pairs: csr_matrix, size: int) -> Reals:
    """The greatest singular directions times the root of their size, each row of length 1 (or 0), the sign such that
    the greatest number of a direction is positive. The same bits each time: the search begins at one drawn place."""
    many = pairs.shape[0]
    if many < 3 or not pairs.nnz:
        return np.zeros((many, 1))
    start = np.random.default_rng(7).standard_normal(many)
    u, s, _ = svds(pairs.astype(np.float64), k=min(size, many - 1), v0=start, rng=np.random.default_rng(7))
    order = [j for j in np.argsort(-s, kind="stable") if s[j] > 1e-9 * s.max()]
    u, s = u[:, order], s[order]
    u = u * np.sign(u[np.abs(u).argmax(axis=0), np.arange(len(s))])
    made = u * np.sqrt(s)
    long = np.sqrt((made**2).sum(axis=1, keepdims=True))
    return np.asarray(np.where(long > 1e-9, made / np.maximum(long, 1e-9), 0.0))
