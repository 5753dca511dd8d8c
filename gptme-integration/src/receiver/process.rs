//! Which process is at the other end of a connection.
//!
//! The system knows the number of the client's socket, and says it to whoever asks; whoever holds that socket has it among its files in `/proc/<pid>/fd`, which its own user
//! and root may read. Source: proc(5), `proc_net(5)`.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::sock_diag;

/// A process, and no other one that had or will have its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Process {
    pub(super) pid: u32,
    /// When it started, in clock ticks since the machine did.
    pub(super) started: u64,
}

/// What is known of the processes of this machine.
pub(super) trait Processes: Send {
    /// The process whose socket is connected from `peer` to `local`.
    fn owner(&self, peer: SocketAddr, local: SocketAddr) -> Option<Process>;

    /// Whether it is still there and not waiting to be buried.
    fn is_alive(&self, process: Process) -> bool;

    /// Whether `ancestor` started it, or started what started it, and so on.
    fn descends_from(&self, process: Process, ancestor: Process) -> bool;
}

/// The `/proc` file system. Where there is none, nothing is known.
#[derive(Debug)]
pub(super) struct ProcFs {
    root: PathBuf,
}

/// How far up a process's ancestors are followed.
const ANCESTORS_MAX: usize = 64;

impl ProcFs {
    pub(super) fn new() -> Self {
        Self { root: PathBuf::from("/proc") }
    }

    /// The process whose socket is connected from `peer` to `local`, if it is among the first `files_max` files of
    /// all processes, those of the newest first.
    pub(super) fn owner_among(
        &self,
        peer: SocketAddr,
        local: SocketAddr,
        files_max: usize,
    ) -> Option<Process> {
        let link = link(self.connected(peer, local)?);
        let mut pid = self.holder(&link, files_max)?;
        let mut stat = self.stat(pid)?;
        // A child made by `fork` alone has its parent's files: the socket is the parent's.
        for _ in 0..ANCESTORS_MAX {
            if stat.parent == 0 || !self.holds(stat.parent, &link, &mut { files_max }) {
                break;
            }
            pid = stat.parent;
            stat = self.stat(pid)?;
        }
        Some(Process { pid, started: stat.started })
    }

    /// The process that has that number now.
    pub(super) fn process(&self, pid: u32) -> Option<Process> {
        Some(Process { pid, started: self.stat(pid)?.started })
    }

    /// The number of the socket that is connected so.
    fn connected(&self, from: SocketAddr, to: SocketAddr) -> Option<u64> {
        match sock_diag::socket(from, to) {
            // Only root sees the files of others: to look for the process would be in vain.
            Some(socket) => is_visible(socket.user).then_some(socket.number),
            None => self.socket_in_tables(from, to),
        }
    }

    fn socket_in_tables(&self, from: SocketAddr, to: SocketAddr) -> Option<u64> {
        let between = |from, to| format!(" {} {} ", hex(from), hex(to));
        let plain = between(from, to);
        match (from.ip(), to.ip()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => self
                .socket("tcp", &plain)
                // An IPv4 connection may be held by a socket made for IPv6.
                .or_else(|| self.socket("tcp6", &between(mapped(from), mapped(to)))),
            _ => self.socket("tcp6", &plain),
        }
    }

    /// The number of the first socket whose line in that table has `part` in it.
    ///
    /// A busy machine has thousands of lines, and the client may be about to end: they are not parsed.
    fn socket(&self, table: &str, part: &str) -> Option<u64> {
        let text = fs::read_to_string(self.root.join("net").join(table)).ok()?;
        let at = text.find(part)?;
        let (before, after) = text.split_at_checked(at)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let line =
            text.get(start..start + (at - start) + after.find('\n').unwrap_or(after.len()))?;
        let socket = line.split_ascii_whitespace().nth(9)?.parse().ok()?;
        // 0 is a socket that nobody holds any more.
        (socket != 0).then_some(socket)
    }

    /// Whether it has this file, among the first `files_left` of its files; counts those that were looked at.
    fn holds(&self, pid: u32, link: &Path, files_left: &mut usize) -> bool {
        let Ok(files) = fs::read_dir(self.folder(pid).join("fd")) else { return false };
        files.take(*files_left).filter_map(Result::ok).any(|file| {
            *files_left = files_left.saturating_sub(1);
            fs::read_link(file.path()).is_ok_and(|to| to == link)
        })
    }

    /// A process that has this file, the newest one first: most clients have just been started.
    fn holder(&self, link: &Path, files_max: usize) -> Option<u32> {
        let entries = fs::read_dir(&self.root).ok()?.filter_map(Result::ok);
        let mut pids: Vec<u32> =
            entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        pids.sort_unstable_by(|a, b| b.cmp(a));
        let mut files_left = files_max;
        pids.into_iter().find(|pid| self.holds(*pid, link, &mut files_left))
    }

    fn stat(&self, pid: u32) -> Option<Stat> {
        Stat::parse(&fs::read_to_string(self.folder(pid).join("stat")).ok()?)
    }

    fn folder(&self, pid: u32) -> PathBuf {
        self.root.join(pid.to_string())
    }
}

impl Processes for ProcFs {
    fn owner(&self, peer: SocketAddr, local: SocketAddr) -> Option<Process> {
        self.owner_among(peer, local, usize::MAX)
    }

