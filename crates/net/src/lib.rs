//! UDP multicast, interfaces, kernel timestamps, the pacing thread; carries bytes, knows no RTP.
