"""The next token of a text: a language model that trains on a laptop, says how good it is, and writes on."""

from __future__ import annotations

import inspect
import math
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack, overload

import numpy as np
from numpy.typing import NDArray

from recuerdo.data.text_streams import Errors, TextSource, text_source
from recuerdo.data.texts import END, PADDING, UNKNOWN, TextToken, Tokens
from recuerdo.errors import DataError, NotFittedError
from recuerdo.kernels.job import Precision
from recuerdo.learn import History, Problem, Settings, fit, seeded
from recuerdo.tasks.forecast_options import require_count, require_offered, resolve_device
from recuerdo.tasks.kneser_ney import fit_kneser_ney
from recuerdo.tasks.language_batches import TextBatches
from recuerdo.tasks.language_nets import LanguageNet, LanguageShape
from recuerdo.tasks.language_options import USUAL, checked_options
from recuerdo.tasks.language_reading import judged, learn_tokens, read_ids
from recuerdo.tasks.language_report import LanguageReport, TextScores
from recuerdo.tasks.language_scores import token_losses
from recuerdo.tasks.language_starts import options_from
from recuerdo.tasks.language_streams import TokenStream
from recuerdo.tasks.language_writing import Wishes, Writer, spelt
from recuerdo.tasks.sampling import Sampler
from recuerdo.tasks.surprises import Surprise

if TYPE_CHECKING:
    from recuerdo.tasks.sequence_classifier import SequenceClassifier
    from recuerdo.tasks.sequence_regressor import SequenceRegressor

VALID = 0.05
"""Share at the end of the text that is held out where no other text is given for it."""

LEAST_VALID, MOST_VALID = 64, 250_000
"""Tokens that are worth being held out, and those that say enough of a text of any size."""

COUNTED = 20_000_000
"""Tokens up to which n-grams are counted."""

LEAST_STEPS, MOST_STEPS = 300, 20_000


