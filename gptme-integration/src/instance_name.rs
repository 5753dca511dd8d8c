//! What tells this process from all others in the label `instance`.

use std::process;

/// `<host>:<pid>` of this process: the default of the label `instance`.
///
/// Two machines share pids, and a pid comes again; the host keeps the machines apart.
pub fn instance_name() -> String {
    format!("{}:{}", host_name(), process::id())
}

/// The machine's name; `localhost` where it has none.
#[cfg(unix)]
pub(crate) fn host_name() -> String {
    let name = rustix::system::uname();
    match name.nodename().to_string_lossy() {
        empty if empty.is_empty() => "localhost".to_owned(),
        name => name.into_owned(),
    }
}

#[cfg(not(unix))]
pub(crate) fn host_name() -> String {
    "localhost".to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn it_is_the_host_and_the_pid() {
        let name = super::instance_name();
        let (host, pid) = name.rsplit_once(':').unwrap();
        assert!(!host.is_empty());
        assert_eq!(pid, std::process::id().to_string());
        #[cfg(target_os = "linux")]
        assert_eq!(host, std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim_end());
    }
}
