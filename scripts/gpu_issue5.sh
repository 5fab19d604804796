#!/usr/bin/env bash
# Streams the rows of `python -m training.reproduce` on one CUDA GPU, the most important first.
#   scripts/gpu_issue5.sh OUT [PART ...]        PART: tables stability sft
# tables (default): full attention, windows and ours one at a time, so that their times can be compared (1 min), then
# every other row of 12 minutes on three matches, many side by side (3 min). stability: three hours, four streams side
# by side, as far as they come in 8 min. sft: trains twelve models, three at a time, and streams them.
# MODEL=assets/demo_model, MINUTES=12, WALL=4.5 (minutes of wall time of a part), STEPS=60 (of a model), DEVICE=cuda and
# JOBS (of the streams) and WORK=runs/reproduce can be changed.
# What is finished in WORK is not run again; OUT gets results.tar.gz, to be unpacked into a folder for
# `python -m training.reproduce report --out FOLDER`, and log.txt.
set -u
out=$1; shift
parts=${*:-tables}
model=${MODEL:-assets/demo_model} minutes=${MINUTES:-12} work=${WORK:-runs/reproduce}
mkdir -p "$out" "$work"
export PYTHONUNBUFFERED=1 PYTHONPATH=. OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
python=${PYTHON:-python3}
log=$out/log.txt
cores=$(nproc)
jobs=${JOBS:-$((cores > 14 ? 12 : cores > 3 ? cores - 2 : 1))}

pack() { tar -czf "$out/.part" -C "$work" --exclude='.*' $(cd "$work" && ls -d model.json results models/*/run.json 2>/dev/null) && mv "$out/.part" "$out/results.tar.gz"; }
stream() { # minutes of wall time, arguments...
    local wall=$1; shift
    echo "== $* ($(date +%T))" | tee -a "$log"
    timeout "$(awk "BEGIN{print int(60*$wall+45)}")" "$python" -m training.reproduce run --model "$model" --out "$work" \
        --device "${DEVICE:-cuda}" --stop-after "$wall" "$@" 2>&1 | grep -v 'Warning' | tee -a "$log" | tail -n 40
    pack
}
left() { awk "BEGIN{m=($1)-($(date +%s)-$began)/60; print (m>0.3 ? m : 0.3)}"; }

for part in $parts; do
    began=$(date +%s)
    wall=${WALL:-$([ "$part" = tables ] && echo 4.5 || echo 8)}
    case $part in
    tables)
        stream 1.6 --rows ours full chunks recomputed --minutes "$minutes" --seeds 9101 --drawers 3
        stream "$(left "$wall")" --rows rope memory attention vision --minutes "$minutes" --jobs "$jobs" --drawers 3 ;;
    stability)
        stream "$wall" --rows stability --seeds 9101 9102 --jobs 4 --drawers $((cores > 8 ? 6 : 1)) ;;
    sft)
        for seed in 1 2 3; do
            timeout "$(awk "BEGIN{print int(60*($wall-1.5))}")" "$python" -m training.reproduce train --out "$work" --start "$model" \
                --seeds $seed --workers $((cores > 14 ? 5 : 1)) --steps "${STEPS:-60}" >"$work/train-$seed.txt" 2>&1 &
        done
        wait
        grep -h '^{"kind"' "$work"/train-?.txt | tee -a "$log"; tail -n 3 "$work"/train-?.txt >>"$log"
        stream "$(left "$wall")" --rows sft --jobs "$jobs" --drawers 1 ;;
    *) echo "no such part: $part" ;;
    esac
done
ls -la "$out"
