//! Multicast over the loopback: what is heard, what is not, and what is said when it cannot be.
#![expect(
    clippy::unwrap_used,
    reason = "a test file; clippy knows only the functions marked as tests"
)]

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use loa_net::{
    GroupSet, GroupSetError, InterfaceChoice, JoinError, MulticastReceiver, MulticastSender, ReceiverConfig,
    SenderConfig,
};

const LOOPBACK: InterfaceChoice = InterfaceChoice::Address(Ipv4Addr::LOCALHOST);
/// Enough for a busy machine; nothing waits that long when all is well.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long silence is listened to where something must *not* be heard.
const SILENCE: Duration = Duration::from_millis(100);

#[test]
fn each_group_hears_its_own_datagrams_only() {
    let (joined, other, foreign) = (group(), group(), group());
    // Another socket of this machine joins `foreign` on the same port: that must not leak into ours.
    let _neighbour = GroupSet::join(&[foreign], &receiving()).unwrap();
    let mut set = GroupSet::join(&[joined, other], &receiving()).unwrap();
    let sender = MulticastSender::open(&sending()).unwrap();
    sender.send(foreign, b"not for us").unwrap();
    sender.send(other, b"second").unwrap();
    sender.send(joined, b"first").unwrap();
    let mut heard = vec![recv(&mut set).unwrap(), recv(&mut set).unwrap()];
    heard.sort();
    assert_eq!(heard, [(0, b"first".to_vec()), (1, b"second".to_vec())]);
    assert!(set.recv(SILENCE).unwrap().is_none());
    assert_eq!((set.counts().received, sender.counts().sent), (2, 3));
}

#[test]
fn age_is_the_time_spent_waiting() {
    let to = group();
    let mut set = GroupSet::join(&[to], &receiving()).unwrap();
    let sender = MulticastSender::open(&sending()).unwrap();
    // The kernel begins to stamp a moment after the first socket asked for it.
    std::thread::sleep(SILENCE);
    // It is stamped while it is sent: after the first instant and before the second, however long that takes.
    let began = Instant::now();
    sender.send(to, b"x").unwrap();
    let sent = Instant::now();
    std::thread::sleep(Duration::from_millis(60));
    let least = sent.elapsed();
    let datagram = set.recv(PATIENCE).unwrap().unwrap();
    let (age, most) = (datagram.age, began.elapsed());
    assert!(
        age + Duration::from_millis(1) >= least && age <= most + Duration::from_millis(2),
        "{age:?}, not {least:?} to {most:?}"
    );
    assert_eq!(*datagram.from.ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(set.counts().stamps_refused, 0);
}

#[test]
fn flooded_group_does_not_silence_the_others() {
    let (flooded, quiet) = (group(), group());
    let mut set = GroupSet::join(&[flooded, quiet], &receiving()).unwrap();
    let sender = MulticastSender::open(&sending()).unwrap();
    for _ in 0..50 {
        sender.send(flooded, &[0; 200]).unwrap();
    }
    sender.send(quiet, b"help").unwrap();
    let place = (0..51).position(|_| recv(&mut set).unwrap().0 == 1).unwrap();
    assert!(place <= 1, "the quiet group was served in place {place}");
}

#[test]
fn oversized_and_overflowing_datagrams_are_counted() {
    let to = group();
    let mut set = GroupSet::join(
        &[to],
        &ReceiverConfig {
            buffer_bytes: 1,
            ..receiving()
        },
    )
    .unwrap();
    let sender = MulticastSender::open(&sending()).unwrap();
    for _ in 0..20 {
        sender.send(to, &[0; 1400]).unwrap();
    }
    let held = std::iter::from_fn(|| set.recv(SILENCE).unwrap().map(|_| ())).count();
    assert!(held < 20, "the kernel's smallest buffer held all {held}");
    // The kernel tells its drops with the next datagram that it delivers.
    sender.send(to, &[0; 3000]).unwrap();
    assert!(set.recv(SILENCE).unwrap().is_none());
    sender.send(to, b"last").unwrap();
    assert_eq!(recv(&mut set).unwrap().1, b"last");
    let counts = set.counts();
    assert_eq!(counts.oversize, 1);
    assert_eq!(counts.kernel_full as usize, 20 - held);
}

#[test]
fn timeout_is_kept() {
    let mut set = GroupSet::join(&[group()], &receiving()).unwrap();
    let started = Instant::now();
    assert!(set.recv(Duration::from_millis(30)).unwrap().is_none());
    assert!(started.elapsed() >= Duration::from_millis(30));
    assert!(set.recv(Duration::ZERO).unwrap().is_none());
}

#[test]
fn port_held_by_another_program_is_named_with_the_remedy() {
    let holder = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = holder.local_addr().unwrap().port();
    let group = SocketAddrV4::new(*group().ip(), port);
    let error = MulticastReceiver::join(group, &receiving()).unwrap_err();
    assert!(matches!(error, JoinError::PortInUse { .. }), "{error}");
    let text = error.to_string();
    assert!(text.starts_with(&format!("UDP port {port} is in use")), "{text}");
    assert!(
        text.contains("ss -ulpn") && text.contains("multicast.port"),
        "{text}"
    );
}

#[test]
fn one_bad_group_refuses_the_whole_set() {
    let unicast = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5004);
    let error = GroupSet::join(&[group(), unicast], &receiving()).unwrap_err();
    assert!(
        matches!(error, GroupSetError::Join { group, .. } if group == unicast),
        "{error}"
    );
    let crowd = vec![group(); loa_net::GROUPS_MAX + 1];
    assert!(matches!(
        GroupSet::join(&crowd, &receiving()),
        Err(GroupSetError::TooMany(1025))
    ));
}

#[test]
fn unknown_interface_is_refused_with_alternatives() {
    let interface = InterfaceChoice::Name("nosuch0".into());
    let error = MulticastSender::open(&SenderConfig {
        interface,
        ..sending()
    })
    .unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(
        source.starts_with("no interface \"nosuch0\" on this machine; usable here: "),
        "{source}"
    );
    assert!(source.contains("lo (127.0.0.1, this machine only)"), "{source}");
}

#[test]
fn two_receivers_on_one_machine_both_hear() {
    let to = group();
    let mut sets = [(); 2].map(|()| GroupSet::join(&[to], &receiving()).unwrap());
    MulticastSender::open(&sending())
        .unwrap()
        .send(to, b"all")
        .unwrap();
    for set in &mut sets {
        assert_eq!(recv(set).unwrap().1, b"all");
    }
}

fn recv(set: &mut GroupSet) -> Option<(usize, Vec<u8>)> {
    set.recv(PATIENCE)
        .unwrap()
        .map(|datagram| (datagram.group, datagram.bytes.to_vec()))
}

fn sending() -> SenderConfig {
    SenderConfig {
        interface: LOOPBACK,
        ttl: 1,
        ..SenderConfig::default()
    }
}

fn receiving() -> ReceiverConfig {
    ReceiverConfig {
        interface: LOOPBACK,
        ..ReceiverConfig::default()
    }
}

/// A group that no other test of this or another run uses, on this run's port.
fn group() -> SocketAddrV4 {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let pid = std::process::id();
    let octet = u8::try_from(pid % 251).unwrap();
    let port = u16::try_from(20_000 + pid % 9_973).unwrap();
    SocketAddrV4::new(Ipv4Addr::new(239, octet, high, low), port)
}
