"""Products of Jacobians against dense matrices that torch.nn's cells give, and numpy's QR of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.memory.cases import constant_gates, doubles, flat, independent, linear, one_step, recorded_one, rotation
from tests.nn.cases import CELLS, build, randn, random_state, whole
from torch import Tensor, nn
from torch.autograd.functional import jacobian
from torch.func import jvp

from recuerdo.errors import OptionError
from recuerdo.memory import Lyapunov, Recorded, Steps, lyapunov, record, spectral_norm
from recuerdo.memory.jacobians import Product, span, state_after
from recuerdo.nn import convert

N, T, D, H = 2, 9, 2, 3
POWER = 1e-3
"""How far a norm found by power iteration may lie below the true one, as a share of it."""

cells = pytest.mark.parametrize("cell", CELLS)
ways = pytest.mark.parametrize("reverse", [False, True], ids=["forwards", "reverse"])


def torchs(kind: str) -> tuple[Recorded, NDArray[np.float64]]:
    """A converted torch.nn layer, recorded, and the Jacobians (T, N, S * H, S * H) of its steps by torch.nn's cell."""
    theirs = getattr(nn, kind)(D, H, batch_first=True, dtype=torch.float64)
    single = getattr(nn, f"{kind}Cell")(D, H, dtype=torch.float64)
    single.load_state_dict({name.removesuffix("_l0"): 2 * value for name, value in theirs.state_dict().items()})
    theirs.load_state_dict({f"{name}_l0": value for name, value in single.state_dict().items()})
    x = randn(N, T, D)
    _, (one,) = record(convert.from_torch(theirs), {"x": x})
    found = np.zeros((T, N, len(one.nudge) * H, len(one.nudge) * H))
    for n in range(N):
        before = torch.zeros(len(one.nudge) * H, dtype=torch.float64)
        for t in range(T):

            def after(state: Tensor, t: int = t, n: int = n) -> Tensor:
                split = state.unsqueeze(0).split(H, dim=-1)
                out = single(x[n : n + 1, t], split if len(split) == 2 else split[0])
                return torch.cat(out if isinstance(out, tuple) else (out,), dim=-1)[0]

            found[t, n] = jacobian(after, before).numpy()
            before = after(before).detach()
    return one, found


def product(jacobians: NDArray[np.float64], start: int, stop: int) -> Tensor:
    """ds_stop / ds_start, (N, S * H, S * H)."""
    whole_way = np.eye(jacobians.shape[-1])
    for t in range(start + 1, stop + 1):
        whole_way = jacobians[t] @ whole_way
    return torch.from_numpy(whole_way)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize(("start", "stop"), [(0, 1), (0, T - 1), (3, 7)])
def test_the_spectral_norm_is_that_of_the_dense_product(kind: str, start: int, stop: int) -> None:
    one, jacobians = torchs(kind)
    expected = torch.linalg.matrix_norm(product(jacobians, start, stop), 2)
    found = spectral_norm(one, start, stop)
    assert found.shape == (N,)
    assert torch.allclose(found, expected, rtol=POWER, atol=0)
    assert (found <= expected * (1 + 1e-12)).all()  # power iteration rises to it from below


@cells
@ways
def test_a_span_multiplies_the_steps_with_all_that_surrounds_them(cell: str, reverse: bool) -> None:
    """Restarts, masks and zoneout of a training pass, in both directions: each stretch against its dense steps."""
    layer = build(cell, D, H, bidirectional=True, recurrent_dropout=0.3, zoneout=0.2).train()
    reset = torch.zeros(N, T, dtype=torch.bool)
    reset[0, 5] = True
    _, recorded = record(layer, {"x": randn(N, T, D), "state": whole(random_state(layer, N)), "reset": reset})
    one = recorded[int(reverse)]
    before = flat(Steps(one).before)
    order = list(range(T))[:: -1 if reverse else 1]
    for start, stop in [(0, T - 1), (2, 4), (3, 5), (4, 6), (5, 8)]:
        walk, at = span(one, start, stop), state_after(one, start)
        direction = randn(N, before.shape[-1], seed=80)
        pushed = flat(jvp(lambda *s, walk=walk: walk(s), at, direction.split(H, dim=-1))[1])
        for n in range(N):
            expected = direction[n]
            for t in order[start + 1 : stop + 1]:
                crossed = bool(reset[n, t + 1 if reverse else t])
                J = jacobian(one_step(one, t, n), before[t, n])
                expected = torch.zeros_like(expected) if crossed else J @ expected
            assert torch.allclose(pushed[n], expected, rtol=1e-10, atol=1e-12), (start, stop, n)


