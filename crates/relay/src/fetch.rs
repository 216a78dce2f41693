//! One source: connected in a thread of its own, decoded to 48 kHz mono, and handed over in small blocks.

use std::error::Error;
use std::io::{self, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use loa_codec::{AudioStream, ToMono48k};

use loa_model::relay_address::Address;

/// What a source has to say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// The next sound of it, mono, 48 kHz.
    Audio(Vec<f32>),
    /// It failed or ended, and why. Nothing follows.
    Failed(String),
}

/// A source that is connected, or tries to be, as one relay hears it. With the last that hears it, it ends.
pub(crate) struct Fetch {
    pub(crate) news: Receiver<News>,
    /// When it was connected, or sound of it came last before this relay heard it.
    pub(crate) last_news: Instant,
    /// Sound of it came before this relay heard it, since it was connected.
    pub(crate) has_sounded: bool,
    /// Blocks that came when there was no room for them.
    pub(crate) lost: Arc<AtomicU64>,
    pub(crate) _running: Arc<Running>,
}

impl Fetch {
    /// Starts to connect.
    ///
    /// # Errors
    ///
    /// If the machine cannot start another thread.
    pub(crate) fn start(address: Address) -> io::Result<Self> {
        let (sender, news) = sync_channel(BLOCKS_MAX);
        let running = Arc::new(Running::default());
        // Waits while the queue is full, which slows the other side down as TCP does.
        running.start(address, Box::new(move |news| sender.send(news).is_ok()))?;
        Ok(Self {
            news,
            last_news: Instant::now(),
            has_sounded: false,
            lost: Arc::default(),
            _running: running,
        })
    }

    /// Returns how many blocks came when there was no room for them.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

/// Takes what a source has to say; false when nobody wants more.
pub(crate) type Tell = Box<dyn Fn(News) -> bool + Send>;

/// The thread of a source, and its process. Dropping it ends the thread within the patience of a read, and the process
/// at once.
#[derive(Default)]
pub(crate) struct Running {
    pub(crate) stop: Arc<AtomicBool>,
    child: Arc<Mutex<Option<Child>>>,
}

impl Running {
    /// Starts to connect.
    ///
    /// # Errors
    ///
    /// If the machine cannot start another thread.
    pub(crate) fn start(&self, address: Address, tell: Tell) -> io::Result<()> {
        let work = Work {
            tell,
            stop: Arc::clone(&self.stop),
            child: Arc::clone(&self.child),
        };
        std::thread::Builder::new()
            .name("relay source".into())
            .spawn(move || {
                let why = work
                    .fetch(&address)
                    .err()
                    .unwrap_or_else(|| "it ended".to_owned());
                // Whoever asked may have gone.
                (work.tell)(News::Failed(why));
            })?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        end(&self.child);
    }
}

/// Ends the process, if there is one. It may have ended by itself; either way it is waited for.
fn end(child: &Mutex<Option<Child>>) {
    let child = child.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(mut child) = child {
        let _ = child.kill();
        let _ = child.wait();
    }
}

struct Work {
    tell: Tell,
    stop: Arc<AtomicBool>,
    child: Arc<Mutex<Option<Child>>>,
}

impl Work {
    fn fetch(&self, address: &Address) -> Result<(), String> {
        match address {
            Address::Http(url) => match self.decode_http(url) {
                // What our own decoder does not know, ffmpeg may.
                Err(Refused::NotForUs(why)) => self
                    .by_ffmpeg(&["-rw_timeout", PATIENCE_US, "-i", url])
                    .map_err(|more| format!("{why}; {more}")),
                Err(Refused::Failed(why)) => Err(why),
                Ok(()) => Ok(()),
            },
            // At the pace at which it sounds: segments come in bursts with pauses between them.
            Address::Hls(url) => self.by_ffmpeg(&["-re", "-rw_timeout", PATIENCE_US, "-i", url]),
            Address::Line(device) => self.by_ffmpeg(&["-f", "alsa", "-i", device]),
            Address::Rtp { host, port } => {
                let sdp = format!(
                    "v=0\no=- 0 0 IN IP4 {host}\ns=studio\nc=IN IP4 {host}\nt=0 0\nm=audio {port} RTP/AVP 97\na=rtpmap:97 opus/48000/2\n"
                );
                let input = ["-protocol_whitelist", "pipe,udp,rtp", "-f", "sdp", "-i", "pipe:0"];
                loop {
                    let done = self.by_ffmpeg_from(&input, Some(&sdp));
                    // A speaker may be still for longer than ffmpeg waits, which is 10 s.
                    let was_still = done.as_ref().is_err_and(|why| why.contains(NO_PACKETS));
                    if !was_still || self.stop.load(Ordering::Relaxed) {
                        return done;
                    }
                }
            }
        }
    }

    fn decode_http(&self, url: &str) -> Result<(), Refused> {
        let failed = |error: &dyn Error| Refused::Failed(without_url(&root_of(error), url));
        let agent = agent();
        let response = agent.get(url).call().map_err(|error| match &error {
            // SHOUTcast's "ICY 200 OK" begins as no HTTP does.
            ureq::Error::Protocol(why) if why.to_string().contains(NO_HTTP) => {
                Refused::NotForUs(without_url(&root_of(&error), url))
            }
            _ => failed(&error),
        })?;
        let body = response.into_body().into_reader();
        let stopping = Stopping {
            body,
            stop: Arc::clone(&self.stop),
        };
        let mut stream = AudioStream::open(Box::new(stopping)).map_err(|error| {
            let why = without_url(&root_of(&error), url);
            if error.is_io() {
                Refused::Failed(why)
            } else {
                Refused::NotForUs(why)
            }
        })?;
        let mut mono: Option<ToMono48k> = None;
        let mut samples = Vec::new();
        loop {
            let (rate, channels) = (stream.rate(), stream.channels());
            let block = stream.next_block().map_err(|error| failed(&error))?;
            let Some(block) = block else { return Ok(()) };
            let convert = mono.get_or_insert_with(|| ToMono48k::new(rate, channels));
            samples.clear();
            convert.push(block, &mut samples);
            for part in samples.chunks(BLOCK) {
                if !self.hand_over(part.to_vec()) {
                    return Ok(());
                }
            }
        }
    }

