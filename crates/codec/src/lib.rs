//! Files to PCM (Symphonia), Opus encode, decode and conceal (libopus), Ogg Opus files.
