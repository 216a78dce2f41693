//! A network of the test's own.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use loa_headend::workbench::run;
use nix::sched::{CloneFlags, unshare};

/// Moves the calling thread, and every process it starts from here on, into an empty network namespace
/// whose loopback carries multicast. It vanishes with the last of them.
///
/// # Errors
///
/// If this is not root, or `ip` (iproute2) is missing.
pub fn enter_own_network() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)
        .context("this test needs root, for a network namespace of its own; run it with sudo")?;
    for command in [
        "link set lo up",
        "link set lo multicast on",
        "route add 224.0.0.0/4 dev lo",
    ] {
        run(Command::new("ip").args(command.split(' '))).context("`cargo xtask setup` installs iproute2")?;
    }
    Ok(())
}

/// A way to a server on this machine that breaks: it ends each connection after so many bytes from the client, and all of
/// them when told.
pub struct BadWay {
    port: u16,
    state: Arc<Way>,
}

#[derive(Default)]
struct Way {
    is_down: AtomicBool,
    /// Connections that were ended in the middle.
    cuts: AtomicU32,
}

impl BadWay {
    /// Opens one to a port of this machine, in the network of the calling thread.
    ///
    /// # Errors
    ///
    /// If there is no port left.
    pub fn to(server: u16, bytes_max: u64) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        let state = Arc::<Way>::default();
        let seen = Arc::clone(&state);
        // Ends with the process.
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || seen.carry(&client, server, bytes_max));
            }
        });
        Ok(Self { port, state })
    }

    /// Returns the port to call.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns how many connections were ended in the middle so far.
    pub fn cuts(&self) -> u32 {
        self.state.cuts.load(Ordering::Relaxed)
    }

    /// Ends what goes on and takes nothing more, or takes it again.
    pub fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::Relaxed);
    }
}

impl Way {
    /// Carries one connection until one side has enough, or too much has gone.
    fn carry(&self, client: &TcpStream, server: u16, mut left: u64) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", server)) else {
            return;
        };
        let (Ok(mut answers), Ok(mut to_client)) = (server.try_clone(), client.try_clone()) else {
            return;
        };
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut answers, &mut to_client);
            let _ = to_client.shutdown(Shutdown::Both);
        });
        let (mut from, mut to) = (client, &server);
        let mut chunk = [0; 16 * 1_024];
        let _ = client.set_read_timeout(Some(Duration::from_millis(100)));
        loop {
            if self.is_down.load(Ordering::Relaxed) || left == 0 {
                self.cuts.fetch_add(1, Ordering::Relaxed);
                break;
            }
            let most = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match from.read(&mut chunk[..most]) {
                Ok(0) => break,
                Ok(read) if to.write_all(&chunk[..read]).is_ok() => left -= read as u64,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                _ => break,
            }
        }
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Both);
    }
}
