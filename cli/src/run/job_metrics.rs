//! The metrics of a job: a table of their names and help texts, and their values for one run.

use std::time::{Duration, SystemTime};

use prompush_core::{
    Exposition, Label, Metric, MetricFamily, MetricType, MetricValue, PUSH_TTL, PUSH_TTL_HELP,
};

use crate::run::supervise::{CompletedCommand, Exit, ResourceUsage};

/// The name and the help text of a metric. Every metric is a gauge, because it describes one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Definition(pub(crate) &'static str, pub(crate) &'static str);

const LAST_START: Definition = Definition(
    "job_last_start_timestamp_seconds",
    "When the job last started, in seconds since the Unix epoch.",
);
const LAST_COMPLETION: Definition = Definition(
    "job_last_completion_timestamp_seconds",
    "When the job last ended, however it did, in seconds since the Unix epoch.",
);
const LAST_SUCCESS: Definition = Definition(
    "job_last_success_timestamp_seconds",
    "When the job last ended with exit code 0, in seconds since the Unix epoch.",
);
const DURATION: Definition =
    Definition("job_duration_seconds", "How long the job's last completed run took, in seconds.");
const EXIT_CODE: Definition = Definition(
    "job_exit_code",
    "Exit code of the job's last completed run; 128 and the signal's number if a signal ended it.",
);
const SUCCESS: Definition =
    Definition("job_success", "Whether the job's last completed run had exit code 0: 1 or 0.");
const RUNNING: Definition = Definition("job_running", "Whether the job runs: 1 or 0.");
const CPU: Definition = Definition(
    "job_cpu_seconds",
    "CPU time of the job's last completed run, in seconds, with that of processes it waited for.",
);
const MEMORY: Definition = Definition(
    "job_max_resident_memory_bytes",
    "Most memory in RAM that one process of the job's last completed run had, in bytes.",
);
const EXPECTED_INTERVAL: Definition = Definition(
    "job_expected_interval_seconds",
    "How often the job is meant to run, in seconds between two starts.",
);
const TTL: Definition = Definition(PUSH_TTL, PUSH_TTL_HELP);
const TEXTFILE_ERROR: Definition = Definition(
    "prompush_textfile_error",
    "Whether the metrics that the job wrote in its last completed run could not be pushed: 1 or 0.",
);

/// Every metric of a job, in the order of the documentation.
pub(crate) const ALL: [Definition; 12] = [
    LAST_START,
    LAST_COMPLETION,
    LAST_SUCCESS,
    DURATION,
    EXIT_CODE,
    SUCCESS,
    RUNNING,
    CPU,
    MEMORY,
    EXPECTED_INTERVAL,
    TEXTFILE_ERROR,
    TTL,
];

/// Whether the run itself pushes a metric of this name. The command must not write one.
pub(crate) fn is_taken(name: &str, has_ttl: bool) -> bool {
    // Without `--ttl`, the command may write a TTL of its own.
    let is_pushed = |metric: &Definition| metric.0 != TTL.0 || has_ttl;
    ALL.iter().filter(|metric| is_pushed(metric)).any(|metric| metric.0 == name)
}

/// The facts about a job that are known when it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JobStart {
    pub(crate) at: SystemTime,
    /// `--every`: the time between two starts.
    pub(crate) every: Option<Duration>,
    /// The TTL of the group.
    pub(crate) ttl: Option<Duration>,
}

impl JobStart {
    /// The metrics of a job that runs.
    pub(crate) fn running(&self) -> Exposition<'static> {
        let mut families = self.families();
        families.push(gauge(RUNNING, 1.0));
        Exposition { families }
    }

    /// The metrics of a job that has ended.
    ///
    /// After a failure, the time of the last success is left out. The families are added to the group, so the group
    /// keeps the time that it has.
    pub(crate) fn ended(
        &self,
        end: &CompletedCommand,
        has_textfile_error: bool,
    ) -> Exposition<'static> {
        let mut families = self.families();
        families.push(gauge(RUNNING, 0.0));
        families.push(gauge(LAST_COMPLETION, seconds_since_epoch(end.ended_at)));
        if end.exit.is_success() {
            families.push(gauge(LAST_SUCCESS, seconds_since_epoch(end.ended_at)));
        }
        families.push(gauge(DURATION, end.duration.as_secs_f64()));
        families.push(gauge(EXIT_CODE, f64::from(end.exit.code())));
        families.push(gauge(SUCCESS, f64::from(u8::from(end.exit.is_success()))));
        families.push(family(
            CPU,
            vec![
                mode("system", end.usage.system_cpu.as_secs_f64()),
                mode("user", end.usage.user_cpu.as_secs_f64()),
            ],
        ));
        families.extend(end.usage.resident_bytes_max.map(|bytes| gauge(MEMORY, bytes)));
        families.push(gauge(TEXTFILE_ERROR, f64::from(u8::from(has_textfile_error))));
        Exposition { families }
    }

    fn families(&self) -> Vec<MetricFamily<'static>> {
        let mut families = vec![gauge(LAST_START, seconds_since_epoch(self.at))];
        families.extend(self.every.map(|every| gauge(EXPECTED_INTERVAL, every.as_secs_f64())));
        families.extend(self.ttl.map(|ttl| gauge(TTL, ttl.as_secs_f64())));
        families
    }
}

