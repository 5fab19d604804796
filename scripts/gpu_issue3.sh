#!/usr/bin/env bash
# Measures the engine on a CUDA GPU, the most important first: tests, traces, then the rows of engine/PERFORMANCE.md.
#   scripts/gpu_issue3.sh OUT [PART ...]      PART: tests traces main fps8 precision decode sustained vision endurance polite small
# Every part has its own time limit and its own log in OUT; a part that fails does not stop the others. OUT/summary.txt
# holds the last lines of each. Without PART all run, in this order (about 25 minutes; the first five about 10).
set -u
out=$1; shift
parts=${*:-tests traces main fps8 precision decode sustained vision endurance polite small}
mkdir -p "$out"
export PYTHONUNBUFFERED=1 PYTHONPATH=. OMP_NUM_THREADS=8 TOKENIZERS_PARALLELISM=false
python=${PYTHON:-python3}
log=$out/log.txt

note() { echo "== $1 ($(date +%T))" | tee -a "$log" "$out/summary.txt"; }
limited() { # seconds, lines to show, command...
    local seconds=$1 lines=$2; shift 2
    timeout "$seconds" "$@" >"$out/last.txt" 2>&1; local code=$?
    { echo "\$ $*"; cat "$out/last.txt"; echo "rc $code"; } >>"$log"
    tail -n "$lines" "$out/last.txt" | cut -c1-700 | tee -a "$out/summary.txt"
    [ $code -eq 0 ] || echo "rc $code: $*" | tee -a "$out/summary.txt"
}
bench() { # seconds, arguments...: the JSON goes to rows.jsonl, the table's essence to the summary
    local seconds=$1; shift
    timeout "$seconds" "$python" -m engine.bench --json "$@" >"$out/last.json" 2>"$out/last.txt"; local code=$?
    { echo "\$ bench $*"; cat "$out/last.txt"; echo "rc $code"; } >>"$log"
    if [ $code -ne 0 ]; then
        echo "rc $code: bench $*" | tee -a "$out/summary.txt"; tail -n 4 "$out/last.txt" | cut -c1-300 | tee -a "$out/summary.txt"; return
    fi
    cat "$out/last.json" >>"$out/rows.jsonl"
    "$python" - "$out/last.json" "$*" <<'PY' | tee -a "$out/summary.txt"
import json, sys
r = json.load(open(sys.argv[1]))
if "sustained" in r:
    print(f"{sys.argv[2]}: {r['sustained']['fps']} frames/s {r['sustained']['p99_step_ms_by_fps']}")
else:
    p = {k.removesuffix('_ms'): v['p50'] for k, v in r["phases_ms"].items()}
    print(f"{sys.argv[2]}\n   " + " ".join(f"{k} {v}" for k, v in p.items()) + f" p99 {r['phases_ms']['total_ms']['p99']}"
          f" | {r['decode_tokens_per_s']} tok/s {r['visual_tokens_per_s']} vis/s | peak {r['memory_mb_peak']} MB"
          f" grown {r['memory_mb_last'] - r['memory_mb_first']:.1f} | context {r['num_context_tokens']}"
          f" ceilings {r['ceilings']} share {r['share_of_ceiling']}")
    if "baseline" in r: print("   baseline", r["baseline"])
    if "endurance" in r: print("   endurance", {k: v for k, v in r["endurance"].items() if k != "stretches"})
PY
}
big="--size 7b --height 720 --width 1280"

for part in $parts; do
    note "$part"
    case $part in
    tests)
        limited 60 3 nvidia-smi --query-gpu=name,memory.used,driver_version --format=csv
        limited 240 40 "$python" -m pytest -c /dev/null --rootdir . -q -x --maxfail=20 -m gpu tests/engine/test_cuda.py tests/engine/test_cuda_path.py
        limited 90 15 "$python" -m pytest -c /dev/null --rootdir . -q --maxfail=10 tests/engine/test_kernels.py ;;
    traces)
        limited 150 12 "$python" scripts/gpu_traces.py ;;
    main)
        bench 150 $big --fps 2 --tokens-per-step 8 --steps 40
        bench 120 $big --fps 2 --tokens-per-step 20 --steps 30 --baseline 2
        bench 120 $big --fps 2 --tokens-per-step 20 --steps 20 --lookahead
        bench 240 $big --fps 2 --tokens-per-step 20 --steps 20 --tune
        bench 120 $big --fps 2 --tokens-per-step 20 --steps 20 --attention torch --kernels torch
        bench 120 $big --fps 2 --tokens-per-step 8 --steps 20 --prefill cudnn ;;
    fps8)
        bench 150 $big --fps 8 --tokens-per-step 8 --steps 15
        bench 150 $big --fps 8 --tokens-per-step 20 --steps 15 --prefill cudnn
        bench 150 $big --fps 8 --tokens-per-step 8 --steps 15 --prefill cudnn --lookahead ;;
    precision)
        for kind in int4 fp8 int8; do bench 100 $big --fps 2 --tokens-per-step 20 --steps 45 --precision $kind; done
        bench 120 $big --fps 2 --tokens-per-step 20 --steps 20 --precision fp8 --tune ;;
    sustained)
        bench 260 --size 7b --height 364 --width 644 --tokens-per-step 8 --steps 3 --max-fps 64
        bench 260 --size 7b --height 224 --width 392 --tokens-per-step 8 --steps 3 --max-fps 240 --window 4
        bench 330 $big --tokens-per-step 8 --steps 3 --max-fps 48 --window 4
        bench 450 $big --tokens-per-step 8 --steps 3 --max-fps 32 ;;
    vision)
        bench 120 --size 7b --height 364 --width 644 --fps 2 --tokens-per-step 20 --steps 20
        bench 120 --size 7b --height 364 --width 644 --fps 8 --tokens-per-step 20 --steps 20
        bench 120 $big --fps 2 --tokens-per-step 8 --steps 20 --no-graphs ;;
    decode)
        limited 240 12 "$python" -m engine.bench.tokens --precisions fp8 bf16 int8 int4 --tune fp8 bf16
        grep -h '^product\|^attention' "$out/last.txt" | tee -a "$out/summary.txt" ;;
    endurance)
        # Three hours of stream; every ten minutes of it a line in OUT/log.txt, also of a run that its limit ends.
        bench 590 --size 7b --height 364 --width 644 --fps 2 --tokens-per-step 4 --endurance 10800 --plot "$out/endurance.png"
        grep '^minute' "$out/last.txt" | tee -a "$out/summary.txt" ;;
    polite)
        # The load alone, a minute long, then beside a stream with 8 tokens a second, twice, and with 20.
        limited 420 8 "$python" -m engine.bench.polite --size 7b --ways auto:1:8 auto:1:8 auto:1:20 ;;
    small)
        bench 120 --size 3b --height 720 --width 1280 --fps 2 --tokens-per-step 20 --steps 20
        bench 90 --size demo --height 360 --width 640 --fps 2 --tokens-per-step 20 --steps 40 --baseline 2
        limited 60 12 "$python" -m engine.bench --model assets/demo_model --steps 40 ;;
    *) echo "no such part: $part" ;;
    esac
done
