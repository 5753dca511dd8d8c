//! Which process listens on a port.

use std::fmt;

/// The process that listens on a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortHolder {
    /// Its process id.
    pub pid: u32,
    /// Its name, without arguments, which may hold secrets.
    pub command: String,
}

impl PortHolder {
    /// Finds who listens on a TCP port of this machine. Nothing where nobody does, where it is a
    /// process whose files this one must not see, and on other systems than Linux.
    pub fn of(port: u16) -> Option<Self> {
        holder::find(port)
    }
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} (`{}`)", self.pid, self.command.escape_debug())
    }
}

#[cfg(not(target_os = "linux"))]
mod holder {
    pub(super) fn find(_: u16) -> Option<super::PortHolder> {
        None
    }
}

#[cfg(target_os = "linux")]
mod holder {
    use std::fs;
    use std::path::Path;

    use super::PortHolder;

    /// The state of a socket that listens, as `/proc/net/tcp` writes it.
    const LISTENING: &str = "0A";

    pub(super) fn find(port: u16) -> Option<PortHolder> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let sockets: Vec<String> = tables
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok())
            .flat_map(|table| listening(&table, port))
            .collect();
        if sockets.is_empty() {
            return None;
        }
        let pids = fs::read_dir("/proc").ok()?.flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .find(|pid| holds(*pid, &sockets))
            .map(|pid| PortHolder { pid, command: command(pid) })
    }

    /// What the files of a process that are sockets listening on `port` link to.
    fn listening(table: &str, port: u16) -> Vec<String> {
        let port = format!(":{port:04X}");
        let socket = |line: &str| {
            let mut columns = line.split_whitespace();
            let (local, state, inode) = (columns.nth(1)?, columns.nth(1)?, columns.nth(5)?);
            (local.ends_with(&port) && state == LISTENING).then(|| format!("socket:[{inode}]"))
        };
        table.lines().skip(1).filter_map(socket).collect()
    }

    fn holds(pid: u32, sockets: &[String]) -> bool {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        let is_one_of_them = |link: &Path| sockets.iter().any(|socket| Path::new(socket) == link);
        files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|link| is_one_of_them(&link)))
    }

    fn command(pid: u32) -> String {
        fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim_end().to_owned()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_table_names_the_sockets_that_listen() {
            let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                         retrnsmt   uid  timeout inode\n   0: 0100007F:1F40 00000000:0000 0A \
                         00000000:00000000 00:00000000 00000000  1000        0 3456 1 x 100 0 0 \
                         10 0\n   1: 0100007F:1F40 0100007F:C001 01 00000000:00000000 \
                         00:00000000 00000000  1000        0 3457 1 x 20 4 30 10 -1\n   2: \
                         00000000:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     \
                         0        0 99 1 x 100 0 0 10 0\n";
            assert_eq!(listening(table, 8000), ["socket:[3456]"]);
            assert_eq!(listening(table, 8001), ["socket:[99]"]);
            assert_eq!(listening(table, 80), <[&str; 0]>::default());
        }

        #[test]
        fn this_process_is_found_by_its_port() {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let holder = find(listener.local_addr().unwrap().port()).unwrap();
            assert_eq!(holder.pid, std::process::id());
            assert!(!holder.command.is_empty());
        }
    }
}
