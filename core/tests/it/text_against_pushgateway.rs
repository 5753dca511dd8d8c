//! Guards that our parser of text 0.0.4 and `check_push` agree with a real Pushgateway 1.11.2.
//!
//! The test pushes 10,000 bodies from fixed seeds to real gateways with their consistency check on. Both
//! sides must refuse a body as malformed in the same line, or refuse it as inconsistent, or take it. The
//! differences on purpose are in [`known_difference`], and each kind has a test of its own.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fastrand::Rng;
use prompush_core::{Format, GroupingKey, ParseErrorKind, check_push, parse};
use prompush_testing::{Pushgateway, Version};

/// The number of threads. Each has one gateway, one connection and one seed.
const THREADS: u64 = 4;
/// The number of bodies that each thread sends. Bodies with a known difference do not count.
const BODIES_PER_THREAD: usize = 2500;
const DIFFERENCES_SHOWN_MAX: usize = 12;

/// The outcome of a push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Taken,
    Inconsistent,
    Malformed {
        line: usize,
    },
    /// The gateway closed the connection without an answer, because its parser panicked.
    Dropped,
}

fn ours(body: &[u8]) -> Verdict {
    let key = GroupingKey::new("x").expect("a job");
    match parse(body, Format::Text) {
        Err(error) => Verdict::Malformed { line: error.line },
        Ok(exposition) => {
            let problems = check_push(&exposition, &key);
            let refused = problems.iter().any(|problem| problem.kind.is_error());
            if refused { Verdict::Inconsistent } else { Verdict::Taken }
        }
    }
}

/// Why our decision may differ from the gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// A line begins with `{`. The gateway uses the family, the labels and the bucket of the line before,
    /// or panics if there is none. Our parser reads the line alone.
    BraceFirst,
    /// The gateway drops a pushed `push_time_seconds` without checking it.
    GatewayOwn,
    /// Our parser reads a gauge histogram as a histogram, which clashes with a family `…_count`. The
    /// gateway takes both, and then exposes two samples with one name.
    GaugeHistogramClash,
}

fn known_difference(body: &[u8]) -> Option<Difference> {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    let begins_with_brace = |line: &str| line.trim_start_matches([' ', '\t']).starts_with('{');
    if text.split('\n').any(begins_with_brace) {
        let has_compound = ["histogram", "summary"].into_iter().any(|word| text.contains(word));
        let names_no_metric = matches!(
            parse(body, Format::Text),
            Err(error) if matches!(error.kind, ParseErrorKind::MetricName)
        );
        if has_compound || names_no_metric {
            return Some(Difference::BraceFirst);
        }
    }
    if text.contains("push_time_seconds") {
        return Some(Difference::GatewayOwn);
    }
    let gauge_histogram = text.contains("gaugehistogram") || text.contains("gauge_histogram");
    gauge_histogram.then_some(Difference::GaugeHistogramClash)
}

/// A kept-alive connection to a gateway. It is opened again after the gateway closed it.
struct Connection {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Connection {
    fn push(&mut self, body: &[u8]) -> Verdict {
        match self.exchange(body) {
            Ok((200, _)) => Verdict::Taken,
            Ok((status, text)) => {
                assert_eq!(status, 400, "{text}");
                refusal(&text)
            }
            Err(_) => {
                self.stream = None;
                Verdict::Dropped
            }
        }
    }

    fn exchange(&mut self, body: &[u8]) -> io::Result<(u16, String)> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            self.stream = Some(BufReader::new(stream));
        }
        let stream = self.stream.as_mut().expect("it was just opened");
        let head = format!(
            "PUT /metrics/job/x HTTP/1.1\r\nHost: gateway\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        answer(stream)
    }
}

/// The status and the body of one answer.
fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<(u16, String)> {
    let mut line = String::new();
    let mut next_line = |stream: &mut BufReader<TcpStream>| {
        line.clear();
        match stream.read_line(&mut line)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok::<String, io::Error>(line.trim_end().to_ascii_lowercase()),
        }
    };
    let status_line = next_line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut length = 0;
    loop {
        let line = next_line(stream)?;
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        assert!(!line.starts_with("transfer-encoding:"), "a refusal that is longer than expected");
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok((status.expect("a status"), String::from_utf8_lossy(&body).into_owned()))
}

fn refusal(text: &str) -> Verdict {
    if text.starts_with("pushed metrics are invalid or inconsistent") {
        return Verdict::Inconsistent;
    }
    let line = text.strip_prefix("text format parsing error in line ");
    let line = line.and_then(|rest| rest.split(':').next()?.parse().ok());
    assert!(line.is_some(), "unexpected refusal: {text}");
    Verdict::Malformed { line: line.unwrap_or(0) }
}

/// The findings of one thread.
#[derive(Default)]
struct Findings {
    verdicts: BTreeMap<&'static str, usize>,
    allowed: BTreeMap<Difference, usize>,
    not_sent: usize,
    differences: Vec<String>,
}

