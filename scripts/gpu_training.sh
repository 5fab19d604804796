#!/usr/bin/env bash
# Measures fine-tuning on CUDA GPUs, the most important first; works with one GPU (rows for more say "not run").
#   scripts/gpu_training.sh OUT [PART ...]      PART: lora 3b 7b compile tests varlen padded lora2 small
# Without PART: lora 3b 7b compile, about 4 minutes on two GPUs. OUT/training.jsonl holds every figure, a line for each
# part; OUT/training.txt the tables and what went wrong. A part that fails does not stop the others.
set -u
out=$1; shift
parts=${*:-lora 3b 7b compile}
mkdir -p "$out"
export PYTHONUNBUFFERED=1 PYTHONPATH=. TOKENIZERS_PARALLELISM=false
python=${PYTHON:-python3}
num_gpus=$("$python" -c "import torch; print(torch.cuda.device_count())" || echo 0)
up_to_two=$([ "$num_gpus" -ge 2 ] && echo "1 2" || echo 1)
row=$(mktemp)

attention=auto

bench() { # seconds, arguments...
    local seconds=$1; shift
    run "$seconds" "$@"
    # 1: a row failed; 124: the time was over.
    [ $? -eq 1 ] && [ "$attention" = auto ] || return
    # Perhaps it is cuDNN's attention that this machine can't do: the other kind, here and in what follows.
    attention=varlen
    run "$seconds" "$@"
}
run() { # seconds, arguments...
    local seconds=$1 code; shift
    echo "== $* --attention $attention ($(date +%T))" | tee -a "$out/training.txt"
    rm -f "$row"
    timeout -k 10 "$seconds" "$python" -m training.bench --limit "$((seconds - 15))" --json "$row" \
        --attention "$attention" "$@" >"$row.txt" 2>&1
    code=$?
    cut -c1-2000 "$row.txt" | tee -a "$out/training.txt"
    [ -s "$row" ] && "$python" -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))))' "$row" \
        >>"$out/training.jsonl"
    return $code
}

for part in $parts; do
    case $part in
        lora) bench 120 --size 7b --recipe lora --gpus 1 ;;
        3b) bench 200 --size 3b --recipe full --gpus $up_to_two ;;
        tests) timeout 120 "$python" -m pytest -q -m gpu tests/training/sft/test_gpu.py 2>&1 | tail -n 15 | tee -a "$out/training.txt" ;;
        7b) bench 240 --size 7b --recipe full --gpus 2 4 ;;
        compile) bench 150 --size 7b --recipe lora --gpus 1 --compile ;;
        varlen) attention=varlen; bench 120 --size 7b --recipe lora --gpus 1; attention=auto ;;
        padded) bench 200 --size 7b --recipe lora --gpus 1 --packing both --device-chunks 2 ;;
        lora2) bench 150 --size 7b --recipe lora --gpus $up_to_two ;;
        small) bench 200 --size tiny demo --recipe full lora --tokens-per-second 100 --gpus $up_to_two ;;
        *) echo "There is no part $part." >&2; exit 2 ;;
    esac
done
rm -f "$row" "$row.txt"
