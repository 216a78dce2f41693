//! Frames into the standard input of a command, which may die, hang or be slow; none of that holds us up.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use loa_model::MonoTime;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::paced::Output;

/// A command run by `sh -c`, fed s16le 48 kHz mono at real time.
///
/// What the command does not take in time is lost and counted: the kernel's
/// pipe holds 0.7 s, and a command on a sound card of its own drifts against
/// ours, so for a card use `alsa:`. A command that ends is started again after
/// a pause, from 1 s doubling to 30 s; one that takes nothing for 5 s is ended.
#[derive(Debug)]
pub(crate) struct PipeOutput {
    command: String,
    running: Option<Running>,
    /// When to start it again, and after how long a pause the time after that.
    again_at: MonoTime,
    pause: Duration,
    restarts: u64,
    bytes: Vec<u8>,
    fault: Option<String>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    since: MonoTime,
    /// The second half of a sample that the pipe took only the first half of.
    carry: Option<u8>,
    /// Bytes that the pipe took.
    taken: u64,
    /// Since when it has taken nothing that it was offered.
    full_since: Option<MonoTime>,
    /// It hung and was ended, and may not be gone yet.
    ended: bool,
}

impl PipeOutput {
    pub(crate) fn start(command: &str, now: MonoTime) -> io::Result<Self> {
        Ok(Self {
            running: Some(Running::start(command, now)?),
            command: command.to_owned(),
            again_at: now,
            pause: PAUSE_MIN,
            restarts: 0,
            bytes: Vec::new(),
            fault: None,
        })
    }

    fn ensure_running(&mut self, now: MonoTime) {
        if let Some(running) = &mut self.running {
            let Ok(ended) = running.child.try_wait() else {
                return;
            };
            let Some(status) = ended else { return };
            let why = match running.ended {
                true => HANGS.to_owned(),
                false => format!("it ended ({status})"),
            };
            self.give_up(&why, now);
        }
        if self.running.is_none() && now >= self.again_at {
            match Running::start(&self.command, now) {
                Ok(running) => {
                    self.running = Some(running);
                    self.restarts += 1;
                }
                Err(error) => self.give_up(&format!("it cannot be started ({error})"), now),
            }
        }
    }

    fn give_up(&mut self, why: &str, now: MonoTime) {
        if self
            .running
            .take()
            .is_some_and(|was| now.since(was.since) >= PAUSE_MAX)
        {
            self.pause = PAUSE_MIN;
        }
        tracing::warn!(
            command = self.command,
            why,
            pause_s = self.pause.as_secs(),
            "sound command failed"
        );
        self.fault = Some(format!("`{}`: {why}", self.command));
        self.again_at = now + self.pause;
        self.pause = (self.pause * 2).min(PAUSE_MAX);
    }
}

impl Output for PipeOutput {
    fn put(&mut self, pcm: &[i16], now: MonoTime) -> u64 {
        self.ensure_running(now);
        let Some(running) = self.running.as_mut().filter(|running| !running.ended) else {
            return pcm.len() as u64;
        };
        self.bytes.clear();
        self.bytes
            .extend(pcm.iter().flat_map(|sample| sample.to_le_bytes()));
        match running.put(&self.bytes) {
            Ok(lost) => {
                self.fault = (lost > 0).then(|| format!("`{}` does not keep up", self.command));
                if running.hangs(lost > 0 && lost == pcm.len() as u64, now) {
                    running.kill();
                    running.ended = true;
                    self.fault = Some(format!("`{}`: {HANGS}", self.command));
                }
                lost
            }
            Err(error) => {
                self.give_up(&format!("it takes no more sound ({error})"), now);
                pcm.len() as u64
            }
        }
    }

    fn restarts(&self) -> u64 {
        self.restarts
    }

    fn fault(&self) -> Option<String> {
        self.fault.clone()
    }
}

