//! Several joined groups read by one thread.

use std::io;
use std::net::SocketAddrV4;
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

use crate::clock::monotonic_ns;
use crate::receiver::{DATAGRAM_MAX, JoinError, MulticastReceiver, ReceiveCounts, ReceiverConfig};

/// Most groups in one set. A receiver's chain is some ten; a monitor of a whole province a few hundred.
pub const GROUPS_MAX: usize = 1024;

/// Groups that one thread listens to. One socket each, because the kernel limits memberships per socket.
#[derive(Debug)]
pub struct GroupSet {
    members: Vec<MulticastReceiver>,
    config: ReceiverConfig,
    /// What became of the datagrams of members that were left.
    left: ReceiveCounts,
    /// Members that may have a datagram waiting, by index, in the order they are asked.
    ready: Vec<usize>,
    buffer: Box<[u8; DATAGRAM_MAX]>,
}

/// One datagram.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Which group it came to: the index in the order of joining.
    pub group: usize,
    /// What it carries.
    pub bytes: &'a [u8],
    /// How long before now the kernel took it from the network; zero if its stamp cannot be believed,
    /// and too small in the first milliseconds after joining, when the kernel does not stamp yet.
    pub age: Duration,
    /// Who sent it, as the network says; not proof of anything.
    pub from: SocketAddrV4,
}

/// Why a set could not be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GroupSetError {
    /// One of the groups could not be joined.
    #[error("cannot listen to multicast group {group}")]
    Join {
        /// The group.
        group: SocketAddrV4,
        /// Why.
        #[source]
        source: JoinError,
    },
    /// More groups than [`GROUPS_MAX`].
    #[error("{0} groups in one set; at most {GROUPS_MAX}")]
    TooMany(usize),
    /// A socket failed. The others go on; calling again is safe.
    #[error("cannot read from multicast group {group}")]
    Read {
        /// The group.
        group: SocketAddrV4,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel refused to wait.
    #[error("cannot wait for datagrams")]
    Wait(#[source] io::Error),
}

impl GroupSet {
    /// Joins all `groups`, or none.
    ///
    /// # Errors
    ///
    /// The first group that could not be joined, and why.
    pub fn join(groups: &[SocketAddrV4], config: &ReceiverConfig) -> Result<Self, GroupSetError> {
        if groups.len() > GROUPS_MAX {
            return Err(GroupSetError::TooMany(groups.len()));
        }
        let members = join_all(groups.iter().copied(), config)?;
        let ready = Vec::with_capacity(members.len());
        Ok(Self {
            members,
            config: config.clone(),
            left: ReceiveCounts::default(),
            ready,
            buffer: Box::new([0; DATAGRAM_MAX]),
        })
    }

    /// Joins all groups anew and leaves the old memberships, which died with their interface if that was made anew.
    ///
    /// What waited to be read is lost. It takes the kernel's time for a socket each, well under a millisecond.
    ///
    /// # Errors
    ///
    /// As of [`join`](Self::join); the set stays as it was.
    pub fn rejoin(&mut self) -> Result<(), GroupSetError> {
        let members = join_all(self.members.iter().map(MulticastReceiver::group), &self.config)?;
        self.left = self.counts();
        self.members = members;
        self.ready.clear();
        Ok(())
    }

    /// Waits until a datagram arrives in any group, at most `timeout`; `None` if none did.
    ///
    /// Groups with datagrams waiting are served in turn, so that a flooded one
    /// does not silence the others.
    ///
    /// # Errors
    ///
    /// [`GroupSetError::Read`] or [`GroupSetError::Wait`]. Pause before calling
    /// again: the cause may last.
    pub fn recv(&mut self, timeout: Duration) -> Result<Option<Datagram<'_>>, GroupSetError> {
        let deadline_ns =
            monotonic_ns().saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX));
        loop {
            while let Some(index) = self.ready.pop() {
                let member = &mut self.members[index];
                let group = member.group();
                match member.try_recv(&mut self.buffer[..]) {
                    Ok(None) => {}
                    Ok(Some(received)) => {
                        return Ok(Some(Datagram {
                            group: index,
                            bytes: &self.buffer[..received.length],
                            age: received.age,
                            from: received.from,
                        }));
                    }
                    Err(source) => return Err(GroupSetError::Read { group, source }),
                }
            }
            let left_ns = deadline_ns.saturating_sub(monotonic_ns());
            self.wait(Duration::from_nanos(left_ns))?;
            if self.ready.is_empty() && left_ns == 0 {
                return Ok(None);
            }
        }
    }

    /// Returns the members in the order of joining.
    pub fn members(&self) -> &[MulticastReceiver] {
        &self.members
    }

    /// Returns the sum of all members' counts, those that were left included.
    pub fn counts(&self) -> ReceiveCounts {
        self.members
            .iter()
            .map(MulticastReceiver::counts)
            .fold(self.left, |sum, member| ReceiveCounts {
                received: sum.received + member.received,
                oversize: sum.oversize + member.oversize,
                kernel_full: sum.kernel_full.wrapping_add(member.kernel_full),
                stamps_refused: sum.stamps_refused + member.stamps_refused,
            })
    }

    /// Fills `ready` with the members that have a datagram waiting.
    fn wait(&mut self, timeout: Duration) -> Result<(), GroupSetError> {
        let before_ns = monotonic_ns();
        let mut fds: Vec<PollFd<'_>> = self
            .members
            .iter()
            .map(|member| PollFd::new(member.as_fd(), PollFlags::POLLIN))
            .collect();
        match ppoll(&mut fds, Some(TimeSpec::from_duration(timeout)), None) {
            // The caller's loop finds out how much time is left.
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(GroupSetError::Wait(errno.into())),
        }
        let waiting: Vec<bool> = fds.iter().map(|fd| fd.any().unwrap_or(true)).collect();
        // Popped from the end, so the first joined, the receiver's own zone, comes first.
        for (index, waiting) in waiting.into_iter().enumerate().rev() {
            if waiting {
                self.ready.push(index);
            } else {
                self.members[index].was_empty_at(before_ns);
            }
        }
        Ok(())
    }
}

fn join_all(
    groups: impl Iterator<Item = SocketAddrV4>,
    config: &ReceiverConfig,
) -> Result<Vec<MulticastReceiver>, GroupSetError> {
    let join = |group| {
        MulticastReceiver::join(group, config).map_err(|source| GroupSetError::Join { group, source })
    };
    groups.map(join).collect()
}