@cells
@ways
def test_a_span_ends_where_the_recorded_pass_does(cell: str, reverse: bool) -> None:
    layer = build(cell, D, H, bidirectional=True, zoneout=0.2)
    reset = randn(N, T, seed=81) > 1
    one = record(layer, {"x": randn(N, T, D), "reset": reset})[1][int(reverse)]
    for start, stop in [(0, T - 1), (2, 6), (T - 2, T - 1)]:
        reached = span(one, start, stop)(state_after(one, start))
        assert torch.allclose(flat(reached), flat(state_after(one, stop)), rtol=0, atol=1e-13)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("reverse", [False, True])
def test_products_with_vectors_are_those_with_the_dense_matrix(cell: str, reverse: bool) -> None:
    layer = build(cell, 2, 3, 1, bidirectional=reverse)
    _, recorded = record(layer, {"x": randn(2, 7, 2)})
    one = recorded[-1]
    made, at = Product(one, 1, 5), state_after(one, 1)
    sizes = [each.shape[-1] for each in at]
    for n in range(2):
        alone = torch.cat([each[n] for each in at])

        def run(state: Tensor, n: int = n) -> Tensor:
            whole = tuple(each.clone() for each in at)
            for each, part in zip(whole, state.split(sizes), strict=True):
                each[n] = part
            return flat(span(one, 1, 5)(whole))[n]

        dense = jacobian(run, alone)
        assert isinstance(dense, Tensor)
        v = randn(*made.shape, seed=5)
        torch.testing.assert_close(made.push(v)[n], dense @ v[n])
        torch.testing.assert_close(made.pull(v)[n], dense.T @ v[n])


def test_two_largest_values_that_are_nearly_alike_are_told_to_better_than_one_percent() -> None:
    _, one = recorded_one(linear(torch.diag(doubles(1.0, 0.999, 0.99, 0.98, 0.9))), 4)
    assert spectral_norm(one, 0, 3).item() == pytest.approx(1.0, rel=0.005)


def test_a_norm_beyond_the_square_root_of_the_smallest_number_is_still_found() -> None:
    _, one = recorded_one(linear(doubles(0.1, 0.05).diag()), 201)
    assert spectral_norm(one, 0, 200).item() == pytest.approx(1e-200, rel=1e-9, abs=0)


def test_the_spectral_norm_of_a_normal_matrix_is_its_largest_eigenvalue_to_the_power_of_the_steps() -> None:
    Q = rotation(4)
    _, one = recorded_one(linear(Q @ doubles(1.05, 0.8, -0.6, 0.3).diag() @ Q.T), 31)
    assert spectral_norm(one, 0, 30).item() == pytest.approx(1.05**30, rel=POWER)


def test_an_indrnn_grows_by_its_largest_weight() -> None:
    _, one = recorded_one(independent(doubles(0.5, -0.2, 1.02)), 21)
    assert spectral_norm(one, 0, 20).item() == pytest.approx(1.02**20, rel=1e-6)
    assert lyapunov(one, k=1, warm_up=10).exponents[0, 0] == pytest.approx(math.log(1.02), rel=1e-2)


def test_a_state_that_is_forgotten_at_once_has_no_growth() -> None:
    _, one = recorded_one(independent(doubles(0, 0)), 5, N=2)
    assert spectral_norm(one, 0, 4).tolist() == [0, 0]
    found = lyapunov(one)
    assert found.exponents.tolist() == [[-math.inf], [-math.inf]]
    assert found.memory.tolist() == [0, 0]


