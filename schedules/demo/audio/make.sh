#!/bin/sh
# Makes the demo's audio from the texts in SOURCES.md. Needs espeak-ng, sox, ffmpeg, lame, flac and opus-tools.
# Run it only to change the audio: encoders of other releases give other bytes, and so other content hashes.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Prints the text under "### NAME" in SOURCES.md.
text() {
    awk -v head="### $1" '$0 == head { on = 1; next } /^#/ { on = 0 } on && sub(/^> /, "")' SOURCES.md
}

# speak NAME VOICE WORDS_PER_MINUTE PITCH: leaves NAME.wav (22.05 kHz mono, peak -3 dBFS) in the work directory.
speak() {
    text "$1" | espeak-ng -v "$2" -s "$3" -p "$4" -g 2 --stdin -w "$work/raw.wav"
    sox -R "$work/raw.wav" "$work/$1.wav" silence 1 0.02 0.1% gain -n -3
}

speak ban-tin-tinh vi+f2 175 45
sox -R "$work/ban-tin-tinh.wav" -r 44100 -c 2 "$work/stereo.wav"
lame --quiet --resample 44.1 -b 96 -q 2 --tt "Bản tin tỉnh" "$work/stereo.wav" ban-tin-tinh.mp3

speak chuyen-muc-xa-a vi 165 40
sox -R "$work/chuyen-muc-xa-a.wav" -r 44100 -c 2 "$work/stereo.wav" gain -6
ffmpeg -v error -y -i "$work/stereo.wav" -c:a aac -b:a 64k -flags +bitexact -fflags +bitexact -movflags +faststart chuyen-muc-xa-a.m4a

speak xa-b vi+m3 170 30
flac --silent --force --best -o xa-b.flac "$work/xa-b.wav"

speak thon vi+f4 160 60
sox -R "$work/thon.wav" -r 32000 "$work/thon32.wav" gain -10
sox -R "$work/thon32.wav" -C 4 thon.ogg

speak khan-cap vi+m7 190 50
sox -R "$work/khan-cap.wav" -b 16 khan-cap.wav

speak thong-bao vi+m1 185 35
sox -R "$work/thong-bao.wav" -b 16 -r 16000 thong-bao.aiff gain -4

# The tune: five-note scale, two voices, each note plucked for a beat and left to ring into the next.
# pluck OUT BEATS NOTE: one note.
pluck() {
    sox -R -r 48000 -n "$work/$1" synth "$2" pluck "$3" fade 0 "$2" 0.08 gain -6
}
n=0
melody=""
for step in 0.4:D4 0.4:F4 0.4:G4 0.8:A4 0.4:C5 0.4:A4 0.8:G4 0.4:F4 0.4:G4 0.4:A4 0.8:D5 0.4:C5 0.4:A4 1.2:G4 \
    0.4:A4 0.4:C5 0.4:D5 0.8:F5 0.4:D5 0.4:C5 0.8:A4 0.4:G4 0.4:F4 0.4:D4 0.8:F4 0.4:G4 0.4:F4 1.6:D4; do
    n=$((n + 1))
    pluck "note$n.wav" "${step%%:*}" "${step##*:}"
    melody="$melody $work/note$n.wav"
done
bass=""
for step in 1.6:D3 1.6:A2 1.6:G2 1.6:D3 1.6:F2 1.6:G2 1.6:A2 1.6:C3 1.6:D3 1.6:D2; do
    n=$((n + 1))
    pluck "note$n.wav" "${step%%:*}" "${step##*:}"
    bass="$bass $work/note$n.wav"
done
# shellcheck disable=SC2086 # the lists are file names without spaces
sox -R $melody "$work/melody.wav"
# shellcheck disable=SC2086
sox -R $bass "$work/bass.wav"
sox -R -M "$work/melody.wav" "$work/bass.wav" -b 16 "$work/nhac-nen.wav" remix 1v0.8,2v0.4 1v0.4,2v0.8 reverb 30 gain -n -4
opusenc --quiet --bitrate 64 --music --serial 1 --title "Nhạc nền" "$work/nhac-nen.wav" nhac-nen.opus

ls -l -- *.mp3 *.m4a *.flac *.ogg *.opus *.wav *.aiff
