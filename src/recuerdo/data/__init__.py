"""What a person has, made ready for a network: tables, texts and files become series, sequences and windows."""

from recuerdo.data.archives import Archive, is_archive, read_archive
from recuerdo.data.covariates import Covariate, ahead
from recuerdo.data.embeddings import ppmi_embeddings
from recuerdo.data.frequency import Frequency
from recuerdo.data.long_sequences import LongSequences, sequences_from_table
from recuerdo.data.mnist import mnist_pixels, mnist_rows
from recuerdo.data.ngram_counts import fit_ngrams
from recuerdo.data.ngrams import NGrams
from recuerdo.data.problems import adding, copying, delayed_recall, tagging, temporal_order
from recuerdo.data.ragged import Ragged
from recuerdo.data.reading import Table, read
from recuerdo.data.samples import air_passengers, quijote
from recuerdo.data.sequence_reading import fixed_steps, read_sequences, require_like
from recuerdo.data.tables import Panel, panel, to_frame
from recuerdo.data.text_streams import TextSource, text_source
from recuerdo.data.text_tables import TextTable, read_text_table, texts_from_table
from recuerdo.data.texts import TextToken, Tokens, fit_tokens
from recuerdo.data.times import TimeType
from recuerdo.data.validation import Series
from recuerdo.data.wide_sequences import WideSequences, is_wide, sequences_from_wide_table
from recuerdo.data.windows import WindowSet

__all__ = [
    "Archive",
    "Covariate",
    "Frequency",
    "LongSequences",
    "NGrams",
    "Panel",
    "Ragged",
    "Series",
    "Table",
    "TextSource",
    "TextTable",
    "TextToken",
    "TimeType",
    "Tokens",
    "WideSequences",
    "WindowSet",
    "adding",
    "ahead",
    "air_passengers",
    "copying",
    "delayed_recall",
    "fit_ngrams",
    "fit_tokens",
    "fixed_steps",
    "is_archive",
    "is_wide",
    "mnist_pixels",
    "mnist_rows",
    "panel",
    "ppmi_embeddings",
    "quijote",
    "read",
    "read_archive",
    "read_sequences",
    "read_text_table",
    "require_like",
    "sequences_from_table",
    "sequences_from_wide_table",
    "tagging",
    "temporal_order",
    "text_source",
    "texts_from_table",
    "to_frame",
]
