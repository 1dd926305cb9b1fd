"""What a person has, made ready for a network: tables become series and windows, or sequences with their labels."""

from recuerdo.data.archives import Archive, read_archive
from recuerdo.data.covariates import Covariate, ahead
from recuerdo.data.frequency import Frequency
from recuerdo.data.long_sequences import LongSequences, sequences_from_table
from recuerdo.data.problems import adding
from recuerdo.data.ragged import Ragged
from recuerdo.data.reading import Table, read
from recuerdo.data.samples import air_passengers
from recuerdo.data.sequence_reading import fixed_steps, read_sequences, require_like
from recuerdo.data.tables import Panel, panel, to_frame
from recuerdo.data.text_tables import texts_from_table
from recuerdo.data.times import TimeType
from recuerdo.data.validation import Series
from recuerdo.data.windows import WindowSet

__all__ = [
    "Archive",
    "Covariate",
    "Frequency",
    "LongSequences",
    "Panel",
    "Ragged",
    "Series",
    "Table",
    "TimeType",
    "WindowSet",
    "adding",
    "ahead",
    "air_passengers",
    "fixed_steps",
    "panel",
    "read",
    "read_archive",
    "read_sequences",
    "require_like",
    "sequences_from_table",
    "texts_from_table",
    "to_frame",
]
