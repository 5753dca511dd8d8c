//! The guide, block by block, as somebody who starts from nothing would type it.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::documents::{blocks, read};
use super::environment::Environment;
use crate::workspace;

const GUIDE: &str = "docs/guide-gptme.md";

/// How long all of it may take, in seconds: two runs of gptme, and the servers' starts.
const FOLLOWED_WITHIN_S: &str = "200";

/// The addresses in the guide; each becomes a free one.
const ADDRESSES: [&str; 3] = ["localhost:9091", "localhost:9090", BRIDGE];

/// Where the guide's bridge listens without being told, and how it is told.
const BRIDGE: &str = "localhost:4318";
const BRIDGE_LINE: &str = "prompush bridge &\n";
const BRIDGE_TOLD: &str = "prompush bridge --listen localhost:4318 &\n";

/// What comes before the guide's first line, and after its last.
const BEFORE: &str = "set -euo pipefail; trap 'kill $(jobs -p) 2>/dev/null' EXIT\n";

/// Runs the guide's shell in one shell, and sees that it says what the guide promises.
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
        // `localhost` may be an address of version 6, where the port need not be free.
        let free = prompush_testing::free_address().to_string();
        (script, config) = (script.replace(address, &free), config.replace(address, &free));
    }
    fs::write(folder.join("prometheus.yml"), config)?;
    fs::copy(workspace::root().join("docs/prometheus/alerts.yml"), folder.join("alerts.yml"))?;
    // Ends all that it has started as well, when its time is up or it is told to end.
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
    // That of `run` and that of the bridge, each in what would be deleted and in what was.
    let groups = output.lines().filter(|line| line.starts_with("{job=\"gptme\",instance=\""));
    ensure!(groups.count() == 4, "the guide does not delete two groups: {output}");
    Ok(())
}

/// The servers under the names that they are installed by.
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