fn run_thread(seed: u64, address: SocketAddr) -> Findings {
    let mut rng = Rng::with_seed(seed);
    let mut connection = Connection { address, stream: None };
    let mut findings = Findings::default();
    let mut sent = 0;
    while sent < BODIES_PER_THREAD {
        let body = crate::generated_bodies::text::body(&mut rng);
        let known = known_difference(&body);
        if known == Some(Difference::BraceFirst) {
            // Such a body can crash the parser of 1.11.2.
            findings.not_sent += 1;
            continue;
        }
        sent += 1;
        let (ours, theirs) = (ours(&body), connection.push(&body));
        let verdict = match theirs {
            Verdict::Taken => "taken",
            Verdict::Inconsistent => "inconsistent",
            Verdict::Malformed { .. } => "malformed",
            Verdict::Dropped => "dropped",
        };
        *findings.verdicts.entry(verdict).or_default() += 1;
        if ours == theirs {
            continue;
        }
        match known {
            Some(difference) => *findings.allowed.entry(difference).or_default() += 1,
            None => findings
                .differences
                .push(format!("gateway: {theirs:?}, ours: {ours:?}\n{}", body.escape_ascii())),
        }
    }
    findings
}

#[test]
fn ten_thousand_bodies_are_decided_as_the_gateway_decides_them() {
    let gateways: Vec<Pushgateway> =
        (0..THREADS).map_while(|_| Pushgateway::start(Version::Sid)).collect();
    let findings: Vec<Findings> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .zip(&gateways)
            .map(|(seed, gateway)| scope.spawn(move || run_thread(seed, gateway.address())))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("a thread ends")).collect()
    });
    let mut verdicts = BTreeMap::<_, usize>::new();
    let mut allowed = BTreeMap::<_, usize>::new();
    for thread in &findings {
        for (verdict, times) in &thread.verdicts {
            *verdicts.entry(*verdict).or_default() += times;
        }
        for (difference, times) in &thread.allowed {
            *allowed.entry(*difference).or_default() += times;
        }
    }
    let not_sent: usize = findings.iter().map(|thread| thread.not_sent).sum();
    println!("{verdicts:?}; allowed to differ {allowed:?}; not sent {not_sent}");
    let differences: Vec<&str> =
        findings.iter().flat_map(|thread| &thread.differences).map(String::as_str).collect();
    let shown = differences.len().min(DIFFERENCES_SHOWN_MAX);
    assert!(
        differences.is_empty(),
        "{} of {verdicts:?} differ:\n{}",
        differences.len(),
        differences[..shown].join("\n")
    );
}

fn check_all<'a>(cases: impl IntoIterator<Item = (&'a str, Verdict, Verdict)>) {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let mut connection = Connection { address: gateway.address(), stream: None };
    for (body, expected_of_ours, expected_of_theirs) in cases {
        assert_eq!(connection.push(body.as_bytes()), expected_of_theirs, "the gateway, {body:?}");
        assert_eq!(ours(body.as_bytes()), expected_of_ours, "ours, {body:?}");
    }
}

#[test]
fn selected_bodies_are_decided_as_the_gateway_decides_them() {
    use Verdict::{Inconsistent, Malformed, Taken};
    let cases = [
        // A quote in the middle of a name.
        ("fo\"o\"{b\"\"=\"c\"} 1\nfoo{b=\"d\"} 2\n", Taken),
        ("fo\"o.x\" 1\n", Malformed { line: 1 }),
        // Every metric without an instance gets an empty one.
        ("foo{instance=\"\"} 1\nfoo 1\n", Inconsistent),
        ("foo{a=\"\"} 1\nfoo 1\n", Taken),
        ("foo{instance=\"\"} 1\nfoo{instance=\"i\"} 1\n", Taken),
        ("\n \n# HELP foo \n# HELP foo b\n# HELP foo c\n", Malformed { line: 5 }),
        ("# TYPE h histogram\nh_count NaN\nh_bucket{le=\"NaN\"} -1\nh -1\n", Taken),
        ("# TYPE h histogram\nh{le=\"1\"} -1\n", Malformed { line: 2 }),
        ("# TYPE s summary\ns_count -1\ns{quantile=\"x\"} 1\n", Malformed { line: 3 }),
        ("# TYPE s summary\ns_sum 1\n# TYPE s_sum gauge\ns_sum 1\n", Malformed { line: 3 }),
        ("# TYPE s_sum gauge\ns_sum 1\n# TYPE s summary\ns_sum 1\ns_count 1\n", Inconsistent),
        ("# TYPE foo ga\\uge\nfoo 1\n", Taken),
    ];
    check_all(cases.map(|(body, verdict)| (body, verdict.clone(), verdict)));
}

#[test]
fn known_differences_still_exist() {
    use Verdict::{Dropped, Inconsistent, Malformed, Taken};
    let cases = [
        (Difference::BraceFirst, "{} 1\n", Malformed { line: 1 }, Dropped),
        (Difference::BraceFirst, "foo 1\n{a=\"b\"} 2\n", Malformed { line: 2 }, Inconsistent),
        (Difference::BraceFirst, "# TYPE h histogram\nfoo 1\n{\"h\",a=\"b\"} 1\n", Taken, Dropped),
        (
            Difference::BraceFirst,
            "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n{le=\"1\",\"foo\"} 1\nfoo 1\n",
            Taken,
            Inconsistent,
        ),
        (Difference::GatewayOwn, "push_time_seconds 1\npush_time_seconds 1\n", Inconsistent, Taken),
        (
            Difference::GaugeHistogramClash,
            "x_count 1\n# TYPE x gaugehistogram\nx_bucket{le=\"1\"} 1\n",
            Inconsistent,
            Taken,
        ),
    ];
    check_all(cases.map(|(difference, body, ours, theirs)| {
        assert_eq!(known_difference(body.as_bytes()), Some(difference));
        (body, ours, theirs)
    }));
}
