//! Sources that only one can open at a time: fetched once, and heard by every relay that wants them.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use loa_model::relay_address::Address;

use crate::fetch::{BLOCKS_MAX, Fetch, News, Running, Tell};

/// The sources that only one can open at a time and that are fetched now. Whoever opens relays has one of these, and
/// opens all of them with it: each zone of a slot has a relay of its own, and so has the window that comes next.
#[derive(Clone, Default)]
pub struct Inputs(Arc<Mutex<Vec<Input>>>);

impl Inputs {
    /// Connects to a source. One that only one can open, and that is connected already, is heard from here on.
    ///
    /// # Errors
    ///
    /// If the machine cannot start another thread.
    pub(crate) fn fetch(&self, address: Address) -> io::Result<Fetch> {
        if only_one_can_open(&address) {
            self.join(address, Running::start)
        } else {
            Fetch::start(address)
        }
    }

    /// Lets one more relay hear a source; `start` fetches it if nobody does.
    fn join(
        &self,
        address: Address,
        start: impl FnOnce(&Running, Address, Tell) -> io::Result<()>,
    ) -> io::Result<Fetch> {
        // Held until it is started: two that come at once start one.
        let mut inputs = lock(&self.0);
        let known = inputs.iter().find(|input| input.address == address);
        if let Some(fetch) = known.and_then(Input::join) {
            return Ok(fetch);
        }
        inputs.retain(|input| input.address != address && input.running.strong_count() > 0);
        let running = Arc::new(Running::default());
        let audience = Arc::new(Mutex::new(Audience {
            queues: Vec::new(),
            last_news: Instant::now(),
            has_sounded: false,
            is_over: false,
        }));
        let fetch = lock(&audience).admit(Arc::clone(&running));
        let announcer = Announcer(Arc::clone(&audience));
        let tell = move |news: News| {
            announcer.tell(&news);
            // It is stopped when the last relay lets go.
            true
        };
        start(&running, address.clone(), Box::new(tell))?;
        inputs.push(Input {
            address,
            running: Arc::downgrade(&running),
            audience,
        });
        Ok(fetch)
    }
}

/// Tells whether only one can open a source at a time. So it is with RTP to an own address, whose port belongs to one
/// process, and with inputs of the sound card; of those that several may open, one is enough.
fn only_one_can_open(address: &Address) -> bool {
    match address {
        Address::Rtp { host, .. } => !host.parse::<IpAddr>().is_ok_and(|host| host.is_multicast()),
        Address::Line(_) => true,
        Address::Http(_) | Address::Hls(_) => false,
    }
}

/// A source that is fetched.
struct Input {
    address: Address,
    /// Gone with the last relay that hears it.
    running: Weak<Running>,
    audience: Arc<Mutex<Audience>>,
}

impl Input {
    /// Lets one more relay hear it; none if it is over, or if the last has just let go.
    fn join(&self) -> Option<Fetch> {
        let running = self.running.upgrade()?;
        let mut audience = lock(&self.audience);
        (!audience.is_over).then(|| audience.admit(running))
    }
}

/// The relays that hear a source.
struct Audience {
    queues: Vec<Queue>,
    /// When it was connected, or sound of it came last.
    last_news: Instant,
    /// Sound of it came since it was connected.
    has_sounded: bool,
    /// It failed or ended: who comes now has to start it anew.
    is_over: bool,
}

/// Towards one relay.
struct Queue {
    news: SyncSender<News>,
    /// Counts the blocks that it had no room for. Gone when the relay has let go.
    lost: Weak<AtomicU64>,
}

impl Audience {
    fn admit(&mut self, running: Arc<Running>) -> Fetch {
        // A source that says nothing does not notice who went.
        self.queues.retain(|queue| queue.lost.strong_count() > 0);
        let (sender, news) = sync_channel(BLOCKS_MAX);
        let lost = Arc::<AtomicU64>::default();
        self.queues.push(Queue {
            news: sender,
            lost: Arc::downgrade(&lost),
        });
        Fetch {
            news,
            last_news: self.last_news,
            has_sounded: self.has_sounded,
            lost,
            _running: running,
        }
    }

    /// Hands a block to all. Nobody is waited for: a relay that has no room loses it.
    fn hand_over(&mut self, block: &News) {
        self.last_news = Instant::now();
        self.has_sounded = true;
        self.queues
            .retain(|queue| match queue.news.try_send(block.clone()) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    if let Some(lost) = queue.lost.upgrade() {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                    true
                }
                Err(TrySendError::Disconnected(_)) => false,
            });
    }

    /// Lets nobody in any more; returns those who are to be told why.
    fn close(&mut self) -> Vec<Queue> {
        self.is_over = true;
        std::mem::take(&mut self.queues)
    }
}

/// The source's end: when it is gone, however that came, nothing follows for anybody.
struct Announcer(Arc<Mutex<Audience>>);

