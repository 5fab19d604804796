#!/usr/bin/env bash
# A two-hour video through the evaluation, 7B shapes with random weights: does it take ten minutes, and who waits for whom?
#   scripts/gpu_issue6.sh OUT [SECONDS [MINUTES [MODEL]]]     600, 120 and random:7b
# Makes the video first (five minutes of a match, repeated without coding it anew; half a minute), then runs the endless
# mode of inf-streams: 2 frames/s, 644x364, 5 tokens and an end a second of video. OUT/summary.txt tells how long
# it took and who waited; of a run that its limit ended it tells only that.
set -u
out=$1; limit_s=${2:-600}; minutes=${3:-120}; model=${4:-random:7b}
python=${PYTHON:-python3}
export PYTHONUNBUFFERED=1 PYTHONPATH=. TOKENIZERS_PARALLELISM=false
mkdir -p "$out/videos"
once=$((minutes < 5 ? minutes : 5))
"$python" -m training.demo_league render --seed 60001 --minutes "$once" --out "$out/once.mp4" --truth "$out/once.jsonl" >"$out/render.txt" 2>&1
"$python" - "$out" "$minutes" "$once" <<'PY'
import json, sys
from pathlib import Path
import av
out, minutes, once = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with av.open(str(out / "videos" / "match.mp4"), "w") as written:
    to, shift = None, 0
    for _ in range(-(-minutes // once)):
        with av.open(str(out / "once.mp4")) as read:
            video = read.streams.video[0]
            to = to or written.add_stream_from_template(video)
            for packet in read.demux(video):
                if packet.dts is None:
                    continue
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, to
                written.mux(packet)
            shift += round(once * 60 / video.time_base)
words = [[second, second + 1, "word"] for second in range(minutes * 60)]
game = {"video": "match.mp4", "title": "Lions in red: 7 Okafor, 9 Lind. Bears in blue.", "content": words}
(out / "games.jsonl").write_text(json.dumps(game) + "\n")
PY
began=$(date +%s)
timeout "$limit_s" "$python" -m training.evaluate inf-streams --model "$model" --metadata "$out/games.jsonl" --videos "$out/videos" \
    --start-s 0 --fps 2 --max-new-tokens 5 --greedy --out "$out/run" >"$out/run.txt" 2>&1
code=$?
{
    echo "rc $code after $(($(date +%s) - began)) s, the model's making and the video's decoding included"
    tail -n 3 "$out/run.txt" | cut -c1-300
    "$python" - "$out/run" <<'PY'
import json, sys
from pathlib import Path
for file in sorted(Path(sys.argv[1]).rglob("*.json*")):
    for line in file.read_text(errors="replace").splitlines()[:3]:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and row.get("step_ms"):
            step_s, wait_s = sum(row["step_ms"]) / 1000, sum(row["wait_ms"]) / 1000
            print(f"{file.name}: {len(row['step_ms'])} steps, wall {row['wall_s']} s, in steps {step_s:.1f} s, waiting for "
                  f"pictures {wait_s:.1f} s ({100 * wait_s / (wait_s + step_s):.1f}%), tokens a step "
                  f"{sum(row['num_tokens']) / len(row['num_tokens']):.2f}, memory {row['memory_mb'][-1]}")
PY
} | tee "$out/summary.txt"