impl Running {
    fn start(command: &str, now: MonoTime) -> io::Result<Self> {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            // Our own output carries statistics.
            .stdout(Stdio::null())
            // A group of its own, so that what the shell starts can be ended too.
            .process_group(0)
            .spawn()?;
        let stdin = child.stdin.take();
        if let Some(pipe) = &stdin {
            fcntl(pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(Self {
            child,
            stdin,
            since: now,
            carry: None,
            taken: 0,
            full_since: None,
            ended: false,
        })
    }

    /// Writes whole frames, as many as fit; returns how many did not.
    fn put(&mut self, bytes: &[u8]) -> io::Result<u64> {
        let Some(stdin) = &mut self.stdin else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        if let Some(byte) = self.carry {
            match stdin.write(&[byte]) {
                Ok(_) => self.carry = None,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(bytes.len() as u64 / 2),
                Err(error) => return Err(error),
            }
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match stdin.write(rest) {
                Ok(taken) => {
                    rest = &rest[taken..];
                    self.taken += taken as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if rest.len() % 2 == 1 {
            self.carry = rest.first().copied();
        }
        Ok(rest.len() as u64 / 2)
    }

    /// Takes note of whether it took nothing just now; tells whether that has gone on for too long.
    fn hangs(&mut self, took_nothing: bool, now: MonoTime) -> bool {
        if !took_nothing {
            self.full_since = None;
            return false;
        }
        let since = *self.full_since.get_or_insert(now);
        let most = if self.taken > PIPE_BYTES {
            HANG_MAX
        } else {
            BEGIN_MAX
        };
        now.since(since) >= most
    }

    /// Ends the command and all that it started, and does not wait for that: what hangs in the kernel ends when it can.
    fn kill(&self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // Nothing may be left of the group; then there is nothing to end.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
}

impl Running {
    /// Ends the input and gives the command a moment to finish its file.
    fn finish(&mut self) {
        self.stdin = None;
        let patience = Instant::now() + FINISH_MAX;
        while Instant::now() < patience && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for PipeOutput {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            running.finish();
        }
    }
}

/// Ends the command and all that it started, at once.
impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A command that plays never stops for so long; a card that hangs would stop it for ever.
const HANG_MAX: Duration = Duration::from_secs(5);
/// One that still begins may take longer: the pipe fills before it reads.
const BEGIN_MAX: Duration = Duration::from_secs(30);
/// What a pipe holds (pipe(7)): more than that was read at the other end.
const PIPE_BYTES: u64 = 65_536;
const HANGS: &str = "it takes no sound";
/// How long a command may take to finish when its input ends.
const FINISH_MAX: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    const START: MonoTime = MonoTime::from_ns(0);

    fn after(s: u64) -> MonoTime {
        START + Duration::from_secs(s)
    }

    /// Feeds 10 ms at a time until `done`, for a limited time of the real clock.
    fn feed_until(output: &mut PipeOutput, now: MonoTime, done: impl Fn(&PipeOutput, u64) -> bool) -> bool {
        let patience = Instant::now() + Duration::from_secs(10);
        while Instant::now() < patience {
            let lost = output.put(&[0; 480], now);
            if done(output, lost) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        false
    }

    #[test]
    fn command_receives_every_sample() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raw");
        let mut output = PipeOutput::start(&format!("cat > '{}'", path.display()), START).unwrap();
        let samples: Vec<i16> = (0..4800).collect();
        assert_eq!(output.put(&samples, START), 0);
        drop(output);
        let expected: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
        assert_eq!(std::fs::read(path).unwrap(), expected);
    }

    #[test]
    fn command_that_never_reads_holds_nobody_up() {
        let mut output = PipeOutput::start("exec sleep 60", START).unwrap();
        let began = Instant::now();
        let lost: u64 = (0..200).map(|_| output.put(&[1; 480], START)).sum();
        assert!(
            lost >= 96_000 - 65_536 / 2 - 480,
            "the pipe holds 64 KiB; {lost} lost"
        );
        assert_eq!(output.fault().unwrap(), "`exec sleep 60` does not keep up");
        assert!(began.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn dead_command_is_started_again_after_a_growing_pause() {
        let mut output = PipeOutput::start("exit 3", START).unwrap();
        assert!(feed_until(&mut output, START, |o, _| o
            .fault()
            .is_some_and(|f| !f.contains("keep up"))));
        assert!(feed_until(&mut output, START, |o, _| o.running.is_none()));
        assert_eq!(output.put(&[0; 480], START), 480, "lost while it is away");
        assert_eq!(output.restarts(), 0, "not before the pause is over");
        output.put(&[0; 480], after(1));
        assert_eq!(output.restarts(), 1);
        assert!(feed_until(&mut output, after(1), |o, _| o.running.is_none()));
        output.put(&[0; 480], after(2));
        assert_eq!(output.restarts(), 1, "the second pause is longer");
        output.put(&[0; 480], after(3));
        assert_eq!(output.restarts(), 2);
    }

    #[test]
    fn command_that_hangs_is_ended_and_started_again() {
        let mut output = PipeOutput::start("exec sleep 60", START).unwrap();
        // The pipe is full within the first second.
        for turn in 0..600 {
            output.put(&[1; 480], START + Duration::from_millis(10 * turn));
        }
        output.put(&[1; 480], after(20));
        assert!(
            output.running.as_ref().is_some_and(|running| !running.ended),
            "it may still begin"
        );
        assert!(feed_until(&mut output, after(31), |o, _| o.running.is_none()));
        assert_eq!(output.fault().unwrap(), "`exec sleep 60`: it takes no sound");
        assert_eq!(output.restarts(), 0, "not before the pause is over");
        assert_eq!(output.put(&[1; 480], after(32)), 0);
        assert_eq!((output.restarts(), output.fault()), (1, None));
    }

    #[test]
    fn command_that_hangs_after_it_played_is_ended_sooner() {
        let mut output = PipeOutput::start("head -c 100000 > /dev/null; exec sleep 60", START).unwrap();
        let taken = |o: &PipeOutput| o.running.as_ref().map_or(0, |running| running.taken);
        assert!(feed_until(&mut output, START, |o, lost| taken(o) > 100_000 && lost == 480));
        assert!(feed_until(&mut output, after(6), |o, _| o.running.is_none()));
        assert_eq!(output.restarts(), 0, "not before the pause is over");
    }

    #[test]
    fn command_that_is_slow_for_a_while_is_left_alone() {
        let mut output = PipeOutput::start("sleep 0.3; exec cat > /dev/null", START).unwrap();
        for _ in 0..100 {
            output.put(&[1; 480], START);
        }
        output.put(&[1; 480], after(4));
        assert!(feed_until(&mut output, after(4), |_, lost| lost == 0));
        output.put(&[1; 480], after(60));
        output.put(&[1; 480], after(60));
        assert!(output.running.as_ref().is_some_and(|running| !running.ended));
        assert_eq!(output.restarts(), 0);
    }

    #[test]
    fn samples_stay_whole_when_the_pipe_is_full() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("raw");
        let command = format!("sleep 0.3; cat > '{}'", path.display());
        let mut output = PipeOutput::start(&command, START).unwrap();
        // Both bytes differ, so a lost half would show.
        let mut lost = 0;
        for _ in 0..100 {
            lost += output.put(&[0x1122; 477], START);
        }
        assert!(lost > 0);
        assert!(feed_until(&mut output, START, |_, lost| lost == 0));
        drop(output);
        let written = std::fs::read(path).unwrap();
        let zero_or_ours = |pair: &[u8]| pair == [0x22, 0x11] || pair == [0, 0];
        assert!(
            written.len() > 60_000 && written.len().is_multiple_of(2),
            "{} bytes",
            written.len()
        );
        assert!(written.chunks(2).all(zero_or_ours));
    }

    #[test]
    fn nothing_the_command_started_outlives_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pid");
        let command = format!("sleep 300 & echo $! > '{}'; wait", path.display());
        let mut output = PipeOutput::start(&command, START).unwrap();
        assert!(feed_until(&mut output, START, |_, _| std::fs::read(&path)
            .is_ok_and(|t| t.ends_with(b"\n"))));
        let pid = std::fs::read_to_string(&path).unwrap();
        drop(output);
        let ended = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        let patience = Instant::now() + Duration::from_secs(5);
        while !ended() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(ended(), "process {} lives on", pid.trim());
    }
}