def test_a_scalar_lstm_with_constant_gates_remembers_by_its_forget_gate() -> None:
    _, one = recorded_one(constant_gates("lstm", f=0.9), 400)
    found = lyapunov(one, warm_up=50)
    assert found.exponents[0, 0] == pytest.approx(math.log(0.9), rel=1e-6)
    assert found.memory[0] == pytest.approx(-1 / math.log(0.9), rel=1e-6)


def test_a_linear_network_has_the_logarithms_of_its_eigenvalues_as_exponents() -> None:
    values, vectors = doubles(1.1, -0.7, 0.4), randn(3, 3, seed=44)
    _, one = recorded_one(linear(vectors @ values.diag() @ torch.linalg.inv(vectors)), 400)
    found = lyapunov(one, k=3, warm_up=100)
    assert found.exponents[0].tolist() == pytest.approx(values.abs().log().tolist(), rel=1e-6)
    assert found.memory.tolist() == [math.inf]


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("warm_up", [0, 3])
def test_lyapunov_exponents_are_numpys_qr_over_dense_jacobians(kind: str, warm_up: int) -> None:
    one, jacobians = torchs(kind)
    k = 3 if kind == "LSTM" else 2
    found = lyapunov(one, k=k, warm_up=warm_up, seed=7)
    first = torch.randn(
        N, jacobians.shape[-1], k, generator=torch.Generator().manual_seed(7), dtype=torch.float64
    ).numpy()
    for n in range(N):
        Q, total = np.linalg.qr(first[n])[0], np.zeros(k)
        for step in range(T - 1):
            Q, R = np.linalg.qr(jacobians[step + 1, n] @ Q)
            total += np.log(np.abs(np.diagonal(R))) * (step >= warm_up)
        assert np.allclose(found.exponents[n], total / (T - 1 - warm_up), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_all_exponents_together_are_the_mean_logarithm_of_the_determinants(kind: str) -> None:
    one, jacobians = torchs(kind)
    expected = np.linalg.slogdet(jacobians[1:])[1].mean(axis=0)  # (N,)
    found = lyapunov(one, k=jacobians.shape[-1])
    assert np.allclose(found.exponents.sum(axis=1), expected, rtol=1e-9, atol=0)


@ways
def test_all_exponents_of_either_direction_are_the_determinants_of_its_steps(reverse: bool) -> None:
    one = record(build("gru", D, H, bidirectional=True), {"x": randn(N, T, D)})[1][int(reverse)]
    before = flat(Steps(one).before)
    later = range(T - 1) if reverse else range(1, T)
    logs = [[jacobian(one_step(one, t, n), before[t, n]).slogdet().logabsdet for t in later] for n in range(N)]
    found = lyapunov(one, k=H).exponents.sum(axis=1)
    assert np.allclose(found, np.mean(logs, axis=1), rtol=1e-9, atol=0)


def test_lengths_that_are_all_the_whole_sequence_are_taken() -> None:
    layer, x = build("gru", D, H), randn(N, T, D)
    _, (plain,) = record(layer, {"x": x})
    _, (ragged,) = record(layer, {"x": x, "lengths": [T, T]})
    # Not bit for bit: products over other memory are summed in another order by some processors.
    torch.testing.assert_close(spectral_norm(ragged, 0, T - 1), spectral_norm(plain, 0, T - 1), rtol=1e-12, atol=0)
    np.testing.assert_allclose(lyapunov(ragged).exponents, lyapunov(plain).exponents, rtol=1e-12)


@pytest.mark.parametrize("measure", [lambda one: spectral_norm(one, 0, 1), lyapunov], ids=["norm", "lyapunov"])
def test_samples_with_lengths_of_their_own_are_refused(measure: Any) -> None:
    _, (one,) = record(build("gru", D, H), {"x": randn(N, T, D), "lengths": [T, 4]})
    with pytest.raises(OptionError, match="need samples of one length: give each length in a batch of its own"):
        measure(one)


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (3, 3), (4, 2), (0, T)])
def test_a_span_outside_of_the_sequence_is_refused(start: int, stop: int) -> None:
    _, (one,) = record(build("gru", D, H), {"x": randn(N, T, D)})
    with pytest.raises(OptionError, match=f"0 <= start < stop < 9 time steps, got start={start} and stop={stop}"):
        spectral_norm(one, start, stop)


