//! A network in which some addresses swallow everything, name servers among them.

use std::fs;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::binaries;

/// An address that answers nothing, not even that it is not there; in a [`run_in_blackhole`] only.
pub const BLACKHOLE: &str = "192.0.2.2:9091";

/// Tells the test that it runs inside.
const INSIDE_VARIABLE: &str = "PROMPUSH_TEST_BLACKHOLE";

/// The exit code of a machine that allows no such network.
const NOT_ALLOWED: i32 = 77;

/// Makes the network, and the blackhole its name server; then runs what follows its first argument.
/// What is sent to the blackhole goes through one end of a cable to the other, where nobody listens.
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

/// Runs the test that calls it once more, in a process with a network of its own, in which
/// [`BLACKHOLE`] and every name but those of this machine go unanswered. True inside; outside false,
/// once the test inside has passed.
///
/// `test` is the calling test's name. It takes Linux, `unshare`, `ip`, and root or user namespaces.
///
/// # Panics
///
/// When the test inside fails, and when there can be no such network and `CI=true`; otherwise a line
/// on stderr says that the test is skipped.
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
        // `unshare` itself ends with 1 where it is not allowed to.
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