impl Announcer {
    fn tell(&self, news: &News) {
        if matches!(news, News::Audio(_)) {
            lock(&self.0).hand_over(news);
            return;
        }
        let mut queues = lock(&self.0).close();
        // An end is lost by nobody: who has no room is waited for, after all others know.
        queues.retain(|queue| matches!(queue.news.try_send(news.clone()), Err(TrySendError::Full(_))));
        for queue in queues {
            let _ = queue.news.send(news.clone());
        }
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        lock(&self.0).close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc::RecvError;

    use super::*;

    /// Stands in for the thread of a source.
    struct StandIn {
        tell: Tell,
        stop: Arc<AtomicBool>,
    }

    impl StandIn {
        fn says(&self, level: f32) {
            assert!((self.tell)(block(level)));
        }

        fn is_stopped(&self) -> bool {
            self.stop.load(Ordering::Relaxed)
        }
    }

    /// Lets one more relay hear an input; what is started for it is added to `started`.
    fn hear(inputs: &Inputs, started: &mut Vec<StandIn>) -> Fetch {
        let address = Address::Line("hw:1,0".to_owned());
        let start = |running: &Running, _: Address, tell: Tell| {
            started.push(StandIn {
                tell,
                stop: Arc::clone(&running.stop),
            });
            Ok(())
        };
        inputs.join(address, start).unwrap()
    }

    fn block(level: f32) -> News {
        News::Audio(vec![level; 4])
    }

    fn failure() -> News {
        News::Failed("unplugged".to_owned())
    }

    fn heard(fetch: &Fetch) -> Vec<News> {
        fetch.news.try_iter().collect()
    }

    #[test]
    fn several_hear_what_is_fetched_once_until_the_last_lets_go() {
        let (inputs, mut started) = (Inputs::default(), Vec::new());
        let first = hear(&inputs, &mut started);
        started[0].says(0.1);
        let said = Instant::now();
        let second = hear(&inputs, &mut started);
        assert_eq!(started.len(), 1, "fetched once");
        assert!(
            second.last_news <= said,
            "who joins knows since when it is silent"
        );
        started[0].says(0.2);
        assert_eq!(heard(&first), [block(0.1), block(0.2)]);
        assert_eq!(heard(&second), [block(0.2)], "from when it joined");

        drop(first);
        started[0].says(0.3);
        assert_eq!(heard(&second), [block(0.3)]);
        assert!(!started[0].is_stopped(), "one still hears it");
        drop(second);
        assert!(started[0].is_stopped(), "nobody hears it");

        let third = hear(&inputs, &mut started);
        assert_eq!(started.len(), 2, "fetched anew");
        started[0].says(0.4);
        started[1].says(0.5);
        assert_eq!(heard(&third), [block(0.5)]);
        assert_eq!(lock(&inputs.0).len(), 1, "nothing is kept of the first");
    }

    #[test]
    fn who_leaves_a_source_that_says_nothing_leaves_nothing_behind() {
        let (inputs, mut started) = (Inputs::default(), Vec::new());
        let _first = hear(&inputs, &mut started);
        for _ in 0..3 {
            drop(hear(&inputs, &mut started));
        }
        let _last = hear(&inputs, &mut started);
        let queues = lock(&lock(&inputs.0)[0].audience).queues.len();
        assert_eq!((started.len(), queues), (1, 2));
    }

    #[test]
    fn who_takes_nothing_loses_blocks_and_holds_nobody_up() {
        let (inputs, mut started) = (Inputs::default(), Vec::new());
        let (slow, quick) = (hear(&inputs, &mut started), hear(&inputs, &mut started));
        for _ in 0..BLOCKS_MAX + 3 {
            started[0].says(0.1);
            assert_eq!(heard(&quick), [block(0.1)]);
        }
        assert_eq!(heard(&slow).len(), BLOCKS_MAX);
        assert_eq!((slow.lost(), quick.lost()), (3, 0));
    }

    #[test]
    fn a_failure_is_told_to_all_and_the_next_start_is_anew() {
        let (inputs, mut started) = (Inputs::default(), Vec::new());
        let (slow, quick) = (hear(&inputs, &mut started), hear(&inputs, &mut started));
        for _ in 0..BLOCKS_MAX {
            started[0].says(0.1);
            heard(&quick);
        }
        let StandIn { tell, .. } = started.remove(0);
        let told = std::thread::spawn(move || tell(failure()));
        assert_eq!(quick.news.recv(), Ok(failure()));
        let again = hear(&inputs, &mut started);
        assert_eq!(started.len(), 1, "what is over is not joined");
        assert_eq!(
            slow.news.iter().last(),
            Some(failure()),
            "also to who had no room"
        );
        told.join().unwrap();

        // Those who heard the first let go of it; the second goes on.
        drop((slow, quick));
        assert!(!started[0].is_stopped());
        started[0].says(0.2);
        assert_eq!(heard(&again), [block(0.2)]);
    }

    #[test]
    fn a_source_that_dies_without_a_word_is_over() {
        let (inputs, mut started) = (Inputs::default(), Vec::new());
        let first = hear(&inputs, &mut started);
        started.clear();
        assert_eq!(first.news.recv(), Err(RecvError));
        let _second = hear(&inputs, &mut started);
        assert_eq!(started.len(), 1);
    }

    #[test]
    fn own_addresses_and_inputs_are_opened_by_one() {
        let rows = [
            ("rtp://10.0.0.1:6000", true),
            ("rtp://127.0.0.1:6000", true),
            ("rtp://239.10.0.1:5004", false),
            ("line:hw:1,0", true),
            ("http://radio.example/live.mp3", false),
            ("https://radio.example/live.m3u8", false),
        ];
        for (address, expected) in rows {
            assert_eq!(
                only_one_can_open(&address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
    }
}
