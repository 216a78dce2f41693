//! Where datagrams leave, and a new sender when nothing leaves any more: an interface that changed its address, or was
//! made anew, takes nothing from a socket that was opened on what it was.

use std::net::SocketAddrV4;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use loa_model::WallTime;
use loa_net::{MulticastSender, OpenError, SendDrop};
use tracing::error;

use super::Order;

/// Opens a sender like the first one, for a helper: it may take its time.
pub type OpenSender = Box<dyn Fn() -> Result<MulticastSender, OpenError> + Send>;

/// The sender in use, and how sending goes.
pub(super) struct Outlet {
    sender: MulticastSender,
    requests: SyncSender<()>,
    failures: Failures,
}

impl Outlet {
    /// Starts the helper that opens senders; it ends when the outlet does, and its answers go to `orders`.
    pub(super) fn new(
        sender: MulticastSender,
        open: OpenSender,
        orders: SyncSender<Order>,
    ) -> std::io::Result<Self> {
        // One that waits is as good as many: each asks for the same.
        let (requests, inbox) = sync_channel(1);
        std::thread::Builder::new()
            .name("sender".into())
            .spawn(move || work(&inbox, &open, &orders))?;
        Ok(Self {
            sender,
            requests,
            failures: Failures::default(),
        })
    }

    /// Sends one datagram, or drops it at once; tells whether the kernel took it.
    pub(super) fn send(&mut self, to: SocketAddrV4, datagram: &[u8], now: WallTime) -> bool {
        let sent = self.sender.send(to, datagram);
        self.failures.note(sent, now);
        sent.is_ok()
    }

    /// Sends by another sender from here on.
    pub(super) fn take(&mut self, sender: MulticastSender) {
        self.sender = sender;
        self.failures.mendable = None;
    }

    /// Asks for a new sender, if that may help; never waits.
    pub(super) fn mend(&mut self, now: WallTime) {
        if self.failures.want_sender(now) {
            // Full: the helper is at it.
            let _ = self.requests.try_send(());
        }
    }

    /// Returns since when nothing leaves, and why it did not at first, if that lasts.
    pub(super) fn failing(&self, now: WallTime) -> Option<(WallTime, SendDrop)> {
        self.failures.first.filter(|(since, _)| lasts(*since, now))
    }
}

/// What failed since something was sent.
#[derive(Debug, Default)]
struct Failures {
    first: Option<(WallTime, SendDrop)>,
    /// Since when a new sender may mend all that failed.
    mendable: Option<WallTime>,
}

impl Failures {
    fn note(&mut self, sent: Result<(), SendDrop>, now: WallTime) {
        let Err(why) = sent else {
            *self = Self::default();
            return;
        };
        self.first.get_or_insert((now, why));
        self.mendable = why.wants_new_sender().then(|| self.mendable.unwrap_or(now));
    }

    /// Tells whether to ask for a new sender; after that it is given as long again.
    fn want_sender(&mut self, now: WallTime) -> bool {
        self.mendable.take_if(|since| lasts(*since, now)).is_some()
    }
}

fn lasts(since: WallTime, now: WallTime) -> bool {
    now.since(since) >= LASTS
}

fn work(inbox: &Receiver<()>, open: &OpenSender, orders: &SyncSender<Order>) {
    let mut failing = false;
    for () in inbox {
        match open() {
            Ok(sender) => {
                failing = false;
                if orders.send(Order::SenderOpened(sender)).is_err() {
                    return;
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    error!(
                        "no new sender can be opened; trying on: {:#}",
                        anyhow::Error::from(error)
                    );
                }
            }
        }
    }
}

/// A little less than the time between two beacons of the only zone.
const LASTS: Duration = Duration::from_millis(900);

#[cfg(test)]
mod tests {
    use super::*;
    use loa_net::{InterfaceChoice, SenderConfig};
    use std::net::Ipv4Addr;

    fn at(ms: i64) -> WallTime {
        WallTime::from_unix_s(1_800_000_000).offset_ns(ms * 1_000_000)
    }

    /// Each row: ms, what became of a datagram, whether a new sender is asked for, and since when sending fails.
    #[test]
    fn a_second_of_nothing_but_failures_asks_for_a_new_sender() {
        use SendDrop::{Other, Refused, Unreachable, WouldBlock};
        let rows = [
            (0, Err(Other), false, None),
            (500, Ok(()), false, None),
            (600, Err(Unreachable), false, None),
            (1_000, Err(Other), false, None),
            (1_600, Err(Unreachable), true, Some(600)),
            (1_700, Err(Unreachable), false, Some(600)),
            (2_700, Err(Unreachable), true, Some(600)),
            // Another kind is nothing that a new sender mends.
            (2_800, Err(Unreachable), false, Some(600)),
            (3_000, Err(WouldBlock), false, Some(600)),
            (3_800, Err(Refused), false, Some(600)),
            (3_900, Err(Other), false, Some(600)),
            (4_800, Err(Other), true, Some(600)),
            (4_900, Ok(()), false, None),
        ];
        let (mut outlet, _orders) = outlet();
        for (ms, sent, asks, since) in rows {
            outlet.failures.note(sent, at(ms));
            let failing = outlet.failing(at(ms)).map(|(since, _)| since);
            assert_eq!(failing, since.map(at), "{ms} ms");
            assert_eq!(outlet.failures.want_sender(at(ms)), asks, "{ms} ms");
        }
    }

    #[test]
    fn the_helper_opens_what_was_asked_for() {
        let (mut outlet, orders) = outlet();
        outlet.mend(at(0));
        outlet.failures.note(Err(SendDrop::Other), at(0));
        outlet.mend(at(899));
        assert!(orders.try_recv().is_err(), "not before it lasts");
        outlet.mend(at(900));
        let Ok(Order::SenderOpened(sender)) = orders.recv_timeout(Duration::from_secs(10)) else {
            panic!("no sender came")
        };
        outlet.take(sender);
        let to = SocketAddrV4::new(Ipv4Addr::new(239, 255, 0, 1), 9);
        assert!(outlet.send(to, b"loa", at(1_000)));
        assert_eq!(outlet.failing(at(9_000)), None);
    }

    fn outlet() -> (Outlet, Receiver<Order>) {
        let open = || {
            MulticastSender::open(&SenderConfig {
                interface: InterfaceChoice::Address(Ipv4Addr::LOCALHOST),
                ..SenderConfig::default()
            })
        };
        let (orders, inbox) = sync_channel(4);
        let outlet = Outlet::new(open().unwrap(), Box::new(open), orders).unwrap();
        (outlet, inbox)
    }
}
