"""Raw recordings of Binance streams: read exactly and in order, refused by name, and written."""

from keeper.recordings.load import load_recordings, recorded_symbols
from keeper.recordings.measuring import measured
from keeper.recordings.moments import BookAt, Moment, TradeAt, arrivals
from keeper.recordings.points import market_of, points_of
from keeper.recordings.recording import Recording
from keeper.recordings.writing import RecordingWriter

__all__ = [
    "BookAt",
    "Moment",
    "Recording",
    "RecordingWriter",
    "TradeAt",
    "arrivals",
    "load_recordings",
    "market_of",
    "measured",
    "points_of",
    "recorded_symbols",
]