def test_a_norm_without_a_product_is_refused() -> None:
    _, (one,) = record(build("gru", D, H), {"x": randn(N, T, D)})
    with pytest.raises(OptionError, match="iterations=0: a norm takes 1 product or more"):
        spectral_norm(one, 0, 1, iterations=0)


@pytest.mark.parametrize("k", [0, 2 * H + 1])
def test_a_number_of_exponents_that_there_are_not_is_refused(k: int) -> None:
    _, (one,) = record(build("lstm", D, H), {"x": randn(N, T, D)})
    with pytest.raises(OptionError, match=f"k={k}: the whole state has 6 numbers, so there are 1 to 6 exponents"):
        lyapunov(one, k=k)


@pytest.mark.parametrize(("length", "warm_up"), [(T, -1), (T, T - 1), (1, 0)])
def test_a_warm_up_that_leaves_nothing_is_refused(length: int, warm_up: int) -> None:
    _, (one,) = record(build("lstm", D, H), {"x": randn(N, length, D)})
    changes = length - 1
    with pytest.raises(
        OptionError, match=f"warm_up={warm_up}: {length} time steps have {changes} changes of the state"
    ):
        lyapunov(one, warm_up=warm_up)


def exponents(*rows: list[float]) -> Lyapunov:
    return Lyapunov("l0", np.array(rows), -1 / np.array(rows)[:, 0])


def test_a_direction_of_which_nothing_is_left_has_minus_infinity_and_dies_entirely() -> None:
    layer = nn.RNN(1, 2, nonlinearity="relu", batch_first=True, dtype=torch.float64)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, 0.5)
    x = torch.ones(2, 9, 1, dtype=torch.float64)
    x[0, 5] = -100  # both units are off, and what was before is forgotten
    _, (one,) = record(convert.from_torch(layer), {"x": x})
    found = lyapunov(one)
    assert found.exponents[0, 0] == -math.inf
    assert found.memory[0] == 0
    assert found.lasting.tolist() == [False, True]
    assert found.exponents[1, 0] == pytest.approx(0, abs=0.1)  # U has the eigenvalues 1 and 0
    assert found.mean[0] == found.exponents[1, 0]
    assert found.fate.endswith("; entirely in 1 of 2 samples")
    assert lyapunov(record(convert.from_torch(layer), {"x": x[:1]})[1][0]).fate == "dies entirely within the sequence"


def test_behind_a_direction_of_which_nothing_is_left_there_is_nothing_either() -> None:
    U = torch.randn(4, 2, dtype=torch.float64) @ torch.randn(2, 4, dtype=torch.float64)  # rank 2, but for rounding
    _, one = recorded_one(linear(U), 9)
    (found,) = lyapunov(one, k=4).exponents
    assert np.isfinite(found).tolist() == [True, True, False, False]
    _, one = recorded_one(independent(doubles(0.5, 0.0, 0.9)), 9)
    (found,) = lyapunov(one, k=3, warm_up=4).exponents
    assert found.tolist() == pytest.approx([math.log(0.9), math.log(0.5), -math.inf], abs=0.03)


def test_the_mean_is_over_the_samples_in_which_an_exponent_is_finite() -> None:
    found = exponents([-0.1, -math.inf, -math.inf], [-0.3, -0.5, -math.inf])
    assert found.mean.tolist() == pytest.approx([-0.2, -0.5, -math.inf])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([[-0.1], [-0.3]], "dies within 5 steps"),
        ([[0.1], [0.2]], "does not die"),
        ([[-math.inf], [-math.inf]], "dies entirely within the sequence"),
        ([[-0.5], [-math.inf], [-0.5]], "dies within 2 steps; entirely in 1 of 3 samples"),
    ],
)
def test_the_fate_of_a_change_is_said_in_words(rows: list[list[float]], words: str) -> None:
    assert exponents(*rows).fate == words