    fn is_alive(&self, process: Process) -> bool {
        self.stat(process.pid).is_some_and(|stat| stat.started == process.started && !stat.is_dead)
    }

    fn descends_from(&self, process: Process, ancestor: Process) -> bool {
        let mut pid = process.pid;
        for _ in 0..ANCESTORS_MAX {
            let Some(stat) = self.stat(pid) else { return false };
            if stat.parent == ancestor.pid {
                return self.is_alive(ancestor);
            }
            pid = stat.parent;
        }
        false
    }
}

/// What `/proc/<pid>/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    started: u64,
    is_dead: bool,
}

impl Stat {
    fn parse(line: &str) -> Option<Self> {
        // The second field is the name, in parentheses, and may hold spaces and parentheses.
        let (_, rest) = line.rsplit_once(')')?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?; // field 3
        let parent = fields.next()?.parse().ok()?;
        let started = fields.nth(17)?.parse().ok()?; // field 22
        Some(Self { parent, started, is_dead: matches!(state, "Z" | "X" | "x") })
    }
}

/// Whether this process may see the files of that user's.
#[cfg(unix)]
fn is_visible(user: u32) -> bool {
    let own = rustix::process::geteuid();
    own.is_root() || own.as_raw() == user
}

#[cfg(not(unix))]
fn is_visible(_: u32) -> bool {
    true
}

/// What a process's file links to when it is that socket.
fn link(socket: u64) -> PathBuf {
    PathBuf::from(format!("socket:[{socket}]"))
}

/// An address as `/proc/net/tcp` has it, `127.0.0.1:8080` as `0100007F:1F90`: words of four bytes, each as this
/// machine stores it.
fn hex(address: SocketAddr) -> String {
    let mut text = String::new();
    let mut write = |octets: &[u8]| {
        for word in octets.chunks_exact(4) {
            let word = word.iter().rev().fold(0, |word: u32, byte| word << 8 | u32::from(*byte));
            // Writing into a string cannot fail.
            write!(text, "{:08X}", u32::from_le(word)).unwrap_or_default();
        }
    };
    match address.ip() {
        IpAddr::V4(ip) => write(&ip.octets()),
        IpAddr::V6(ip) => write(&ip.octets()),
    }
    format!("{text}:{:04X}", address.port())
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::process::{Command, Stdio};

    use super::*;

    fn this_process() -> Process {
        ProcFs::new().process(std::process::id()).expect("this process is there")
    }

    #[test]
    fn the_owner_of_a_connection_is_found() {
        for listen in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(listen) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let (peer, local) = (client.local_addr().unwrap(), client.peer_addr().unwrap());
            let processes = ProcFs::new();
            assert_eq!(processes.owner(peer, local), Some(this_process()));
            // Both ways to find it agree.
            let found = processes.connected(peer, local);
            assert!(found.is_some() && found == processes.socket_in_tables(peer, local));
            // The same the other way round is the server's end; another port is nobody's.
            assert_eq!(processes.owner(SocketAddr::new(peer.ip(), 1), local), None);
            let accepted = listener.accept().unwrap();
            drop((client, accepted));
            assert_eq!(processes.owner(peer, local), None);
        }
    }

    #[test]
    fn a_process_is_alive_until_it_ends_and_its_number_alone_is_not_enough() {
        let processes = ProcFs::new();
        let this = this_process();
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let process = processes.process(child.id()).unwrap();
        assert!(processes.is_alive(process) && processes.descends_from(process, this));
        assert!(!processes.descends_from(this, process));
        assert!(!processes.is_alive(Process { started: process.started + 1, ..process }));
        drop(child.stdin.take());
        // Ended, but not yet waited for: it is still listed.
        prompush_testing::wait_until(std::time::Duration::from_secs(10), "it ends", || {
            !processes.is_alive(process)
        });
        child.wait().unwrap();
        assert!(!processes.is_alive(process));
    }

    #[test]
    fn names_with_parentheses_and_spaces_are_read() {
        let rest = "S 7 1 1 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1";
        let expected = Stat { parent: 7, started: 4711, is_dead: false };
        assert_eq!(Stat::parse(&format!("12 (a) R 1 (b) {rest}")), Some(expected));
        let zombie = Stat::parse(&format!("12 (x) {}", rest.replace('S', "Z"))).unwrap();
        assert!(zombie.is_dead);
        for torn in ["", "12 (x", "12 (x) S 7", "12 (x) S x"] {
            assert_eq!(Stat::parse(torn), None, "{torn}");
        }
    }

    #[test]
    fn addresses_are_written_as_the_table_has_them() {
        let check = |address: &str, expected: &str| {
            if cfg!(target_endian = "little") {
                assert_eq!(hex(address.parse().unwrap()), expected);
            }
        };
        check("127.0.0.1:8080", "0100007F:1F90");
        check("[::1]:81", "00000000000000000000000001000000:0051");
        check("[::ffff:127.0.0.1]:80", "0000000000000000FFFF00000100007F:0050");
        assert_eq!(mapped("1.2.3.4:5".parse().unwrap()), "[::ffff:1.2.3.4]:5".parse().unwrap());
    }
}
