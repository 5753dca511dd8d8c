//! A network in which some addresses never answer, the name server included.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::binaries;

/// An address that never answers, not even with a refusal. It exists only inside [`run_in_blackhole`].
pub const BLACKHOLE: &str = "192.0.2.2:9091";

/// The variable that tells the test that it runs inside the network.
const INSIDE_VARIABLE: &str = "PROMPUSH_TEST_BLACKHOLE";

/// The exit code of the script on a machine that does not allow such a network.
const NOT_ALLOWED: i32 = 77;

/// Creates the network, makes the blackhole its name server, and runs the command after the first argument. Packets
/// to the blackhole enter a virtual cable, and nobody listens at its other end.
const SCRIPT: &str = "
    {
        ip link set lo up &&
        ip link add v0 type veth peer name v1 &&
        ip addr add 192.0.2.1/24 dev v0 &&
        ip link set v0 up && ip link set v1 up &&
        ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev v0 &&
        mount --bind \"$1\" /etc/resolv.conf
    } || exit 77
    shift
    exec \"$@\"
";

/// Runs the calling test once more, in a process with a network of its own. In that network [`BLACKHOLE`] never
/// answers, and only names of this machine can be resolved. Returns true inside the network. Returns false outside,
/// after the test inside has passed.
///
/// `test` is the name of the calling test. The network needs Linux, `unshare`, `ip`, and root or user namespaces.
///
/// # Panics
///
/// When the test inside fails. When the machine does not allow such a network and `CI=true`; without CI, a line on
/// stderr says that the test is skipped.
#[track_caller]
pub fn run_in_blackhole(test: &str) -> bool {
    if binaries::variable(INSIDE_VARIABLE).is_some() {
        return true;
    }
    let folder = TempDir::new().expect("a temporary folder");
    let name_server = folder.path().join("resolv.conf");
    fs::write(&name_server, "nameserver 192.0.2.2\n").expect("a file in that folder");
    let program = std::env::current_exe().expect("the test is a program");
    for mapping in [&[][..], &["--map-root-user"]] {
        let mut command = Command::new("unshare");
        command.args(["--net", "--mount"]).args(mapping).args(["sh", "-c", SCRIPT, "sh"]);
        command.arg(&name_server).arg(&program).args([test, "--exact", "--nocapture"]);
        let Ok(done) = command.env(INSIDE_VARIABLE, "1").stdin(Stdio::null()).output() else {
            break;
        };
        let output = [done.stdout, done.stderr].concat();
        let output = String::from_utf8_lossy(&output);
        if done.status.success() {
            assert!(output.contains("1 passed"), "no test is called `{test}`: {output}");
            #[expect(clippy::print_stdout, reason = "what the test inside has printed")]
            {
                println!("{output}");
            }
            return false;
        }
        // `unshare` exits with 1 when it has no permission.
        let ran = output.contains("running 1 test");
        assert!(!ran, "in a network with a blackhole:\n{output}");
        assert!(
            done.status.code().is_some_and(|code| code == NOT_ALLOWED || code == 1),
            "{output}"
        );
    }
    binaries::skip_or_fail("a network namespace is not allowed (root, or user namespaces)");
    false
}
