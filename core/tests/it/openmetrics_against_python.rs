//! Guards that our parser of OpenMetrics agrees with the parser of Python's `prometheus_client`, which is
//! the reference of the specification.
//!
//! Both parsers read 10,000 bodies from fixed seeds. Both must take or both must refuse a body, and they
//! must read the same samples. Two kinds of differences are on purpose, and each has a test of its own:
//! [`Leniency`] lists the bodies that only our parser takes, because client libraries print them.
//! [`is_python_leniency`] lists the errors that the Python parser overlooks.
//!
//! The Python parser is installed from the Python package index, at a fixed version, into a virtual
//! environment below `target/`. Without Python the tests are skipped, unless `CI=true`.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use fastrand::Rng;
use prompush_core::{
    Exposition, Format, Metric, MetricValue, OpenMetricsRule as Rule, ParseError,
    ParseErrorKind as Kind, parse,
};

const VERSION: &str = "0.26.0";
const BODIES: usize = 10_000;
const DIFFERENCES_SHOWN_MAX: usize = 12;

/// Why our parser may take a body that the Python parser refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Leniency {
    /// A sum or a quantile is negative or NaN. Every client library prints that after an observation of
    /// such a value.
    Sum,
    /// An exemplar has a quote in a label value. The Python parser miscounts the quotes.
    ExemplarQuote,
}

fn leniency(reason: &str) -> Option<Leniency> {
    let sums = [
        "Cannot have _sum with negative buckets",
        "Cannot have negative _gsum",
        "Quantile values cannot be negative",
        "Counter-like samples cannot be",
    ];
    let is_exemplar = reason.starts_with("Invalid line: # {") && reason.contains("\\\"");
    if sums.iter().any(|sum| reason.starts_with(sum)) {
        return Some(Leniency::Sum);
    }
    is_exemplar.then_some(Leniency::ExemplarQuote)
}

/// Whether the Python parser overlooks `error`, which our parser reports.
///
/// The Python parser overlooks blanks in and around labels and metadata, colons in label names, any
/// character between `}` and the value, a sign before NaN, digits of other scripts, names in quotes or in
/// `__name__`, `#x` for `#`, and all but the first sample of a series. It reads a number beyond the range of
/// a float as infinity.
fn is_python_leniency(error: &ParseError) -> bool {
    match &error.kind {
        Kind::MetricName
        | Kind::MetricNameText(_)
        | Kind::MetricNameInComment
        | Kind::ReservedLabel
        | Kind::LabelName(_)
        | Kind::NoEquals(_)
        | Kind::NoQuote(_)
        | Kind::EndOfLabelValue(_)
        | Kind::Value(_)
        | Kind::Le(_)
        | Kind::QuantileLabel(_)
        | Kind::Timestamp(_)
        | Kind::AfterTimestamp(_) => true,
        Kind::UnknownType(word) => word.starts_with(' '),
        Kind::OpenMetrics(rule) => matches!(
            rule,
            Rule::Comment
                | Rule::Exemplar(_)
                | Rule::Bound { label: "le", .. }
                | Rule::BucketOrder(_)
        ),
        _ => false,
    }
}

/// The Python parser, in a process of its own.
struct PythonParser {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
}

impl Drop for PythonParser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The result of the Python parser for a body.
#[derive(Debug)]
enum PythonResult {
    Refused(String),
    Taken(Vec<Sample>),
}

/// A sample, with its labels sorted by name and its timestamp in seconds.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
    timestamp: Option<f64>,
}

impl PythonParser {
    /// Starts the parser. Without Python, prints a line on stderr and returns `None`.
    fn start() -> Option<Self> {
        static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
        let python = PYTHON.get_or_init(python).as_ref()?;
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openmetrics_parser.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the installed Python starts");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = child.stdout.take().expect("it is piped");
        Some(Self { child, stdin, stdout })
    }

    fn parse(&mut self, body: &[u8]) -> PythonResult {
        let answer = self.exchange(body).expect("the Python parser answers");
        let mut lines = answer.split('\n');
        match lines.next() {
            Some("taken") => PythonResult::Taken(lines.map(sample).collect()),
            _ => PythonResult::Refused(lines.collect()),
        }
    }

