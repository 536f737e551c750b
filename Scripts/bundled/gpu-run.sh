#!/usr/bin/env bash
# A first session on a rented GPU, part by part; each ends in time, continues where it stopped, and leaves a model folder.
#
#   gpu-run.sh bench         seconds per training step of every stage and per image, at several batch sizes: minutes
#   gpu-run.sh gate          autoencoders of 16×16 and of 32×32 cells, trained alike and measured: which to go on with
#   gpu-run.sh autoencoder   encoder and decoder, then jointly with the U-Net: out/autoencoder/model
#   gpu-run.sh unet          U-Net and adapter on the frozen encoder's latents: out/unet/model
#   gpu-run.sh draw          a contact sheet: out/prompts.png
#   gpu-run.sh evaluate      how well it follows prompts: out/scores
#   gpu-run.sh midi          as released: U-Net of preset midi on the frozen autoencoder's latents of medium scenes: out/midi
#   gpu-run.sh student       its few-step student: out/student/fast
#   gpu-run.sh decoder       its decoder, on latents that its U-Net makes: out/decoder/model
#   gpu-run.sh all           bench, autoencoder, unet, draw and evaluate
#
# Run a part again until it no longer says that it stopped. The numbers are variables: BATCHES="64 128" gpu-run.sh bench.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)

preset=${PRESET:-base}
device=${DEVICE:-cuda}
precision=${PRECISION:-bfloat16}
out=${OUT:-out}
batches=${BATCHES:-"64 128 256 512"} # bench: the first that does not fit ends the list
bench_steps=${BENCH_STEPS:-20}
gate_presets=${GATE_PRESETS:-"base fine"} # 16×16 and 32×32
gate_steps=${GATE_STEPS:-1000}
gate_limit=${GATE_LIMIT:-4m} # of each; a limit that ends it early leaves the rate high: choose steps that fit
world=${WORLD:-full} # that evaluation asks about
quick=${QUICK:---quick} # a tenth of the prompts; QUICK= for all
autoencoder_batch=${AUTOENCODER_BATCH:-128} # half as many windows in a step, a quarter as many whole images jointly
autoencoder_steps=${AUTOENCODER_STEPS:-8000}
autoencoder_limit=${AUTOENCODER_LIMIT:-9m}
unet_batch=${UNET_BATCH:-512}
unet_steps=${UNET_STEPS:-12000}
unet_limit=${UNET_LIMIT:-9m}
storage=${STORAGE:-bfloat16} # of model folders: 180 MB of preset base
save_every=${SAVE_EVERY:-1000} # steps; the end of a time limit always saves
checkpoints=${CHECKPOINTS:-} # --no-moments for half the size
seed=${SEED:-0}
flux=${FLUX:-$here/run.sh}

mkdir -p "$out"
title() { printf '\n== %s (%s)\n' "$*" "$(date +%T)" >&2; }

bench() {
  title "the machine"
  { command -v nvidia-smi >/dev/null && nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader; nproc; } |
    tee "$out/machine.txt"
  for batch in $batches; do
    title "U-Net, batch $batch"
    "$flux" bench train --preset "$preset" --device "$device" --precision "$precision" --batch "$batch" \
      --steps "$bench_steps" --json >"$out/bench-train-$batch.json" || { echo "batch $batch does not run"; break; }
    cat "$out/bench-train-$batch.json"
    title "every stage, batch $batch"
    "$flux" train --preset "$preset" --device "$device" --precision "$precision" --batch "$batch" \
      --output "$out/dry-run-$batch" --dry-run | tee "$out/dry-run-$batch.txt" || { echo "batch $batch does not run"; break; }
  done
  for batch in 1 16; do
    title "images, batch $batch"
    "$flux" bench generate --preset "$preset" --device "$device" --precision "$precision" --batch "$batch" |
      tee "$out/bench-generate-$batch.txt"
  done
}

train() { # train NAME FLAGS…
  local name=$1
  shift
  title "$name"
  # shellcheck disable=SC2086 # checkpoints is a list of flags
  "$flux" train --preset "$preset" --data scenes --device "$device" --precision "$precision" --seed "$seed" \
    --save-every "$save_every" --keep 1 --sample-every 2000 --storage "$storage" $checkpoints --output "$out/$name" "$@"
}

autoencoder() {
  train autoencoder --stages autoencoder,joint --batch "$autoencoder_batch" --steps "$autoencoder_steps" \
    --time-limit "$autoencoder_limit"
}

