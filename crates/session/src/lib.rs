//! Sender and receiver state machines: packetise, authenticate, buffer, arbitrate.
