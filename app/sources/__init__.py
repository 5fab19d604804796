"""Sources: what is watched, cut into chunks of frames with exact times.

Knows video files, the screen and its windows, cameras and streams; how each is sampled and paced, and how a live one is
got back when it goes. Knows nothing of models, windows of ours or captions.
"""

from app.sources.base import CapturedChunk, ChunkSource, Preview, PreviewSink, SourceProblem
from app.sources.demo import demo_match
from app.sources.live import LiveSource
from app.sources.news import NewsSink, Signal, SourceNews
from app.sources.opening import WatchOptions, open_source
from app.sources.reader import SourceEnded, SourceReader
from app.sources.spec import LIVE_KINDS, SourceSpec, parse_spec
from app.sources.video_file import VideoFileSource
from app.sources.video_info import VideoInfo, inspect_video

__all__ = [
    "LIVE_KINDS",
    "CapturedChunk",
    "ChunkSource",
    "LiveSource",
    "NewsSink",
    "Preview",
    "PreviewSink",
    "Signal",
    "SourceEnded",
    "SourceNews",
    "SourceProblem",
    "SourceReader",
    "SourceSpec",
    "VideoFileSource",
    "VideoInfo",
    "WatchOptions",
    "demo_match",
    "inspect_video",
    "open_source",
    "parse_spec",
]