fn gauge(definition: Definition, value: f64) -> MetricFamily<'static> {
    family(definition, vec![metric(Vec::new(), value)])
}

fn family(definition: Definition, metrics: Vec<Metric<'static>>) -> MetricFamily<'static> {
    let Definition(name, help) = definition;
    MetricFamily {
        name: name.into(),
        help: Some(help.into()),
        metric_type: MetricType::Gauge,
        metrics,
    }
}

fn mode(mode: &'static str, value: f64) -> Metric<'static> {
    metric(vec![Label { name: "mode".into(), value: mode.into() }], value)
}

fn metric(labels: Vec<Label<'static>>, value: f64) -> Metric<'static> {
    Metric { labels: labels.into(), value: MetricValue::Number(value), timestamp_ms: None, line: 0 }
}

/// Every family that a run can push, with invented values: for the documentation.
pub(crate) fn example() -> Exposition<'static> {
    let (at, second) = (SystemTime::UNIX_EPOCH, Duration::from_secs(1));
    let start = JobStart { at, every: Some(second), ttl: Some(second) };
    let usage =
        ResourceUsage { user_cpu: second, system_cpu: second, resident_bytes_max: Some(1.0) };
    let exit = Exit::Code(0);
    start.ended(&CompletedCommand { exit, usage, duration: second, ended_at: at }, false)
}

/// Seconds since the Unix epoch, cut to milliseconds: Prometheus stores times with that precision.
fn seconds_since_epoch(time: SystemTime) -> f64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1000.0).floor() / 1000.0
}

#[cfg(test)]
mod tests {
    use prompush_core::{Encoder, Format, GroupingKey, check_push};

    use super::*;

    fn text(exposition: &Exposition<'_>) -> String {
        let mut encoder = Encoder::new(Format::Text);
        String::from_utf8(encoder.encode(exposition).unwrap().to_vec()).unwrap()
    }

    fn values(exposition: &Exposition<'_>) -> Vec<String> {
        let text = text(exposition);
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    }

    fn start() -> JobStart {
        let at = SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_123_456);
        JobStart { at, every: Some(Duration::from_mins(1)), ttl: Some(Duration::from_hours(1)) }
    }

    fn end(exit: Exit) -> CompletedCommand {
        let usage = ResourceUsage {
            user_cpu: Duration::from_millis(1500),
            system_cpu: Duration::from_millis(250),
            resident_bytes_max: Some(1024.0),
        };
        let duration = Duration::from_secs(2);
        CompletedCommand { exit, usage, duration, ended_at: start().at + duration }
    }

    #[test]
    fn a_run_is_told_in_gauges() {
        let running = [
            "job_expected_interval_seconds 60",
            "job_last_start_timestamp_seconds 1700000000.123",
            "job_running 1",
            "push_ttl_seconds 3600",
        ];
        assert_eq!(values(&start().running()), running);
        let ended = values(&start().ended(&end(Exit::Code(0)), false));
        for line in [
            "job_running 0",
            "job_last_success_timestamp_seconds 1700000002.123",
            "job_last_completion_timestamp_seconds 1700000002.123",
            "job_duration_seconds 2",
            "job_exit_code 0",
            "job_success 1",
            "job_cpu_seconds{mode=\"system\"} 0.25",
            "job_cpu_seconds{mode=\"user\"} 1.5",
            "job_max_resident_memory_bytes 1024",
            "prompush_textfile_error 0",
        ] {
            assert!(ended.iter().any(|found| found == line), "{line} in {ended:#?}");
        }
    }

    #[test]
    fn a_failure_says_nothing_of_the_last_success() {
        for (exit, code) in [(Exit::Code(3), 3), (Exit::Signal(15), 143)] {
            let ended = text(&start().ended(&end(exit), false));
            assert!(!ended.contains("job_last_success"), "{ended}");
            assert!(ended.contains(&format!("\njob_exit_code {code}\n")), "{ended}");
            assert!(ended.contains("\njob_success 0\n"), "{ended}");
        }
    }

    #[test]
    fn nothing_is_said_that_is_not_in_the_table() {
        let (start, end) = (start(), end(Exit::Code(0)));
        let key = GroupingKey::new("x").unwrap();
        for exposition in [start.running(), start.ended(&end, false)] {
            assert_eq!(check_push(&exposition, &key), []);
            assert!(exposition.families.iter().all(|family| is_taken(&family.name, true)));
        }
        assert!(is_taken("job_success", false) && !is_taken("rows", true));
        assert!(is_taken("push_ttl_seconds", true) && !is_taken("push_ttl_seconds", false));
    }

    #[test]
    fn the_table_is_documented() {
        let page = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/run.md"));
        for Definition(name, help) in ALL {
            assert!(page.contains(&format!("| `{name}` | {help} |")), "`{name}` in docs/run.md");
        }
    }
}
