#!/usr/bin/python3
"""Makes calibration sequences for streaming speech models: spoken sentences in noise, as short-time spectra.

    tests/audio/make_sequences.py dtln|gtcrn --model MODEL.onnx --out DIR [--frames 200] [--seed 1]

Speech comes from espeak-ng, noise from a seeded generator. The float model runs over the frames in onnxruntime-node
(tests/peer/setup.sh installs it), its state outputs fed back. DIR then holds frame_0000.npz, ..: one sample per frame,
keys = the model's input names, states included; and DIR/../<name of DIR>_expected.npz with the float outputs, stacked.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import wave

import numpy

SAMPLE_RATE_HZ = 16000
FFT_SIZE = 512
PEER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "peer")

SENTENCES = [
    ("en", 160, "The quick brown fox jumps over the lazy dog, and runs into the forest."),
    ("en+f3", 190, "Please call me back at seven thirty; the number is two four six, eight one nine."),
    ("en-us", 140, "Noise makes every quiet word hard to hear, but the pattern remains."),
    ("de", 170, "Zwei Schiffe fuhren gestern Abend langsam aus dem Hafen."),
    ("fr+f2", 180, "Le petit chat dort sur la chaise, pendant que la pluie tombe."),
    ("en+m5", 210, "Open the window, turn on the light, and play some music."),
    ("es", 175, "La casa blanca esta cerca del rio, al lado del puente viejo."),
]
# One per sentence: signal to noise in decibel, and how much of the noise's energy lies at low frequencies.
NOISE_DB = [20, 5, 10, 0, 15, 5, 10]
NOISE_SLOPE = [0.0, 0.5, 1.0, 0.5, 0.0, 1.0, 0.5]


def speak(voice, words_per_minute, text, folder):
    """A sentence as float samples at 16 kHz."""
    path = os.path.join(folder, "speech.wav")
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(words_per_minute), "-w", path, text], check=True)
    with wave.open(path) as file:
        rate = file.getframerate()
        samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(numpy.float64) / 32768
    return resample(samples, rate)


def resample(samples, rate):
    """Band-limited: the spectrum is cut at the new Nyquist frequency. espeak-ng speaks at 22050 Hz."""
    count = len(samples) * SAMPLE_RATE_HZ // rate
    spectrum = numpy.fft.rfft(samples)[:count // 2 + 1]
    return numpy.fft.irfft(spectrum, count) * (count / len(samples))


def colored_noise(count, slope, random):
    """Power falls with frequency as 1 / f^(2 slope)."""
    spectrum = numpy.fft.rfft(random.standard_normal(count))
    spectrum *= numpy.maximum(numpy.arange(len(spectrum)), 1.0) ** -slope
    noise = numpy.fft.irfft(spectrum, count)
    return noise / noise.std()


def noisy_speech(seed):
    """All sentences one after the other, a pause before each, each at its own level and in its own noise."""
    random = numpy.random.RandomState(seed)
    parts = []
    with tempfile.TemporaryDirectory() as folder:
        for (voice, speed, text), decibel, slope in zip(SENTENCES, NOISE_DB, NOISE_SLOPE):
            speech = speak(voice, speed, text, folder)
            speech *= random.uniform(0.15, 0.6) / numpy.abs(speech).max()
            part = numpy.concatenate([numpy.zeros(SAMPLE_RATE_HZ // 8), speech])
            level = speech.std() * 10 ** (-decibel / 20)
            parts.append(part + level * colored_noise(len(part), slope, random))
    return numpy.clip(numpy.concatenate(parts), -1, 1)


def spread(samples, hop, count):
    """`count` consecutive frames would cover a single sentence: take equal runs from all over the recording."""
    run = -(-count // len(SENTENCES)) * hop
    length = run + FFT_SIZE - hop
    starts = numpy.linspace(0, len(samples) - length, len(SENTENCES)).astype(int)
    return [samples[start:start + length] for start in starts]


def short_time_spectra(samples, hop, window):
    count = (len(samples) - FFT_SIZE) // hop + 1
    frames = numpy.stack([samples[i * hop:i * hop + FFT_SIZE] for i in range(count)])
    return numpy.fft.rfft(frames * window)


def dtln_frames(spectra):
    return numpy.abs(spectra).astype(numpy.float32).reshape(-1, 1, 1, FFT_SIZE // 2 + 1)


def gtcrn_frames(spectra):
    both = numpy.stack([spectra.real, spectra.imag], axis=-1).astype(numpy.float32)
    return both.reshape(-1, 1, FFT_SIZE // 2 + 1, 1, 2)


# hop, analysis window, frame input, how a spectrum becomes it, and which output is the next frame's which input.
HANN = 0.5 - 0.5 * numpy.cos(2 * numpy.pi * numpy.arange(FFT_SIZE) / FFT_SIZE)
MODELS = {
    "dtln": (128, numpy.ones(FFT_SIZE), "input_2", dtln_frames, {"tf_op_layer_stack_2": "input_3"}),
    "gtcrn": (256, numpy.sqrt(HANN), "mix", gtcrn_frames,
              {"conv_cache_out": "conv_cache", "tra_cache_out": "tra_cache", "inter_cache_out": "inter_cache"}),
}


def run_model(model, frame_input, frames, feedback, folder):
    """State inputs before each frame and outputs after it, stacked over the frames."""
    source, target = os.path.join(folder, "frames.npz"), os.path.join(folder, "outputs.npz")
    numpy.savez(source, **{frame_input: frames})
    pairs = ",".join("%s=%s" % pair for pair in feedback.items())
    script = os.path.join(PEER, "sequence.mjs")
    subprocess.run(["node", script, model, source, target, "--feedback", pairs], check=True)
    with numpy.load(target) as stored:
        return dict(stored)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kind", choices=sorted(MODELS))
    parser.add_argument("--model", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    hop, window, frame_input, to_frames, feedback = MODELS[arguments.kind]
    runs = spread(noisy_speech(arguments.seed), hop, arguments.frames)
    frames = numpy.concatenate([to_frames(short_time_spectra(run, hop, window)) for run in runs])[:arguments.frames]
    if not os.path.isfile(arguments.model):
        sys.exit("make_sequences.py: error: %s: no such model" % arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        stacked = run_model(arguments.model, frame_input, frames, feedback, folder)
    states = {name: stacked.pop(name) for name in feedback.values()}
    os.makedirs(arguments.out, exist_ok=True)
    for index, frame in enumerate(frames):
        sample = {frame_input: frame, **{name: state[index] for name, state in states.items()}}
        numpy.savez(os.path.join(arguments.out, "frame_%04d.npz" % index), **sample)
    numpy.savez(os.path.normpath(arguments.out) + "_expected.npz", **stacked)
    print("%s: %d frames of %s, states %s" % (arguments.out, len(frames), frame_input, ", ".join(states)))


if __name__ == "__main__":
    main()
