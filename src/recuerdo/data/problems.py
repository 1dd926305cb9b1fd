"""Synthetic problems whose right answer is known: they tell what a network can remember, and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recuerdo.errors import OptionError


def adding(n: int, T: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw sequences of numbers of which two are marked; the answer is the sum of the two.

    The numbers are uniform in (0, 1), one mark lies in the first half of the steps and one in the second. Without
    memory the best answer is always 1, and its mean squared error is 1/6, the variance of the sum of two such numbers.

    Args:
        n: N, how many sequences.
        T: their time steps, 2 or more.
        seed: of the numbers and of the places of the marks; the same seed gives the same sequences.

    Returns:
        x, (N, T, 2): the numbers and the marks (1 where marked, else 0); y, (N,): the sums.

    Raises:
        OptionError: fewer than one sequence or than two steps, or a negative seed.

    Source:
        Hochreiter and Schmidhuber 1997, experiment 4, in the form of Le et al. 2015, section 4.1.

    Example:
        >>> x, y = adding(3, 50)
        >>> x.shape, x[..., 1].sum(axis=1).tolist()
        ((3, 50, 2), [2.0, 2.0, 2.0])
        >>> np.allclose((x[..., 0] * x[..., 1]).sum(axis=1), y)
        True
    """
    _require_least("adding", n=(n, 1), T=(T, 2), seed=(seed, 0))
    random = np.random.default_rng(seed)
    numbers = random.random((n, T), dtype=np.float32)
    first, second = random.integers(0, T // 2, n), random.integers(T // 2, T, n)
    marks = np.zeros((n, T), np.float32)
    rows = np.arange(n)
    marks[rows, first] = marks[rows, second] = 1
    return np.stack([numbers, marks], axis=-1), numbers[rows, first] + numbers[rows, second]


def copying(
    n: int, lag: int, seed: int = 0, *, symbols: int = 8, memory: int = 10
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw sequences that begin with some symbols, which are to be given back in their order after a long wait.

    First come the symbols, one a step, then lag - 1 blanks, a go mark, and as many blanks as there were symbols. The
    answer is a blank at each step but the last ones, and there the symbols. Without memory the best answer is a blank
    and then any symbol: its mean cross-entropy is memory * ln(symbols) / (lag + 2 * memory), and it is right at
    (lag + memory + memory / symbols) / (lag + 2 * memory) of the steps.

    Args:
        n: N, how many sequences.
        lag: steps from the last symbol to the go mark, 1 or more. T is lag + 2 * memory.
        seed: of the symbols; the same seed gives the same sequences.
        symbols: how many different ones there are, 2 or more.
        memory: how many of them a sequence begins with.

    Returns:
        x, (N, T, symbols + 2): 1 for what is shown, else 0; last but one is the blank, last the go mark. y, (N, T): the
        symbols 0 to symbols - 1, and symbols for the blank.

    Raises:
        OptionError: a number is too small.

    Source:
        Hochreiter and Schmidhuber 1997; in the form of Arjovsky et al. 2016, section 4.1.

    Example:
        >>> x, y = copying(1, 3, symbols=2, memory=2)
        >>> x.shape, x[0].argmax(axis=1).tolist(), y[0].tolist()
        ((1, 7, 4), [1, 1, 2, 2, 3, 2, 2], [2, 2, 2, 2, 2, 1, 1])
    """
    _require_least("copying", n=(n, 1), lag=(lag, 1), seed=(seed, 0), symbols=(symbols, 2), memory=(memory, 1))
    shown = np.full((n, lag + 2 * memory), symbols)
    answer = shown.copy()
    shown[:, :memory] = answer[:, -memory:] = np.random.default_rng(seed).integers(0, symbols, (n, memory))
    shown[:, memory + lag - 1] = symbols + 1
    return _one_hot(shown, symbols + 2), answer


def delayed_recall(
    n: int, lag: int, seed: int = 0, *, symbols: int = 4, distractors: int = 4
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw sequences that begin with one symbol, which is asked for after many steps of others.

    The first step shows the symbol, the last one a question mark, each step between one of the distractors. Without
    memory one answer in `symbols` is right, and the best cross-entropy is ln(symbols).

    Args:
        n: N, how many sequences.
        lag: steps from the symbol to the question, 1 or more. T is lag + 1.
        seed: of the symbols and distractors; the same seed gives the same sequences.
        symbols: how many different ones there are, 2 or more.
        distractors: how many different ones stand between.

    Returns:
        x, (N, T, symbols + distractors + 1): 1 for what is shown, else 0; the last feature is the question mark. y,
        (N,): the symbols, 0 to symbols - 1.

    Raises:
        OptionError: a number is too small.

    Source:
        After Hochreiter and Schmidhuber 1997, experiment 2b.

    Example:
        >>> x, y = delayed_recall(2, 5)
        >>> x.shape, x[0].argmax(axis=1).tolist(), y[0].item()
        ((2, 6, 9), [3, 5, 5, 4, 4, 8], 3)
    """
    least = {"n": (n, 1), "lag": (lag, 1), "seed": (seed, 0), "symbols": (symbols, 2), "distractors": (distractors, 1)}
    _require_least("delayed_recall", **least)
    random = np.random.default_rng(seed)
    answer = random.integers(0, symbols, n)
    shown = random.integers(symbols, symbols + distractors, (n, lag + 1))
    shown[:, 0], shown[:, -1] = answer, symbols + distractors
    return _one_hot(shown, symbols + distractors + 1), answer


def temporal_order(n: int, T: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Draw sequences with two marks, each X or Y, a long way apart; the answer is which came first and which second.

    A start sign comes first and an end sign last; one mark lies from T / 10 to T / 5 and the other from T / 2 to
    6 T / 10; a, b, c or d is at each other step. Without memory one answer in 4 is right, and the best cross-entropy
    is ln(4).

    Args:
        n: N, how many sequences.
        T: their time steps, 10 or more.
        seed: of the signs and of the places of the marks; the same seed gives the same sequences.

    Returns:
        x, (N, T, 8): 1 for what is shown, else 0, in the order a, b, c, d, X, Y, start, end. y, (N,): 0 for XX, 1 for
        XY, 2 for YX and 3 for YY.

    Raises:
        OptionError: fewer than one sequence or than 10 steps, or a negative seed.

    Source:
        Hochreiter and Schmidhuber 1997, experiment 6a; there T is 100 to 110.

    Example:
        >>> x, y = temporal_order(1, 12)
        >>> "".join("abcdXY()"[k] for k in x[0].argmax(axis=1)), y[0].item()
        ('(cYbbaaYadc)', 3)
    """
    _require_least("temporal_order", n=(n, 1), T=(T, 10), seed=(seed, 0))
    random = np.random.default_rng(seed)
    rows = np.arange(n)
    shown = random.integers(0, 4, (n, T))
    marks = random.integers(0, 2, (n, 2))
    shown[rows, random.integers(T // 10, T // 5 + 1, n)] = 4 + marks[:, 0]
    shown[rows, random.integers(T // 2, 6 * T // 10 + 1, n)] = 4 + marks[:, 1]
    shown[:, 0], shown[:, -1] = 6, 7
    return _one_hot(shown, 8), 2 * marks[:, 0] + marks[:, 1]


def tagging(
    n: int, T: int, seed: int = 0, *, shortest: int = 1, symbols: int = 3, rate: float = 0.1
) -> tuple[list[NDArray[np.float32]], list[NDArray[np.int64]]]:
    """Draw sequences of any lengths in which a symbol is shown now and then; the answer at each step is the last shown.

    The first step shows one, each later step does so at `rate` and is blank otherwise. Without memory the best answer
    at a blank is right once in `symbols`.

    Args:
        n: N, how many sequences.
        T: time steps of the longest that may be drawn.
        seed: of the lengths and symbols; the same seed gives the same sequences.
        shortest: time steps of the shortest that may be drawn; all lengths from it to T are equally likely.
        symbols: how many different ones there are, 2 or more.
        rate: share of the later steps that show one, above 0 and at most 1.

    Returns:
        x: N arrays (T_i, symbols), 1 for what is shown, else 0, and all 0 at a blank; y: N arrays (T_i,), the symbols
        0 to symbols - 1.

    Raises:
        OptionError: a number is too small, shortest is above T, or rate is no such share.

    Source:
        A flip-flop, as in Sussillo and Barak 2013, Opening the black box, for more than two symbols.

    Example:
        >>> x, y = tagging(2, 12, shortest=5, rate=0.3)
        >>> [len(each) for each in x], y[1].tolist()
        ([11, 10], [1, 1, 2, 2, 2, 2, 2, 2, 2, 2])
    """
    least = {"n": (n, 1), "T": (T, 1), "seed": (seed, 0), "shortest": (shortest, 1), "symbols": (symbols, 2)}
    _require_least("tagging", **least)
    if shortest > T:
        raise OptionError(f"tagging(shortest={shortest}, T={T}): the shortest has to be T={T} or less.")
    if not 0 < rate <= 1:
        raise OptionError(f"tagging(rate={rate}): it has to be above 0 and at most 1.")
    random = np.random.default_rng(seed)
    inputs, answers = [], []
    for length in random.integers(shortest, T + 1, n):
        shows = random.random(length) < rate
        shows[0] = True
        drawn = random.integers(0, symbols, length)
        latest = np.maximum.accumulate(np.where(shows, np.arange(length), 0))
        inputs.append(_one_hot(drawn, symbols) * shows[:, None])
        answers.append(drawn[latest])
    return inputs, answers


def _one_hot(shown: NDArray[np.int64], features: int) -> NDArray[np.float32]:
    return np.eye(features, dtype=np.float32)[shown]


def _require_least(problem: str, **numbers: tuple[int, int]) -> None:
    for name, (value, least) in numbers.items():
        if value < least:
            raise OptionError(f"{problem}({name}={value}): it has to be {least} or more.")
