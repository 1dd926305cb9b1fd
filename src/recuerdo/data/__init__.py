"""What a person has, made ready for a network: tables become validated series, and series become windows."""

from recuerdo.data.covariates import Covariate, ahead
from recuerdo.data.embeddings import ppmi_embeddings
from recuerdo.data.frequency import Frequency
from recuerdo.data.ngrams import NGrams, fit_ngrams
from recuerdo.data.problems import adding
from recuerdo.data.ragged import Ragged
from recuerdo.data.reading import Table, read
from recuerdo.data.samples import air_passengers
from recuerdo.data.tables import Panel, panel, to_frame
from recuerdo.data.texts import TextToken, Tokens, fit_tokens
from recuerdo.data.times import TimeType
from recuerdo.data.validation import Series
from recuerdo.data.windows import WindowSet

__all__ = [
    "Covariate",
    "Frequency",
    "NGrams",
    "Panel",
    "Ragged",
    "Series",
    "Table",
    "TextToken",
    "TimeType",
    "Tokens",
    "WindowSet",
    "adding",
    "ahead",
    "air_passengers",
    "fit_ngrams",
    "fit_tokens",
    "panel",
    "ppmi_embeddings",
    "read",
    "to_frame",
]
