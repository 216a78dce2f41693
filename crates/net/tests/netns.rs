//! Two machines on one cable, made of network namespaces. Needs root; says so and passes where it cannot be had.
#![expect(
    clippy::unwrap_used,
    reason = "a test file; clippy knows only the functions marked as tests"
)]

use std::fs::File;
use std::io::{IoSliceMut, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::process::Command;
use std::time::{Duration, Instant};

use loa_net::{GroupSet, InterfaceChoice, MulticastSender, ReceiverConfig, SenderConfig};
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use socket2::{Domain, Socket, Type};

const GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 192, 0, 1), 5004);
const OTHER_GROUP: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(239, 192, 0, 2), 5004);
const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(300);

#[test]
fn group_interface_ttl_and_dscp_hold_across_a_cable() {
    let Some(cable) = Cable::lay("crossing") else {
        return;
    };
    cable.within(1, || {
        let interface = InterfaceChoice::Name("eth0".into());
        let heard = GroupSet::join(
            &[GROUP],
            &ReceiverConfig {
                interface,
                ..ReceiverConfig::default()
            },
        );
        let mut heard = heard.unwrap();
        let mut also_loopback = GroupSet::join(
            &[GROUP],
            &ReceiverConfig {
                interface: InterfaceChoice::Address(Ipv4Addr::LOCALHOST),
                ..ReceiverConfig::default()
            },
        )
        .unwrap();
        let headers = header_reader(Ipv4Addr::new(10, 77, 0, 2));
        cable.within(0, || {
            let sender = MulticastSender::open(&SenderConfig {
                ttl: 7,
                dscp: 46,
                ..sending()
            })
            .unwrap();
            sender.send(OTHER_GROUP, b"other group").unwrap();
            sender.send(GROUP, b"hello").unwrap();
        });
        let datagram = heard
            .recv(PATIENCE)
            .unwrap()
            .expect("the cable carries multicast");
        assert_eq!(datagram.bytes, b"hello", "the other group may not come first");
        assert_eq!(*datagram.from.ip(), Ipv4Addr::new(10, 77, 0, 1));
        assert!(datagram.age < PATIENCE);
        assert_eq!(ttl_and_tos(&headers), (7, 46 << 2), "as the IP header arrived");
        assert!(
            heard.recv(SILENCE).unwrap().is_none(),
            "nothing else may be heard"
        );
        assert!(
            also_loopback.recv(SILENCE).unwrap().is_none(),
            "joined on another interface"
        );
    });
}

#[test]
fn route_decides_when_the_interface_is_auto() {
    let Some(cable) = Cable::lay("auto") else { return };
    cable.within(0, || {
        let auto = SenderConfig {
            interface: InterfaceChoice::Auto,
            ..sending()
        };
        let error = MulticastSender::open(&auto).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            source.starts_with("no multicast route to 239.192.0.0"),
            "{source}"
        );
        assert!(source.contains("eth0 (10.77.0.1)"), "{source}");
        cable.ip(&[
            "-n",
            &cable.names[0],
            "route",
            "add",
            "224.0.0.0/4",
            "dev",
            "eth0",
        ]);
        assert_eq!(MulticastSender::open(&auto).unwrap().interface().name, "eth0");
    });
}

#[test]
fn interface_that_is_down_is_named() {
    let Some(cable) = Cable::lay("down") else { return };
    cable.ip(&["-n", &cable.names[0], "link", "set", "eth0", "down"]);
    cable.within(0, || {
        let error = MulticastSender::open(&sending()).unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(
            source.starts_with("interface eth0 is down; bring it up (`ip link set eth0 up`)"),
            "{source}"
        );
    });
}

/// A USB adapter that was reset, a bridge that was built again: the same name and address, and another interface.
#[test]
fn both_ends_come_back_on_an_interface_that_was_made_anew() {
    let Some(cable) = Cable::lay("anew") else { return };
    let open = || MulticastSender::open(&sending()).unwrap();
    let sender = cable.within(0, open);
    let hearing = ReceiverConfig {
        interface: InterfaceChoice::Name("eth0".into()),
        ..ReceiverConfig::default()
    };
    let mut heard = cable.within(1, || GroupSet::join(&[GROUP], &hearing).unwrap());
    assert!(carries(&sender, &mut heard, PATIENCE), "before");
    let received = heard.counts().received;

    cable.pull();
    let drop = sender.send(GROUP, b"pulled").unwrap_err();
    assert!(drop.wants_new_sender(), "{drop}");
    assert!(cable.within(1, || heard.rejoin()).is_err(), "nothing to join on");
    cable.plug();
    let drop = sender.send(GROUP, b"to the old interface").unwrap_err();
    assert!(drop.wants_new_sender(), "{drop}");

    let sender = cable.within(0, open);
    assert!(
        !carries(&sender, &mut heard, SILENCE),
        "the membership went with the old interface"
    );
    cable.within(1, || heard.rejoin().unwrap());
    assert!(carries(&sender, &mut heard, PATIENCE), "after");
    assert!(heard.counts().received > received, "counts go on");
}