    fn exchange(&mut self, body: &[u8]) -> io::Result<String> {
        let length = u32::try_from(body.len()).expect("bodies are small");
        self.stdin.write_all(&[&length.to_be_bytes(), body].concat())?;
        let mut length = [0; 4];
        self.stdout.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).expect("32 bits fit");
        let mut answer = vec![0; length];
        self.stdout.read_exact(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn sample(line: &str) -> Sample {
    let mut fields = line.split('\t').map(unescape);
    let mut next = || fields.next().expect("a field");
    let name = next();
    let float = |hex: &str| u64::from_str_radix(hex, 16).map(f64::from_bits).ok();
    let value = float(&next()).expect("a value");
    let timestamp = float(&next());
    let rest: Vec<String> = fields.collect();
    let labels = rest.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
    normal(Sample { name, labels, value, timestamp })
}

fn unescape(field: &str) -> String {
    let mut out = String::new();
    let mut chars = field.chars();
    while let Some(char) = chars.next() {
        out.push(match char {
            '\\' => match chars.next() {
                Some('t') => '\t',
                Some('n') => '\n',
                _ => '\\',
            },
            char => char,
        });
    }
    out
}

/// The path of a Python that has the parser. Installs the parser if it is missing.
fn python() -> Option<PathBuf> {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus_client-{VERSION}"));
    let python = folder.join("bin/python");
    let quiet = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output();
        match output {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
            Err(error) => Err(error.to_string()),
        }
    };
    let has_it =
        |python: &Path| quiet(Command::new(python).args(["-c", "import prometheus_client"]));
    let installed = has_it(&python).or_else(|_| {
        quiet(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        let package = format!("prometheus_client=={VERSION}");
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        quiet(Command::new(&python).args(install).arg(package))?;
        has_it(&python)
    });
    match installed {
        Ok(()) => Some(python),
        Err(why) => {
            assert!(!is_ci(), "no Python with `venv` and `pip`, and CI=true: {why}");
            let why = why.lines().next().unwrap_or_default().to_owned();
            // Directly to stderr, which the test harness does not capture.
            writeln!(io::stderr(), "skipped: OpenMetrics against Python: {why}").ok();
            None
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "tests learn from here whether CI runs them")]
fn is_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Normalises `le` and `quantile`, whose numbers the parsers spell differently.
fn normal(mut sample: Sample) -> Sample {
    for (name, value) in &mut sample.labels {
        if matches!(name.as_str(), "le" | "quantile")
            && let Ok(number) = value.parse::<f64>()
        {
            *value = number.to_string();
        }
    }
    sample.labels.sort();
    sample
}

/// The samples of an exposition.
fn samples(exposition: &Exposition<'_>) -> Vec<Sample> {
    let mut samples = Vec::new();
    for family in &exposition.families {
        for metric in &family.metrics {
            let mut push = |suffix: &str, bound: Option<(&str, f64)>, value: f64| {
                let name = format!("{}{suffix}", family.name);
                let labels = labels(metric, bound);
                let timestamp = metric.timestamp_ms.map(seconds);
                samples.push(normal(Sample { name, labels, value, timestamp }));
            };
            match &metric.value {
                MetricValue::Number(value) => push("", None, *value),
                MetricValue::Histogram(histogram) => {
                    for bucket in &histogram.buckets {
                        let bound = Some(("le", bucket.upper_bound));
                        push("_bucket", bound, bucket.cumulative_count);
                    }
                    push("_sum", None, histogram.sum);
                    push("_count", None, histogram.count);
                }
                MetricValue::Summary(summary) => {
                    for quantile in &summary.quantiles {
                        push("", Some(("quantile", quantile.quantile)), quantile.value);
                    }
                    push("_sum", None, summary.sum);
                    push("_count", None, summary.count);
                }
            }
        }
    }
    samples
}

#[expect(clippy::cast_precision_loss, reason = "compared to a millisecond")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

fn labels(metric: &Metric<'_>, bound: Option<(&str, f64)>) -> Vec<(String, String)> {
    let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let bound = bound.map(|(name, bound)| (name.to_owned(), bound.to_string()));
    metric.labels.iter().map(own).chain(bound).collect()
}

/// Whether a body has several samples of one series. The Python parser drops some of them.
fn has_one_twice(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).replace("{}", "");
    let mut series: Vec<&str> =
        text.lines().filter_map(|line| line.rsplit_once(' ')).map(|(series, _)| series).collect();
    series.sort_unstable();
    series.windows(2).any(|pair| pair[0] == pair[1] && !pair[0].starts_with('#'))
}

/// The sorted samples for the comparison, or `None` if a series has several samples.
///
/// A sum or a count of 0 is left out, because our parser has it even if the body does not.
fn comparable(samples: &[Sample]) -> Option<Vec<String>> {
    let is_absent = |sample: &&Sample| {
        let name = &sample.name;
        (name.ends_with("_sum") || name.ends_with("_count"))
            && sample.value.abs() < f64::MIN_POSITIVE
    };
    let mut keys: Vec<(String, String)> = samples
        .iter()
        .filter(|sample| !is_absent(sample))
        .map(|sample| {
            let milliseconds = sample.timestamp.map(|seconds| format!("{seconds:.2}"));
            let value = if sample.value.is_nan() {
                "NaN".to_owned()
            } else {
                format!("{:e}", sample.value + 0.0)
            };
            (format!("{}{:?}", sample.name, sample.labels), format!("{value} {milliseconds:?}"))
        })
        .collect();
    keys.sort();
    let is_twice = keys.windows(2).any(|pair| pair[0].0 == pair[1].0);
    (!is_twice)
        .then(|| keys.into_iter().map(|(series, value)| format!("{series} {value}")).collect())
}

#[derive(Debug, Default)]
struct Tally {
    both_take: usize,
    both_refuse: usize,
    /// The number of bodies that both parsers took and whose samples were compared.
    compared: usize,
    lenient: BTreeMap<Leniency, usize>,
    lax: BTreeMap<String, usize>,
}

impl Tally {
    /// Counts a body. Returns a difference that has no reason as an error.
    fn compare(&mut self, body: &[u8], theirs: &PythonResult) -> Result<(), String> {
        match (parse(body, Format::OpenMetrics), theirs) {
            (Ok(ours), PythonResult::Taken(theirs)) => {
                self.both_take += 1;
                let (Some(ours), Some(theirs)) = (comparable(&samples(&ours)), comparable(theirs))
                else {
                    return Ok(());
                };
                if has_one_twice(body) {
                    return Ok(());
                }
                self.compared += 1;
                if ours == theirs { Ok(()) } else { Err(format!("{ours:?}\nand {theirs:?}")) }
            }
            (Err(_), PythonResult::Refused(_)) => {
                self.both_refuse += 1;
                Ok(())
            }
            (Ok(_), PythonResult::Refused(reason)) => match leniency(reason) {
                Some(leniency) => {
                    *self.lenient.entry(leniency).or_default() += 1;
                    Ok(())
                }
                None => Err(format!("only the other refuses: {reason}")),
            },
            (Err(error), PythonResult::Taken(_)) if is_python_leniency(&error) => {
                let kind = format!("{:?}", error.kind);
                let kind = kind.split(['(', ' ']).next().unwrap_or_default().to_owned();
                *self.lax.entry(kind).or_default() += 1;
                Ok(())
            }
            (Err(error), PythonResult::Taken(_)) => Err(format!("only ours refuses: {error}")),
        }
    }
}

#[test]
fn ten_thousand_bodies_are_read_as_the_python_client_reads_them() {
    let Some(mut python) = PythonParser::start() else { return };
    let mut rng = Rng::with_seed(1);
    let mut tally = Tally::default();
    let mut differences = Vec::new();
    for _ in 0..BODIES {
        let body = crate::generated_bodies::openmetrics::body(&mut rng);
        if let Err(difference) = tally.compare(&body, &python.parse(&body)) {
            differences.push(format!("{difference}\n{}\n", body.escape_ascii()));
        }
    }
    println!("{tally:?}");
    let shown = differences.len().min(DIFFERENCES_SHOWN_MAX);
    assert!(
        differences.is_empty(),
        "{} of {tally:?} differ:\n{}",
        differences.len(),
        differences[..shown].join("\n")
    );
}

/// Bodies, each with whether our parser and the Python parser take it.
fn check_all(cases: &[(&str, bool, bool)]) {
    let Some(mut python) = PythonParser::start() else { return };
    for (body, ours_takes, other_takes) in cases {
        let body = format!("{body}\n# EOF\n");
        let result = python.parse(body.as_bytes());
        assert_eq!(matches!(result, PythonResult::Taken(_)), *other_takes, "{body}{result:?}");
        let read = parse(body.as_bytes(), Format::OpenMetrics);
        assert_eq!(read.is_ok(), *ours_takes, "{body}{read:?}");
        assert_eq!(Tally::default().compare(body.as_bytes(), &result), Ok(()), "{body}");
    }
}

#[test]
fn selected_bodies_are_taken_or_refused_by_both() {
    let histogram = |samples: &str| format!("# TYPE h histogram\n{samples}");
    let one = "h_bucket{le=\"+Inf\"} 1";
    let cases = [
        ("# HELP a \\q \\", true),
        ("# TYPE a gauge\na{b=\"\\q\"} 1", true),
        ("# HELP a", false),
        ("# TYPE s summary\ns_sum 1\ns_count 1\n# TYPE s_count gauge\ns_count 1", false),
        ("# TYPE a_b info\n# UNIT a_b b\na_b_info 1", false),
        ("a{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\"} 1", false),
        ("a{b=\"1\",} 1", false),
        ("a{__b=\"1\"} 1", false),
        ("a 1 5\na 1 6", true),
        ("a 1 6\na 1 5", false),
        ("a 1 6\na 1", false),
        ("# TYPE s summary\ns{quantile=\"1.5\"} 1", false),
        ("# TYPE s summary\ns_count 1.5", false),
        ("# TYPE a stateset\na{a=\"x\"} -0.0", true),
        (&histogram(&format!("h_sum 1\nh_count 1\n{one}")), true),
        (&histogram(one), true),
        (&histogram(&format!("{one}\nh_sum 1")), false),
        (&histogram(&format!("{one}\nh_sum 1\nh_count 2")), false),
        (&histogram("h_sum 1\nh_count 1"), false),
        (&histogram("h_bucket{le=\"inf\"} 1"), false),
        (&histogram(&format!("h_bucket{{le=\"2\"}} 1\nh_bucket{{le=\"1\"}} 1\n{one}")), false),
        (&histogram(&format!("h_bucket{{le=\"1\"}} 2\n{one}")), false),
    ];
    check_all(&cases.map(|(body, taken)| (body, taken, taken)));
}

#[test]
fn known_differences_still_exist() {
    let histogram = "# TYPE h histogram\nh_bucket{le=\"-1\"} 1\nh_bucket{le=\"+Inf\"} 1\n";
    let lenient = [
        (&*format!("{histogram}h_sum -2\nh_count 1"), true, false),
        (&*format!("{histogram}h_sum NaN\nh_count 1"), true, false),
        ("# TYPE s summary\ns{quantile=\"0.5\"} -1\ns_sum -1\ns_count 1", true, false),
        ("# TYPE a counter\na_total 1 # {a=\"\\\"\",c=\"d\"} 1", true, false),
    ];
    check_all(&lenient);
    let lax = [
        ("a{ b = \"c\" } 1", false, true),
        ("# TYPE  a gauge", false, true),
        ("# TYPE a  gauge", false, true),
        ("#x TYPE a gauge", false, true),
        ("a{a:b=\"c\"} 1", false, true),
        ("a{b=\"c\"}x1", false, true),
        ("a 1e400", false, true),
        ("a +NaN", false, true),
        ("a \u{661}", false, true),
        ("a 1 1e300", false, true),
        ("# TYPE s summary\ns{quantile=\"\t0.5\"} 1", false, true),
        ("{\"a\",b=\"c\"} 1", false, true),
        ("{__name__=\"a\"} 1", false, true),
        ("# HELP \"a\" b", false, true),
        ("# TYPE a counter\na_total 1  # {} 1", false, true),
        (
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1",
            false,
            true,
        ),
    ];
    check_all(&lax);
}
