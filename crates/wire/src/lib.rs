//! Every byte on the network: RTP, header extensions, signatures, RTCP, SDP, SAP, receipts.