unet() {
  [ -f "$out/autoencoder/model/model_index.json" ] || { echo "$out/autoencoder/model is missing: gpu-run.sh autoencoder makes it" >&2; exit 1; }
  train unet --from "$out/autoencoder/model" --batch "$unet_batch" --steps "$unet_steps" --time-limit "$unet_limit"
}

gate() {
  local preset
  for preset in $gate_presets; do
    train "gate-$preset" --stages autoencoder --batch "$autoencoder_batch" --steps "$gate_steps" --time-limit "$gate_limit"
    "$flux" evaluate --model "$out/gate-$preset/model" --set autoencoder --world "$world" --device "$device" --quiet |
      tee "$out/gate-$preset.txt"
  done
}

evaluate() {
  title "evaluation"
  # shellcheck disable=SC2086 # quick may be nothing
  "$flux" evaluate --model "$out/unet/model" --world "$world" --device "$device" $quick --quiet --output "$out/scores" |
    tee "$out/scores.txt"
}

# The learning rate falls to zero at the last step, so that the number of steps has to fit the time: a first minute
# measures how many a second there are.
midi() {
  local seconds=${MIDI_SECONDS:-550} first=${MIDI_FIRST:-75} began=$SECONDS done rate steps
  train_midi() { # train_midi STEPS SECONDS
    # shellcheck disable=SC2086 # MIDI_FLAGS is a list of flags
    "$flux" train --from "${MIDI_FROM:-$here/models/midi-autoencoder}" --preset midi --world "${MIDI_WORLD:-medium}" --device "$device" \
      --precision "$precision" --batch "${MIDI_BATCH:-1024}" --pool-size "${MIDI_POOL:-8192}" --pool-renewal "${MIDI_RENEWAL:-64}" --seed 1 --steps "$1" \
      --time-limit "$2s" --storage bfloat16 --save-every 1000000 --keep 1 --sample-every 0 --output "$out/midi" ${MIDI_FLAGS:-}
  }
  title "midi: the first $first s"
  train_midi 4000 "$first"
  read -r done rate < <(python3 - "$out/midi/log.jsonl" <<'P'
import json, sys
lines = [line for line in map(json.loads, open(sys.argv[1])) if "stepsPerSecond" in line]
rates = sorted(line["stepsPerSecond"] for line in lines[-3:])
print(lines[-1]["step"], rates[len(rates) // 2])
P
  )
  seconds=$((seconds - SECONDS + began))
  steps=$(python3 -c "print(max($done + 20, int($done + 0.97 * ($seconds - 50) * $rate)))")
  title "midi: $steps steps in $seconds s"
  train_midi "$steps" "$seconds"
}

student() {
  title "student"
  "$flux" convert "$out/midi/model" --storage int8 --output "$out/midi-int8"
  "$flux" distill -m "$out/midi-int8" --world "${MIDI_WORLD:-medium}" --device "$device" --precision "$precision" \
    --batch "${STUDENT_BATCH:-256}" --teacher-batch 128 --steps "${STUDENT_STEPS:-2800}" --output "$out/student" \
    ${STUDENT_FLAGS---student-steps 6 --teacher-steps 3 --rank 24 --cfg-rescale 0.7 --cfg-interval 0.5-20 \
      --pairs 0.2 --shape-pairs 0.2 --full-captions 0.5}
}

decoder() {
  title "decoder"
  "$flux" train --from "${DECODER_FROM:-$out/midi/model}" --preset midi --world "${MIDI_WORLD:-medium}" --stages decoder \
    --regenerated-latents 0.7 --device "$device" --precision "$precision" --batch "${DECODER_BATCH:-256}" \
    --steps "${DECODER_STEPS:-900}" --autoencoder-learning-rate 1.5e-4 --muon-learning-rate 7e-4 --cooldown 0.6 --warmup 20 \
    --storage bfloat16 --save-every 1000000 --keep 1 --sample-every 0 --output "$out/decoder"
}

draw() {
  title "prompts"
  "$flux" generate --prompt-file - --model "$out/unet/model" --device "$device" --output "$out/prompts/" \
    --grid "$out/prompts.png" --quiet <<'PROMPTS'
a red apple on a blue background
a cat to the left of a tree
a rocket above a house at night
two boats on the sea
PROMPTS
}

case ${1:-} in
bench | gate | autoencoder | unet | midi | student | decoder | draw | evaluate) "$1" ;;
all) bench && autoencoder && unet && draw && evaluate ;;
*) sed -n '2,/^set/p' "$0" | sed '/^set/d; s/^# \{0,1\}//' >&2; exit 2 ;;
esac
