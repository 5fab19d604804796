"""Sources: what is watched, cut into chunks of frames with exact times.

Knows video files and how they are decoded, sampled and paced. Knows nothing of models, windows or captions.
"""

from app.sources.base import ChunkSource, Preview, PreviewSink, SourceProblem
from app.sources.demo import demo_match
from app.sources.reader import SourceEnded, SourceReader
from app.sources.video_file import VideoFileSource
from app.sources.video_info import VideoInfo, inspect_video

__all__ = [
    "ChunkSource",
    "Preview",
    "PreviewSink",
    "SourceEnded",
    "SourceProblem",
    "SourceReader",
    "VideoFileSource",
    "VideoInfo",
    "demo_match",
    "inspect_video",
]