class LanguageModel:
    """At each step the network predicts the next token: a word, a character or a piece of a word.

    Args:
        level: "word" (words and marks, one token for each), "char", "bpe" (byte pairs, learned from the text), or
            "given" for words as they stand between spaces.
        cell: "lstm", "gru", "frnn" or "indrnn".
        embedding_size: E, numbers of a token's vector; None for the level's own.
        hidden_size: H, units of a layer; None for the level's own. Of one tied layer E and H are one number, which
            either of them sets.
        num_layers: L.
        tied: the vectors serve as the last product too, whose layer then has E units; None for the level's own.
        dropout: share that is dropped from vectors, between layers and behind the last, the same at all steps of a
            window.
        embedding_dropout, weight_dropout, activation, change: see :class:`LanguageShape`.
        lowercase, max_vocabulary, min_count: of the vocabulary, see :func:`recuerdo.data.fit_tokens`.
        batch_size: N, places of the text that are read side by side; None for the level's own.
        steps: T, tokens of a window of truncated backpropagation; None for the level's own.
        forget: probability with which a place's state is forgotten before a window, so that beginnings are learned too.
        optimizer: "adamw" or "sgd".
        learning_rate: the highest; None for the level's own.
        weight_decay: of the optimiser.
        clip: gradients with a larger norm are scaled down to it.
        max_steps: windows at most; None follows from the size of the text.
        max_seconds: a budget for the training.
        precision: "float32", or "bf16" for products in bfloat16 where the processor has them.
        random_state: seed of weights, windows and dropout; None draws one, which report_ tells.
        baselines: "auto" counts n-grams to stand beside, None does not.
        device: where it trains: "auto" takes a CUDA device if there is one, else the CPU. All else is done on the CPU.
        verbose: as of :func:`recuerdo.learn.fit`.

    Attributes:
        report_: how good it is on what was held out, beside the baselines.

    Raises:
        OptionError: an option that is not offered.

    Example:
        >>> text = "the cat sat on the mat. the dog sat on the log. " * 40
        >>> model = LanguageModel(level="char", hidden_size=48, max_steps=300, random_state=0, verbose=False).fit(text)
        >>> model.generate("the c", max_tokens=10, temperature=0)[:9]
        'at sat on'
    """

    report_: LanguageReport
    _history: History | None

    def __init__(
        self,
        level: Literal["word", "char", "bpe", "given"] = "word",
        cell: str = "lstm",
        *,
        embedding_size: int | None = None,
        hidden_size: int | None = None,
        num_layers: int | None = None,
        tied: bool | None = None,
        dropout: float = 0.2,
        embedding_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        activation: float = 0.0,
        change: float = 0.0,
        lowercase: bool = False,
        max_vocabulary: int | None = None,
        min_count: int = 1,
        batch_size: int | None = None,
        steps: int | None = None,
        forget: float = 0.02,
        optimizer: str = "adamw",
        learning_rate: float | None = None,
        weight_decay: float = 0.0,
        clip: float | None = 1.0,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        precision: Precision = "float32",
        random_state: int | None = None,
        baselines: Literal["auto"] | None = "auto",
        device: str = "auto",
        verbose: bool | str | None = None,
    ) -> None:
        require_offered("level", level, tuple(USUAL))
        usual = USUAL[level]
        self.level, self.cell, self.lowercase = level, cell, lowercase
        self.max_vocabulary, self.min_count = max_vocabulary, min_count
        self.num_layers = usual.num_layers if num_layers is None else num_layers
        self.tied = usual.tied if tied is None else tied
        if self.tied and self.num_layers == 1:  # one number says both
            embedding_size = hidden_size if embedding_size is None else embedding_size
            embedding_size = usual.embedding_size if embedding_size is None else embedding_size
            hidden_size = embedding_size if hidden_size is None else hidden_size
        self.embedding_size = usual.embedding_size if embedding_size is None else embedding_size
        self.hidden_size = usual.hidden_size if hidden_size is None else hidden_size
        self.dropout, self.embedding_dropout, self.weight_dropout = dropout, embedding_dropout, weight_dropout
        self.activation, self.change = activation, change
        self.batch_size = usual.batch_size if batch_size is None else batch_size
        self.steps = usual.steps if steps is None else steps
        self.forget, self.optimizer = forget, optimizer
        self.learning_rate = usual.learning_rate if learning_rate is None else learning_rate
        self.weight_decay, self.clip = weight_decay, clip
        self.max_steps, self.max_seconds = max_steps, max_seconds
        self.precision: Precision = precision
        self.random_state, self.baselines, self.device, self.verbose = random_state, baselines, device, verbose
        checked_options(self)

    def fit(
        self, text: Any, valid: Any = None, *, errors: Errors = "strict", checkpoint: str | Path | None = None,
        cache: str | Path | None = None,
    ) -> Self:  # fmt: skip
        """Train on a text.

        Args:
            text: a str, a Path of a file or folder, or several; see :func:`recuerdo.data.text_source`.
            valid: another text that says when the model is best, and how good it is; None holds out the end of `text`,
                a twentieth, or 250,000 tokens of more than five million.
            errors: "replace" for files with bytes that are no UTF-8.
            checkpoint: a file from which a training that was cut short goes on exactly; see :func:`recuerdo.learn.fit`.
            cache: a folder for the token ids of large files; None keeps them in the user's own.

        Raises:
            DataError: a text cannot be read, or is shorter than two windows.
            OptionError: options that do not go together.
        """
        began = time.monotonic()
        source = text_source(text, errors=errors)
        tokens = learn_tokens(
            source,
            self.verbose,
            level=self.level,
            lowercase=self.lowercase,
            max_vocabulary=self.max_vocabulary,
            min_count=self.min_count,
        )
        ids = read_ids(source, tokens, cache, self.verbose)
        if valid is None:
            cut = len(ids) - min(max(LEAST_VALID, int(VALID * len(ids))), MOST_VALID)
            ids, held = ids[: max(cut, 0)], ids[max(cut, 0) :]
        else:
            held = read_ids(text_source(valid, errors=errors), tokens, cache, self.verbose)
        if len(ids) <= self.steps or len(held) < 2:
            raise self._too_short(source, len(ids) + len(held))
        streams = self._streams(len(ids))
        seed = _drawn(self.random_state)
        with seeded(seed):
            net = LanguageNet(self._shape(tokens.size))
        net.carry(streams)
        batches = TextBatches(ids, streams=streams, steps=self.steps, seed=seed, forget=self.forget)
        valid_streams = max(1, min(streams, (len(held) - 1) // (2 * self.steps)))
        watched = TextBatches(held, streams=valid_streams, steps=self.steps)
        history = fit(
            Problem(net, batches, net.loss),
            valid=watched,
            settings=self._settings(len(batches)),
            checkpoint=checkpoint,
            random_state=seed,
            device=resolve_device(self.device),
            verbose=self.verbose,
            label="training",
        )
        self._net, self._tokens, self._history = net.cpu(), tokens, history
        self._report(ids, held, history, seed, time.monotonic() - began)
        return self

    def evaluate(self, text: Any, *, errors: Errors = "strict") -> TextScores:
        """Say how good the model is on a text.

        The text is read once, in one stream, with the state carried on, and each token but the first counts once.

        Args:
            text: as in fit.
            errors: as in fit.
        """
        net, tokens = self._fitted()
        source = text_source(text, errors=errors)
        ids = read_ids(source, tokens, None, self.verbose)
        characters, size = _measure(source)
        return TextScores.of(judged(net, ids, self.verbose), ids, tokens.size, characters, size)

    def perplexity(self, text: Any) -> float:
        """Return exp of the mean loss of a token; see `evaluate`."""
        return self.evaluate(text).perplexity

    def next(self, prompt: str = "", k: int = 5) -> list[tuple[str, float]]:
        """Return the k likeliest next tokens with their probabilities, the likeliest first.

        Args:
            prompt: what came before; "" for the beginning of a text.
            k: how many.
        """
        net, tokens = self._fitted()
        logits = self._read(prompt, TokenStream(net))
        p = Sampler().probabilities(spelt(tokens, logits, unknown=True))[0]
        return [(tokens.vocabulary[i], float(p[i])) for i in np.argsort(-p, kind="stable")[:k] if p[i] > 0]

    @overload
    def generate(self, prompt: str = "", *, samples: None = None, **options: Unpack[Wishes]) -> str: ...
    @overload
    def generate(self, prompt: str = "", *, samples: int, **options: Unpack[Wishes]) -> list[str]: ...

    def generate(
        self,
        prompt: str = "",
        *,
        max_tokens: int = 200,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        stop: str | Sequence[str] = (),
        samples: int | None = None,
        random_state: int | None = None,
    ) -> str | list[str]:
        """Write on from a prompt.

        Args:
            prompt: what is written on from; "" for the beginning of a text. Characters or words that training has not
                seen are read as unknown ones.
            max_tokens: tokens that are written at most.
            temperature, top_k, top_p, repetition_penalty: see :class:`Sampler`.
            stop: texts at the first of which writing ends; they are not part of what is returned.
            samples: how many texts are written side by side, which takes far less than one after the other; None for
                one, as a str.
            random_state: seed; None draws one.

        Returns:
            What was written, without the prompt; the list of them with samples=.

        Raises:
            OptionError: a value out of range.
        """
        sampler = Sampler(temperature, top_k, top_p, repetition_penalty)
        given = {"max_tokens": max_tokens, "sampler": sampler, "stop": stop, "random_state": random_state}
        if samples is None:
            return "".join(self.stream(prompt, **given))
        require_count("samples", samples)
        writer = self._writer(prompt, samples, **given)
        return ["".join(pieces) for pieces in zip(*writer.rounds(), strict=True)] or [""] * samples

    def stream(
        self,
        prompt: str = "",
        *,
        max_tokens: int | None = None,
        sampler: Sampler | None = None,
        stop: str | Sequence[str] = (),
        random_state: int | None = None,
    ) -> Writer:
        """Write on from a prompt, piece by piece as they come; arguments as of `generate`, max_tokens=None without end.

        Returns:
            An iterator of pieces of text, which together are what `generate` returns. It can be kept and copied between
            two pieces; see :class:`Writer`.
        """
        return self._writer(prompt, 1, max_tokens=max_tokens, sampler=sampler, stop=stop, random_state=random_state)

    def _writer(
        self,
        prompt: str,
        streams: int,
        *,
        max_tokens: int | None,
        sampler: Sampler | None,
        stop: str | Sequence[str],
        random_state: int | None,
    ) -> Writer:
        net, tokens = self._fitted()
        read = np.concatenate([self._beginning(), self._encoded(prompt)])
        stops = (stop,) if isinstance(stop, str) else tuple(stop)
        return Writer(net, tokens, read, prompt, streams, sampler or Sampler(), stops, max_tokens, random_state)

    def surprise(self, text: str) -> Surprise:
        """Say where the model stumbles: the bits of each token, given all before it.

        Args:
            text: one text.
        """
        net, _ = self._fitted()
        places = list(self._placed(text))
        ids = np.concatenate([self._beginning(), self._encoded(text)])
        if len(ids) < 2:
            raise DataError("There is no token in the text: give one with words in it.")
        return Surprise(text, tuple(places), token_losses(net, ids) / math.log(2))

    def _placed(self, text: str) -> Iterator[TextToken]:
        """Yield the tokens of a text with their places, the ends of lines among them."""
        _, tokens = self._fitted()
        if self.level not in ("word", "given"):
            yield from tokens.tokens(text)
            return
        begin = 0
        for line in text.split("\n"):
            if tokens.given:
                for word in re.finditer(r"\S+", line):
                    yield TextToken(word.group(), begin + word.start(), begin + word.end())
            else:
                for token in tokens.tokens(line):
                    yield TextToken(token.string, begin + token.start, begin + token.end)
            begin += len(line) + 1
            if begin <= len(text):
                yield TextToken(tokens.vocabulary[END], begin - 1, begin)

    def classifier(self, **options: Any) -> SequenceClassifier:
        """Return a classifier of texts that begins with what this model has learned, to be fitted on texts with labels.

        Its vectors and its layers in the reading direction begin as the model's; readout, head, and layers that read
        backwards, begin at random. All of them are trained.

        Args:
            options: further ones of :class:`recuerdo.SequenceClassifier`, also in place of those that are the model's.

        Raises:
            NotFittedError: before fit.
        """
        from recuerdo.tasks.sequence_classifier import SequenceClassifier

        return SequenceClassifier(**{**options_from(self), **options}, embeddings=self)

    def regressor(self, **options: Any) -> SequenceRegressor:
        """Return what scores texts with numbers, as `classifier` returns what tells classes apart."""
        from recuerdo.tasks.sequence_regressor import SequenceRegressor

        return SequenceRegressor(**{**options_from(self), **options}, embeddings=self)

    def as_problem(self, text: Any, *, errors: Errors = "strict") -> Problem:
        """Return the trained network with windows of a text and its loss, for anything that looks inside.

        `recuerdo.memory.audit(model, text)` asks for it.

        Args:
            text, errors: as in fit.

        Raises:
            DataError: the text cannot be read, or is shorter than a window.
        """
        net, tokens = self._fitted()
        source = text_source(text, errors=errors)
        ids = read_ids(source, tokens, None, self.verbose)
        if len(ids) <= self.steps:
            raise self._too_short(source, len(ids))
        batches = TextBatches(ids, streams=self._streams(len(ids)), steps=self.steps)
        return Problem(net, batches, net.loss, {"input": tokens.vocabulary}, history=self._history)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the model as a directory of model.json and weights.safetensors, whole or not at all.

        Args:
            path: the directory to make; `recuerdo.load(path)` reads it.
            overwrite: whether a model that is there is replaced.

        Raises:
            NotFittedError: before fit.
            OutputError: something is there, or the place cannot be written.
        """
        from recuerdo.tasks.language_files import save_language

        return save_language(self, path, overwrite=overwrite)

    def settings(self) -> dict[str, Any]:
        """Return every option by its name, with the level's own where none was given."""
        names = inspect.signature(type(self)).parameters
        return {name: getattr(self, name) for name in names}

    def _streams(self, tokens: int) -> int:
        """Places of a text that are read side by side: fewer where each would have less than two windows."""
        return max(1, min(self.batch_size, (tokens - 1) // (2 * self.steps)))

    def _too_short(self, source: TextSource, tokens: int) -> DataError:
        return DataError(
            f"{source.name} has {tokens:,} tokens at level {self.level!r}, and a window alone reads {self.steps}: give "
            f"a longer text, or fewer steps."
        )

    def _shape(self, vocabulary: int) -> LanguageShape:
        return LanguageShape(
            vocabulary=vocabulary,
            cell=self.cell,
            embedding_size=self.embedding_size,
            hidden_size=self.hidden_size,
            num_layers=self.num_layers,
            tied=self.tied,
            embedding_dropout=self.embedding_dropout,
            input_dropout=self.dropout,
            hidden_dropout=self.dropout,
            output_dropout=self.dropout,
            weight_dropout=self.weight_dropout,
            activation=self.activation,
            change=self.change,
            precision=self.precision,
            sparse=self.optimizer == "sgd",
        )

    def _settings(self, batches: int) -> Settings:
        most = self.max_steps
        if most is None and self.max_seconds is None:
            most = int(min(max(USUAL[self.level].passes * batches, LEAST_STEPS), MOST_STEPS))
        every = batches if most is None else max(1, min(batches, most // 10))
        return Settings(
            max_steps=most,
            max_seconds=self.max_seconds,
            learning_rate=self.learning_rate,
            optimizer=self.optimizer,
            weight_decay=self.weight_decay,
            clip=self.clip,
            cooldown=0.6,
            evaluate_every=every,
        )

    def _report(self, ids: Any, held: Any, history: History, seed: int, seconds: float) -> None:
        net, tokens = self._fitted()
        losses = {type(net.recurrent[0]).__name__: judged(net, held, self.verbose)}
        notes = []
        if self.baselines is not None:
            count = len(held) - 1
            losses["uniform"] = np.full(count, math.log(tokens.size))
            end = END if self.level in ("word", "given") else None
            if len(ids) <= COUNTED:
                for name, order in (("unigram", 1), ("5-gram (Kneser-Ney)", 5)):
                    model = fit_kneser_ney(np.asarray(ids), vocabulary=tokens.size, order=order, end=end)
                    losses[name] = model.losses(np.asarray(held))
            else:
                notes.append(f"n-grams were not counted: the text has more than {COUNTED:,} tokens")
        text = tokens.decode([i for i in held.tolist() if i != PADDING]) if self.level in ("char", "bpe") else None
        self.report_ = LanguageReport.of(
            losses,
            characters=None if text is None else len(text),
            unknown=float((np.asarray(held) == UNKNOWN).mean()),
            vocabulary=tokens.size,
            parameters=sum(one.numel() for one in net.parameters()),
            steps=history.steps,
            seconds=seconds,
            random_state=seed,
            notes=tuple(notes),
        )

    def _fitted(self) -> tuple[LanguageNet, Tokens]:
        if not hasattr(self, "_net"):
            raise NotFittedError("This LanguageModel has learned nothing yet: call fit(text), or recuerdo.load(path).")
        return self._net, self._tokens

    def _encoded(self, text: str) -> NDArray[np.int64]:
        _, tokens = self._fitted()
        if not text:
            return np.empty(0, np.int64)
        if self.level in ("word", "given"):
            lines = text.split("\n")
            found = []
            for number, line in enumerate(lines):
                found.append(tokens.encode([line.split() if tokens.given else line]).values)
                if number + 1 < len(lines):
                    found.append(np.array([END]))
            return np.concatenate(found).astype(np.int64)
        return tokens.encode([text]).values.astype(np.int64)

    def _read(self, prompt: str, stream: TokenStream) -> Any:
        """Read a prompt as the beginning of a text; return the logits of the next token."""
        net, _ = self._fitted()
        return stream.read(net, np.concatenate([self._beginning(), self._encoded(prompt)]))

    def _beginning(self) -> NDArray[np.int64]:
        """What stands before a text: the end of a line."""
        _, tokens = self._fitted()
        return np.array([END]) if self.level in ("word", "given") else tokens.encode(["\n"]).values.astype(np.int64)


def _measure(source: TextSource) -> tuple[int, int]:
    """Characters and bytes in UTF-8."""
    characters = size = 0
    for piece in source.pieces():
        characters, size = characters + len(piece), size + len(piece.encode())
    return characters, size


def _drawn(random_state: int | None) -> int:
    return int(np.random.SeedSequence().generate_state(1)[0]) if random_state is None else random_state
