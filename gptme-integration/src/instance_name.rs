//! The default of the label `instance`.

use std::process;

use prompush_otlp::host_name;

/// The default of the label `instance`: `<host>:<pid>` of this process.
///
/// The host name is part of it because processes of two machines may have the same pid.
pub fn instance_name() -> String {
    format!("{}:{}", host_name(), process::id())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_name_is_the_host_and_the_pid() {
        let name = super::instance_name();
        let (host, pid) = name.rsplit_once(':').unwrap();
        assert!(!host.is_empty());
        assert_eq!(pid, std::process::id().to_string());
        #[cfg(target_os = "linux")]
        assert_eq!(host, std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim_end());
    }
}
