//! Finds the process that listens on a port.

use std::fmt;

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortHolder {
    /// The process ID.
    pub pid: u32,
    /// The name of the program, without its arguments, which may hold secrets.
    pub command: String,
}

impl PortHolder {
    /// Finds the process that listens on a TCP port of this machine.
    ///
    /// `None` when nobody listens, when the process belongs to another user and this process is
    /// not root, and on systems other than Linux.
    #[cfg(target_os = "linux")]
    pub fn of(port: u16) -> Option<Self> {
        use procfs::net::{TcpState, tcp, tcp6};
        use procfs::process::{FDTarget, all_processes};

        let entries = tcp().into_iter().chain(tcp6()).flatten();
        let listens = entries
            .filter(|entry| entry.state == TcpState::Listen && entry.local_address.port() == port);
        let sockets: Vec<u64> = listens.map(|entry| entry.inode).collect();
        if sockets.is_empty() {
            return None;
        }
        let is_one_of_them = |target: &FDTarget| matches!(target, FDTarget::Socket(inode) if sockets.contains(inode));
        let mut processes = all_processes().ok()?.flatten();
        let holder = processes.find(|process| {
            process.fd().is_ok_and(|mut files| {
                files.any(|file| file.is_ok_and(|file| is_one_of_them(&file.target)))
            })
        })?;
        let command = holder.stat().map(|stat| stat.comm).unwrap_or_default();
        Some(Self { pid: u32::try_from(holder.pid).ok()?, command })
    }

    /// `None`: only Linux tells which process listens.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_: u16) -> Option<Self> {
        None
    }
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (`{}`)", self.pid, self.command.escape_debug())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn only_a_socket_that_listens_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = PortHolder::of(port).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(!holder.command.is_empty());
        let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
        assert_eq!(PortHolder::of(client.local_addr().unwrap().port()), None);
        drop((listener, client));
        assert_eq!(PortHolder::of(port), None);
    }
}
