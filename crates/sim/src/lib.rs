//! A seeded network and virtual clocks: one head-end, many receivers, no real time.
