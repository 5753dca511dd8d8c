//! Finds the process at the other end of a connection.
//!
//! The kernel knows the inode of the client's socket (`sock_diag`). The process that owns the
//! socket has it among its open files, `/proc/<pid>/fd`, which only the same user and root may
//! read. Source: proc(5), `proc_net(5)`.

use std::net::SocketAddr;

use crate::receiver::process_identity::{ProcessIdentity, Processes};

/// How many generations of ancestors are followed at most.
#[cfg(target_os = "linux")]
const ANCESTORS_MAX: usize = 64;

/// The processes of this machine, as `/proc` shows them. On systems other than Linux, no process
/// is ever found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemProcesses;

#[cfg(target_os = "linux")]
impl SystemProcesses {
    /// The process whose socket is connected from `peer` to `local`, if it is among the first
    /// `files_max` open files of all processes. The newest processes are searched first, because
    /// most clients have just been started.
    pub(crate) fn owner_among(
        peer: SocketAddr,
        local: SocketAddr,
        files_max: usize,
    ) -> Option<ProcessIdentity> {
        let socket = linux::connected_socket(peer, local)?;
        let mut pid = linux::newest_holder(socket, files_max)?;
        let mut stat = linux::stat(pid)?;
        // A child made by `fork` without `exec` shares the open files of its parent: the socket
        // belongs to the oldest ancestor that has it.
        for _ in 0..ANCESTORS_MAX {
            if stat.ppid == 0 || !linux::holds(stat.ppid, socket, &mut { files_max }) {
                break;
            }
            pid = stat.ppid;
            stat = linux::stat(pid)?;
        }
        Some(ProcessIdentity { pid: u32::try_from(pid).ok()?, started: stat.starttime })
    }

    /// The process that has that process ID now.
    pub(crate) fn process(pid: u32) -> Option<ProcessIdentity> {
        let stat = linux::stat(i32::try_from(pid).ok()?)?;
        Some(ProcessIdentity { pid, started: stat.starttime })
    }
}

#[cfg(target_os = "linux")]
impl Processes for SystemProcesses {
    fn owner(&self, peer: SocketAddr, local: SocketAddr) -> Option<ProcessIdentity> {
        Self::owner_among(peer, local, usize::MAX)
    }

    fn is_alive(&self, process: ProcessIdentity) -> bool {
        let stat = i32::try_from(process.pid).ok().and_then(linux::stat);
        stat.is_some_and(|stat| {
            stat.starttime == process.started && !matches!(stat.state, 'Z' | 'X' | 'x')
        })
    }

    fn descends_from(&self, process: ProcessIdentity, ancestor: ProcessIdentity) -> bool {
        let (Ok(mut pid), Ok(ancestor_pid)) =
            (i32::try_from(process.pid), i32::try_from(ancestor.pid))
        else {
            return false;
        };
        for _ in 0..ANCESTORS_MAX {
            let Some(stat) = linux::stat(pid) else { return false };
            if stat.ppid == ancestor_pid {
                return self.is_alive(ancestor);
            }
            pid = stat.ppid;
        }
        false
    }
}

#[cfg(not(target_os = "linux"))]
impl SystemProcesses {
    /// `None`: no process is found on this system.
    pub(crate) fn owner_among(_: SocketAddr, _: SocketAddr, _: usize) -> Option<ProcessIdentity> {
        None
    }

    /// `None`: no process is found on this system.
    pub(crate) fn process(_: u32) -> Option<ProcessIdentity> {
        None
    }
}

#[cfg(not(target_os = "linux"))]
impl Processes for SystemProcesses {
    fn owner(&self, _: SocketAddr, _: SocketAddr) -> Option<ProcessIdentity> {
        None
    }

    fn is_alive(&self, _: ProcessIdentity) -> bool {
        false
    }

    fn descends_from(&self, _: ProcessIdentity, _: ProcessIdentity) -> bool {
        false
    }
}

/// The look-ups in `/proc`.
#[cfg(target_os = "linux")]
mod linux {
    use std::net::{IpAddr, SocketAddr};

    use procfs::net::{TcpNetEntry, tcp, tcp6};
    use procfs::process::{FDTarget, Process, Stat, all_processes};

    use crate::receiver::sock_diag;

    /// The inode of the socket that is connected from `from` to `to`.
    pub(super) fn connected_socket(from: SocketAddr, to: SocketAddr) -> Option<u64> {
        match sock_diag::socket(from, to) {
            // Only root sees the files of other users: searching for the process would be in vain.
            Some(socket) => is_visible(socket.user).then_some(socket.inode),
            None => socket_in_tables(from, to),
        }
    }

