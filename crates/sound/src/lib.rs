//! Where samples go: ALSA, WAV, a pipe, nowhere; reports frames consumed.
