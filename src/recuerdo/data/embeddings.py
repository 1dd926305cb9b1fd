"""Word vectors from counts alone: which tokens stand near each other, made into few dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.ragged import Ragged
from recuerdo.errors import DataError, OptionError

__all__ = ["positive_pmi", "ppmi_embeddings"]


def ppmi_embeddings(
    sequences: Ragged,
    vocabulary: int,
    size: int,
    *,
    window: int = 5,
    alpha: float = 0.75,
    eigen_power: float = 0.5,
    scale: float | None = None,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Make vectors of which those of tokens in like company are alike.

    The matrix of `positive_pmi` is written as U S V' in its largest singular values; the vectors are the rows of
    U S**eigen_power.

    Args:
        sequences: N sequences of token ids, as `Tokens.encode` gives them.
        vocabulary: V, how many ids there are.
        size: how many dimensions a vector gets.
        window: how many tokens to each side count as company, all of them alike.
        alpha: the power of context counts, 1 for none: less than 1 weakens rare contexts.
        eigen_power: how much the singular values weigh, 0 for not at all and 1 for the matrix itself.
        scale: standard deviation of the numbers of tokens that have company; None leaves them as they are.
        seed: of the random start of the decomposition; the same seed gives the same vectors.

    Returns:
        The vectors (V, size). Tokens that never stand beside another have zeros, and so have dimensions that the texts
        are too few for. The largest number of each dimension is positive, since its sign means nothing.

    Raises:
        DataError: the ids are not whole numbers from 0 to V - 1.
        OptionError: an option out of its range.

    Source:
        Levy, Goldberg and Dagan 2015, sections 2.2, 3.2 and 3.3; the decomposition is that of Halko, Martinsson and
        Tropp 2011, by scikit-learn.

    Example:
        >>> texts = Ragged.of([[3, 4, 5], [3, 6, 5], [7, 8]])
        >>> vectors = ppmi_embeddings(texts, vocabulary=9, size=4)
        >>> vectors.shape, bool(vectors[4] @ vectors[6] > vectors[4] @ vectors[8])
        ((9, 4), True)
    """
    if size < 1:
        raise OptionError(f"size={size}: a vector has 1 dimension or more.")
    if not 0 <= eigen_power <= 1:
        raise OptionError(f"eigen_power={eigen_power}: it has to be from 0 to 1.")
    if scale is not None and not 0 < scale < np.inf:
        raise OptionError(f"scale={scale}: a standard deviation has to be above 0, and finite.")
    matrix = positive_pmi(sequences, vocabulary, window=window, alpha=alpha)
    from sklearn.utils.extmath import randomized_svd

    vectors = np.zeros((vocabulary, size), np.float32)
    seen = np.flatnonzero(np.diff(matrix.indptr))  # tokens without company would only cost time
    matrix = matrix[seen][:, seen]
    kept = min(size, len(seen))
    if kept:
        left, values, _ = randomized_svd(matrix, kept, n_oversamples=20, random_state=seed)
        values[values < 1e-9 * values[0]] = 0  # beyond the rank the directions are noise
        left = left * np.where(values > 0, values**eigen_power, 0)
        left *= np.where(left[np.abs(left).argmax(axis=0), np.arange(kept)] < 0, -1, 1)
        if scale is not None:
            left *= scale / left.std()
        vectors[seen, :kept] = left
    return vectors


def positive_pmi(sequences: Ragged, vocabulary: int, *, window: int = 5, alpha: float = 0.75) -> Any:
    """Say how much more often two tokens stand near each other than chance would have it.

    With #(w, c) the count of w near c, #(w) = sum over c of #(w, c) and p(c) = #(c)**alpha / sum of #(c)**alpha:
    max(0, log(#(w, c) / (#(w) p(c)))).

    Args:
        sequences: N sequences of token ids.
        vocabulary: V, how many ids there are.
        window: how many tokens to each side count as near, all of them alike.
        alpha: the power of context counts, above 0 and at most 1.

    Returns:
        The positive pointwise mutual information, a scipy CSR array (V, V); tokens in rows, contexts in columns.

    Raises:
        DataError: the ids are not whole numbers from 0 to V - 1.
        OptionError: window or alpha out of its range.

    Source:
        Levy, Goldberg and Dagan 2015, sections 2.1 and 3.2.

    Example:
        >>> positive_pmi(Ragged.of([[0, 1], [2, 2]]), 3, alpha=1).toarray().round(2).tolist()
        [[0.0, 1.39, 0.0], [1.39, 0.0, 0.0], [0.0, 0.0, 0.69]]
    """
    if window < 1:
        raise OptionError(f"window={window}: it counts tokens to each side and has to be 1 or more.")
    if not 0 < alpha <= 1:
        raise OptionError(f"alpha={alpha}: it has to be above 0, and 1 at most.")
    ids = sequences.values
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise DataError(f"Vectors are made of token ids (sum of T_i,), got {ids.dtype} {ids.shape}.")
    if ids.size and not 0 <= ids.min() <= ids.max() < vocabulary:
        raise DataError(
            f"Token ids have to be from 0 to {vocabulary - 1}, got {ids.min()} to {ids.max()}. Is vocabulary= that of "
            "the tokens which encoded the texts?"
        )
    from scipy.sparse import csr_array

    counts = _near(ids, sequences.lengths, vocabulary, window)
    of_word, of_context = counts.sum(axis=1), counts.sum(axis=0) ** alpha
    rows = np.repeat(np.arange(vocabulary), np.diff(counts.indptr))
    information = np.log(counts.data * of_context.sum() / (of_word[rows] * of_context[counts.indices]))
    found = csr_array((np.maximum(information, 0), counts.indices, counts.indptr), shape=counts.shape)
    found.eliminate_zeros()
    return found


def _near(ids: NDArray[Any], lengths: NDArray[np.int64], vocabulary: int, window: int) -> Any:
    """How often each token stands near each other one; symmetric."""
    from scipy.sparse import coo_array, csr_array

    owner = np.repeat(np.arange(len(lengths)), lengths)
    found = csr_array((vocabulary, vocabulary))
    for distance in range(1, min(window, len(ids) - 1) + 1):
        within = owner[distance:] == owner[:-distance]
        pair = ids[:-distance][within], ids[distance:][within]
        found = found + coo_array((np.ones(len(pair[0])), pair), shape=found.shape).tocsr()
    return csr_array(found + found.T)