    /// Finds the same inode in `/proc/net/tcp` and `tcp6`, for kernels that do not answer
    /// `sock_diag`. It is slower, because it reads all connections of the machine.
    pub(super) fn socket_in_tables(from: SocketAddr, to: SocketAddr) -> Option<u64> {
        let find = |table: Vec<TcpNetEntry>, from, to| {
            let is_it =
                |entry: &TcpNetEntry| entry.local_address == from && entry.remote_address == to;
            // Inode 0 is a socket that no process holds any more.
            table.into_iter().find(is_it).map(|entry| entry.inode).filter(|inode| *inode != 0)
        };
        let in_tcp6 = |from, to| find(tcp6().ok()?, from, to);
        match (from.ip(), to.ip()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => tcp()
                .ok()
                .and_then(|table| find(table, from, to))
                // A socket made for IPv6 may hold an IPv4 connection.
                .or_else(|| in_tcp6(mapped(from), mapped(to))),
            _ => in_tcp6(from, to),
        }
    }

    /// The address as a socket made for IPv6 shows it.
    pub(super) fn mapped(address: SocketAddr) -> SocketAddr {
        match address.ip() {
            IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
            IpAddr::V6(_) => address,
        }
    }

    /// The newest process that has the socket open, if it is among the first `files_max` files.
    pub(super) fn newest_holder(socket: u64, files_max: usize) -> Option<i32> {
        let mut pids: Vec<i32> =
            all_processes().ok()?.flatten().map(|process| process.pid).collect();
        pids.sort_unstable_by(|a, b| b.cmp(a));
        let mut files_left = files_max;
        pids.into_iter().find(|pid| holds(*pid, socket, &mut files_left))
    }

    /// Whether a process has the socket open, among the first `files_left` of its files.
    /// Subtracts the number of files searched.
    pub(super) fn holds(pid: i32, socket: u64, files_left: &mut usize) -> bool {
        let Ok(files) = Process::new(pid).and_then(|process| process.fd()) else { return false };
        files.take(*files_left).any(|file| {
            *files_left = files_left.saturating_sub(1);
            file.is_ok_and(|file| matches!(file.target, FDTarget::Socket(inode) if inode == socket))
        })
    }

    pub(super) fn stat(pid: i32) -> Option<Stat> {
        Process::new(pid).and_then(|process| process.stat()).ok()
    }

    /// Whether this process may see the open files of the processes of `user`.
    fn is_visible(user: u32) -> bool {
        let own = rustix::process::geteuid();
        own.is_root() || own.as_raw() == user
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    use super::*;

    fn this_process() -> ProcessIdentity {
        SystemProcesses::process(std::process::id()).expect("this process runs")
    }

    #[test]
    fn the_owner_of_a_connection_is_found() {
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(listen) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (peer, local) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
            assert_eq!(SystemProcesses.owner(peer, local), Some(this_process()));
            // Both ways to find the socket agree.
            let found = linux::connected_socket(peer, local);
            assert!(found.is_some() && found == linux::socket_in_tables(peer, local));
            // Nobody is connected from another port.
            assert_eq!(SystemProcesses.owner(SocketAddr::new(peer.ip(), 1), local), None);
            let accepted = listener.accept().unwrap();
            drop((client, accepted));
            assert_eq!(SystemProcesses.owner(peer, local), None);
        }
    }

    #[test]
    fn a_process_is_alive_until_it_ends_and_its_number_alone_is_not_enough() {
        let processes = SystemProcesses;
        let this = this_process();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = SystemProcesses::process(child.id()).unwrap();
        assert!(processes.is_alive(process) && processes.descends_from(process, this));
        assert!(!processes.descends_from(this, process));
        assert!(!processes.is_alive(ProcessIdentity { started: process.started + 1, ..process }));
        drop(child.stdin.take());
        // A process that has ended is listed until its parent waits for it.
        prompush_testing::wait_until(std::time::Duration::from_secs(10), "it ends", || {
            !processes.is_alive(process)
        });
        child.wait().unwrap();
        assert!(!processes.is_alive(process));
    }

    #[test]
    fn an_ipv4_address_is_mapped_for_the_ipv6_table() {
        let mapped = linux::mapped("1.2.3.4:5".parse().unwrap());
        assert_eq!(mapped, "[::ffff:1.2.3.4]:5".parse().unwrap());
    }
}