/// Tells whether what is sent comes within a time; a link that was just plugged may lose the first.
fn carries(sender: &MulticastSender, heard: &mut GroupSet, patience: Duration) -> bool {
    (0..patience.as_millis() / 100).any(|_| {
        let _ = sender.send(GROUP, b"hello");
        heard.recv(Duration::from_millis(100)).unwrap().is_some()
    })
}

fn sending() -> SenderConfig {
    SenderConfig {
        interface: InterfaceChoice::Name("eth0".into()),
        ..SenderConfig::default()
    }
}

/// A plain socket in the group that reports the IP header.
fn header_reader(interface: Ipv4Addr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    setsockopt(&socket, sockopt::Ipv4RecvTtl, &true).unwrap();
    setsockopt(&socket, sockopt::IpRecvTos, &true).unwrap();
    socket.bind(&GROUP.into()).unwrap();
    socket.join_multicast_v4(GROUP.ip(), &interface).unwrap();
    socket.into()
}

fn ttl_and_tos(socket: &UdpSocket) -> (i32, u8) {
    let (mut bytes, mut control) = ([0; 64], nix::cmsg_space!(i32, i32));
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let message = recvmsg::<SockaddrIn>(
        socket.as_raw_fd(),
        &mut parts,
        Some(&mut control),
        MsgFlags::empty(),
    )
    .unwrap();
    message
        .cmsgs()
        .unwrap()
        .fold((0, 0), |(ttl, tos), control| match control {
            ControlMessageOwned::Ipv4Ttl(ttl) => (ttl, tos),
            ControlMessageOwned::Ipv4Tos(tos) => (ttl, tos),
            _ => (ttl, tos),
        })
}

/// Two namespaces joined by a veth pair, `eth0` on both ends: 10.77.0.1 and 10.77.0.2.
struct Cable {
    names: [String; 2],
}

impl Cable {
    /// Lays the cable, or tells why this machine cannot and returns `None`.
    fn lay(test: &'static str) -> Option<Self> {
        remove_leftovers();
        let names = ["0", "1"].map(|end| format!("{PREFIX}{}-{test}-{end}", std::process::id()));
        let cable = Self { names };
        if let Err(why) = ip(&["netns", "add", &cable.names[0]]) {
            note_skipped(test, &why);
            return None;
        }
        cable.ip(&["netns", "add", &cable.names[1]]);
        cable.plug();
        Some(cable)
    }

    /// Makes both interfaces, and waits until they carry.
    fn plug(&self) {
        let [a, b] = &self.names;
        self.ip(&[
            "-n", a, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", b,
        ]);
        for (name, address) in [(a, "10.77.0.1/24"), (b, "10.77.0.2/24")] {
            self.ip(&["-n", name, "addr", "add", address, "dev", "eth0"]);
            self.ip(&["-n", name, "link", "set", "lo", "up"]);
            self.ip(&["-n", name, "link", "set", "eth0", "up"]);
        }
        for name in &self.names {
            wait_until_up(name);
        }
    }

    /// Takes both interfaces away.
    fn pull(&self) {
        self.ip(&["-n", &self.names[0], "link", "del", "eth0"]);
    }

    /// Runs `work` on a thread of its own inside one end.
    fn within<T: Send>(&self, end: usize, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/var/run/netns/{}", self.names[end])).unwrap();
        std::thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            inside
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn ip(&self, args: &[&str]) {
        ip(args).unwrap();
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = ip(&["netns", "del", name]);
        }
    }
}

/// Waits until the kernel has an end of the cable up: what is sent before is dropped without a word.
fn wait_until_up(name: &str) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let told = ip(&["-n", name, "-o", "link", "show", "dev", "eth0"]).unwrap();
        if told.contains(" state UP ") {
            return;
        }
        assert!(Instant::now() < deadline, "the link does not come up: {told}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Runs `ip` and returns what it prints.
fn ip(args: &[&str]) -> Result<String, String> {
    let output = Command::new("ip")
        .args(args)
        .output()
        .map_err(|error| format!("cannot run `ip`: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!(
        "`ip {}`: {}",
        args.join(" "),
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

/// A run that was killed could not remove its namespaces; the next one does.
fn remove_leftovers() {
    for entry in std::fs::read_dir("/var/run/netns")
        .into_iter()
        .flatten()
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if pid.is_some_and(|pid| !std::path::Path::new("/proc").join(pid).exists()) {
            let _ = ip(&["netns", "del", &name]);
        }
    }
}

/// Tells the person running the tests, and `cargo xtask test`, which counts it.
fn note_skipped(test: &str, why: &str) {
    eprintln!("skipped: {test}: {why}");
    if let Some(log) = std::env::var_os("LOA_SKIP_LOG") {
        let mut log = File::options().append(true).create(true).open(log).unwrap();
        writeln!(log, "loa-net netns {test}: {why}").unwrap();
    }
}

const PREFIX: &str = "loa-net-";
