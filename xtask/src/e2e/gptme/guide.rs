//! Runs all shell blocks of the guide in order, as a user would type them on a fresh machine.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::documents::{blocks, read};
use super::environment::Environment;
use crate::workspace;

const GUIDE: &str = "docs/guide-gptme.md";

/// The time limit of the whole guide, in seconds. The guide starts the servers and runs gptme twice.
const FOLLOWED_WITHIN_S: &str = "200";

/// The addresses in the guide. The test replaces each address by a free one.
const ADDRESSES: [&str; 3] = ["localhost:9091", "localhost:9090", BRIDGE];

/// The default address of the bridge.
const BRIDGE: &str = "localhost:4318";
/// The bridge's command in the guide.
const BRIDGE_LINE: &str = "prompush bridge &\n";
/// The command that replaces [`BRIDGE_LINE`]. It names the address, so that the address can be replaced too.
const BRIDGE_TOLD: &str = "prompush bridge --listen localhost:4318 &\n";

/// The shell code before the guide's first line. The trap ends the background jobs.
const BEFORE: &str = "set -euo pipefail; trap 'kill $(jobs -p) 2>/dev/null' EXIT\n";

/// Runs the shell blocks of the guide in one shell, and checks the output.
pub(super) fn follow(environment: &Environment) -> Result<()> {
    let text = read(GUIDE)?;
    let folder = environment.folder.path().join("guide");
    fs::create_dir_all(&folder)?;
    programs(&folder.join("bin"))?;
    let yaml = blocks(&text, "yaml");
    let script = blocks(&text, "sh").join("\n");
    ensure!(yaml.len() == 1 && !script.is_empty(), "`{GUIDE}` has lost its blocks");
    ensure!(script.contains(BRIDGE_LINE), "`{GUIDE}` starts no bridge");
    let mut script = script.replace(BRIDGE_LINE, BRIDGE_TOLD);
    let mut config = yaml.concat().replace("15s", "1s");
    for address in ADDRESSES {
        // `localhost` may be an IPv6 address, whose port need not be free.
        let free = prompush_testing::free_address().to_string();
        (script, config) = (script.replace(address, &free), config.replace(address, &free));
    }
    fs::write(folder.join("prometheus.yml"), config)?;
    fs::copy(workspace::root().join("docs/prometheus/alerts.yml"), folder.join("alerts.yml"))?;
    // `timeout` also ends everything that the shell has started.
    let mut bash = environment.command("timeout")?;
    let path = bash.get_envs().find(|(name, _)| *name == "PATH").and_then(|(_, value)| value);
    let path = path.context("a command has a path")?.to_string_lossy().into_owned();
    bash.env("PATH", format!("{}:{path}", folder.join("bin").display()));
    bash.env_remove("GPTME_TELEMETRY_ENABLED").env_remove("PUSHGATEWAY_URL");
    bash.env("MODEL", "local/guide").current_dir(&folder);
    bash.args(["--kill-after=5", FOLLOWED_WITHIN_S, "bash", "-c", &format!("{BEFORE}{script}")]);
    let mut guide = environment.spawn(bash, "guide")?;
    guide.succeed()?;
    check_output(&guide.output())
}

fn check_output(output: &str) -> Result<()> {
    for expected in [
        "test_metric{instance=\"\",job=\"test\"} 42",
        "gptme_tokens_total{",
        "\"__name__\":\"gptme_tokens_total\"",
        "\"job\": \"gptme\"",
    ] {
        ensure!(output.contains(expected), "the guide's output has no `{expected}`: {output}");
    }
    // The group of `run` and the group of the bridge, both in the dry run and in the deletion.
    let groups = output.lines().filter(|line| line.starts_with("{job=\"gptme\",instance=\""));
    ensure!(groups.count() == 4, "the guide does not delete exactly two groups: {output}");
    Ok(())
}

/// Links to the servers, under the names of their packages.
fn programs(folder: &std::path::Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    let servers = workspace::servers();
    for (name, server) in
        [("prometheus-pushgateway", "pushgateway-1.11.2"), ("prometheus", "prometheus")]
    {
        std::os::unix::fs::symlink(servers.join(server), folder.join(name))?;
    }
    Ok(())
}