    fn by_ffmpeg(&self, input: &[&str]) -> Result<(), String> {
        self.by_ffmpeg_from(input, None)
    }

    fn by_ffmpeg_from(&self, input: &[&str], stdin: Option<&str>) -> Result<(), String> {
        let mut command = Command::new("ffmpeg");
        command
            .args(["-nostdin", "-loglevel", "error", "-max_alloc", ALLOC_BYTES_MAX])
            .args(input)
            .args(["-vn", "-f", "f32le", "-ar", "48000", "-ac", "1", "pipe:1"])
            .stdin(if stdin.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                "it needs ffmpeg, which is not installed; `apt-get install ffmpeg`".to_owned()
            }
            _ => format!("ffmpeg cannot be started: {error}"),
        })?;
        if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
            // A child that is gone already is told of below.
            let _ = io::Write::write_all(&mut pipe, text.as_bytes());
        }
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        *self.child.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        if self.stop.load(Ordering::Relaxed) {
            // Dropped while it was started: nobody else will end it.
            end(&self.child);
            return Ok(());
        }
        let said = stderr.map(|stderr| std::thread::spawn(move || last_words(stderr)));
        let read = stdout.map_or(Ok(()), |stdout| self.read_samples(stdout));
        end(&self.child);
        let said = said.and_then(|said| said.join().ok()).unwrap_or_default();
        read.map_err(|error| format!("ffmpeg cannot be read: {error}"))?;
        let url = input.last().copied().unwrap_or_default();
        if said.is_empty() {
            Ok(())
        } else {
            Err(format!("ffmpeg says: {}", without_url(&said, url)))
        }
    }

    fn read_samples(&self, mut stdout: ChildStdout) -> io::Result<()> {
        let mut bytes = vec![0; BLOCK * 4];
        let mut held = 0;
        loop {
            let read = stdout.read(&mut bytes[held..])?;
            if read == 0 {
                return Ok(());
            }
            held += read;
            let whole = held / 4 * 4;
            let samples = bytes[..whole]
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]));
            if !self.hand_over(samples.collect()) {
                return Ok(());
            }
            bytes.copy_within(whole..held, 0);
            held -= whole;
        }
    }

    /// Hands a block over. False when nobody wants more.
    fn hand_over(&self, block: Vec<f32>) -> bool {
        !self.stop.load(Ordering::Relaxed) && (self.tell)(News::Audio(block))
    }
}

enum Refused {
    /// Another decoder may know it.
    NotForUs(String),
    Failed(String),
}

/// An agent that follows few redirects, reads few headers, and waits for nothing longer than its patience.
pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .max_redirects(REDIRECTS_MAX)
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_per_read(Some(PATIENCE))
        .max_response_header_size(HEADER_BYTES_MAX)
        .user_agent("loa")
        .build()
        .new_agent()
}

/// What an error comes down to: to whom a stream breaks off, "cannot read the file" says nothing.
fn root_of(error: &dyn Error) -> String {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

/// Addresses may hold names and passwords; errors may quote them.
pub(crate) fn without_url(text: &str, url: &str) -> String {
    let mut text = text.trim().replace(url, &loa_model::relay_address::redacted(url));
    if let Some((secret, _)) = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'))
    {
        text = text.replace(secret, "…");
    }
    text
}

/// The last line that a process says on its standard error; all of it is read, so that it never waits.
fn last_words(stderr: impl Read) -> String {
    let mut last = String::new();
    let lines = io::BufRead::lines(io::BufReader::new(stderr));
    for line in lines.map_while(Result::ok).filter(|line| !line.trim().is_empty()) {
        last = line.chars().take(WORDS_MAX).collect();
    }
    last
}

/// A body whose reading ends when its source is let go.
struct Stopping<R> {
    body: R,
    stop: Arc<AtomicBool>,
}

impl<R: Read> Read for Stopping<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.load(Ordering::Relaxed) {
            return Ok(0);
        }
        self.body.read(buffer)
    }
}

/// Samples handed over at a time: 20 ms.
pub(crate) const BLOCK: usize = 960;
/// Blocks that wait: 12 s, more than a segment of HLS or what a server sends at once.
pub(crate) const BLOCKS_MAX: usize = 600;
/// A server that says nothing for this long is given up.
const PATIENCE: Duration = Duration::from_secs(3);
/// The same for ffmpeg, which counts in microseconds.
const PATIENCE_US: &str = "3000000";
/// What ffmpeg says if no RTP comes.
const NO_PACKETS: &str = "Connection timed out";
/// What httparse says of an answer that begins with no version of HTTP.
const NO_HTTP: &str = "invalid HTTP version";
/// Bounds each piece of memory that ffmpeg takes: for a header that claims 1 Hz its resampler would want gigabytes.
const ALLOC_BYTES_MAX: &str = "67108864";
const REDIRECTS_MAX: u32 = 5;
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Characters of an error that people read.
const WORDS_MAX: usize = 300;
