"""Byte pairs: the 256 bytes, and what training texts show to stand together, so that no text is unknown."""

from __future__ import annotations

import codecs
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import Any

from recuerdo.data.token_codecs import SPECIAL, UNKNOWN, Codec, Cut, Merges, Pieces, parts

__all__ = ["are_byte_pairs", "byte_codec", "learn_byte_pairs", "readable", "spell_bytes"]

# A word and the space before it are joined within themselves, never with their neighbours; accents belong to letters.
_CHUNK = "|".join(
    (
        " ?\\p{L}[\\p{L}\\p{M}\u200c\u200d]*(?:['’]\\p{L}[\\p{L}\\p{M}]*)*",
        r" ?\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


def _alphabet() -> tuple[str, ...]:
    """A visible character for each of the 256 bytes, as GPT-2 writes them; `tokenizers` wants them so."""
    visible = {*range(33, 127), *range(161, 173), *range(174, 256)}
    hidden = iter(range(256, 512))
    return tuple(chr(byte if byte in visible else next(hidden)) for byte in range(256))


_BYTES = {letter: byte for byte, letter in enumerate(_alphabet())}


def _spelt(piece: str) -> bytes:
    return bytes(_BYTES[letter] for letter in piece)


def readable(piece: str) -> str:
    r"""A piece as a reader sees it; bytes that are no whole character are written like \xf0."""
    return piece if piece in SPECIAL else _spelt(piece).decode(errors="backslashreplace")


def _byte_tokenizer(model: Any, lowercase: bool) -> Any:
    from tokenizers import Regex, Tokenizer, normalizers, pre_tokenizers

    tokenizer = Tokenizer(model)
    if lowercase:
        tokenizer.normalizer = normalizers.Lowercase()
    cut = pre_tokenizers.Split(Regex(_CHUNK), behavior="isolated")
    spell = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([cut, spell])
    return tokenizer


def learn_byte_pairs(texts: Iterable[str], lowercase: bool, most: int | None, least: int) -> tuple[Pieces, Merges]:
    """The pieces by id, and the pairs to join, most frequent first; joined while there are fewer than `most` ids."""
    from tokenizers import models, trainers

    tokenizer = _byte_tokenizer(models.BPE(), lowercase)
    trainer = trainers.BpeTrainer(
        vocab_size=2**31 if most is None else most,
        min_frequency=least,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(_BYTES),
        show_progress=False,
    )
    with _one_thread():
        tokenizer.train_from_iterator((part for text in texts for part in parts(text)), trainer)
    model = json.loads(tokenizer.to_str())["model"]
    ids = model["vocab"]
    return tuple(sorted(ids, key=ids.__getitem__)), tuple((ids[left], ids[right]) for left, right in model["merges"])


def byte_codec(pieces: Pieces, merges: Merges, lowercase: bool) -> Codec:
    """What encodes and decodes by some pieces and pairs."""
    from tokenizers import models

    # The special tokens stay out: a text that spells <pad> is five characters.
    ids = {piece: i for i, piece in enumerate(pieces) if i >= len(SPECIAL)}
    model = models.BPE(ids, [(pieces[left], pieces[right]) for left, right in merges])
    unknown = "\ufffd".encode()

    def text(found: Sequence[int]) -> str:
        return b"".join(unknown if i == UNKNOWN else _spelt(pieces[i]) for i in found).decode(errors="replace")

    return Cut(_byte_tokenizer(model, lowercase), text)


def spell_bytes(pieces: Pieces, i: int | None, kept: str) -> tuple[str, str]:
    """The characters that are whole with the bytes of one more id, and the bytes that are left, each as a letter."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.setstate((kept.encode("latin-1"), 0))
    new = b"" if i is None else "\ufffd".encode() if i == UNKNOWN else _spelt(pieces[i])
    text = decoder.decode(new, final=i is None)
    return text, decoder.getstate()[0].decode("latin-1")


def are_byte_pairs(pieces: Pieces, merges: Merges) -> bool:
    """Whether pieces and pairs, as a file gives them, hold the 256 bytes and whatever the pairs join to."""
    known = set(pieces[len(SPECIAL) :])
    spelt = known >= _BYTES.keys() and all(_BYTES.keys() >= set(piece) for piece in known)
    within = all(len(SPECIAL) <= i < len(pieces) for pair in merges for i in pair)
    return spelt and within and all(pieces[left] + pieces[right] in known for left, right in merges)


_THREADS = "TOKENIZERS_PARALLELISM"
_alone = RLock()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let `tokenizers` train in this thread; the setting that it reads is put back as it was."""
    with _alone:
        before = os.environ.get(_THREADS)
        os.environ[_THREADS] = "false"
        try:
            yield
        finally:
            if before is None:
                del os.environ[_THREADS]
            else:
                os.environ[_THREADS] = before
