//! Guards that text 0.0.4 is decided as the real Pushgateway 1.11.2 decides it: 10,000 bodies
//! from fixed seeds, each pushed to a real one with its consistency check on.
//!
//! The same body is refused as malformed by both, in the same line; refused as inconsistent by
//! both; or taken by both. What differs on purpose is in [`known_difference`], each kind with a
//! test of its own.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use fastrand::Rng;
use prompush_core::{Format, GroupingKey, ParseErrorKind, check_push, parse};
use prompush_testing::{Pushgateway, Version};

/// One gateway, one connection and one seed each.
const LANES: u64 = 4;
/// So many are sent; those that differ on purpose come on top.
const BODIES_PER_LANE: usize = 2500;
const DIFFERENCES_SHOWN_MAX: usize = 12;

/// What becomes of a push.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Taken,
    Inconsistent,
    Malformed {
        line: usize,
    },
    /// The connection was closed without an answer: the gateway's parser panicked.
    Dropped,
}

fn ours(body: &[u8]) -> Verdict {
    let key = GroupingKey::new("x").expect("a job");
    match parse(body, Format::Text) {
        Err(error) => Verdict::Malformed { line: error.line },
        Ok(exposition) => {
            let complaints = check_push(&exposition, &key);
            let refused = complaints.iter().any(|complaint| complaint.kind.is_error());
            if refused { Verdict::Inconsistent } else { Verdict::Taken }
        }
    }
}

/// Why ours may decide otherwise than the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Difference {
    /// A line that begins with `{`: the gateway goes on with what the line before left behind
    /// (its family, its labels, its bucket), or panics if nothing did. Ours reads the line alone.
    BraceFirst,
    /// The gateway drops what is pushed as `push_time_seconds` without a look at it.
    GatewayOwn,
    /// A gauge histogram is a histogram to ours, which clashes with a family `…_count`; the
    /// gateway takes both, and then exposes two samples of one name.
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

/// A connection to a gateway that is kept; opened anew when it was closed.
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

/// What one lane found.
#[derive(Default)]
struct Findings {
    verdicts: BTreeMap<&'static str, usize>,
    allowed: BTreeMap<Difference, usize>,
    not_sent: usize,
    differences: Vec<String>,
}

fn run_lane(seed: u64, address: SocketAddr) -> Findings {
    let mut rng = Rng::with_seed(seed);
    let mut connection = Connection { address, stream: None };
    let mut findings = Findings::default();
    let mut sent = 0;
    while sent < BODIES_PER_LANE {
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
        (0..LANES).map_while(|_| Pushgateway::start(Version::Sid)).collect();
    let findings: Vec<Findings> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES)
            .zip(&gateways)
            .map(|(seed, gateway)| scope.spawn(move || run_lane(seed, gateway.address())))
            .collect();
        lanes.into_iter().map(|lane| lane.join().expect("a lane ends")).collect()
    });
    let mut verdicts = BTreeMap::<_, usize>::new();
    let mut allowed = BTreeMap::<_, usize>::new();
    for lane in &findings {
        for (verdict, times) in &lane.verdicts {
            *verdicts.entry(*verdict).or_default() += times;
        }
        for (difference, times) in &lane.allowed {
            *allowed.entry(*difference).or_default() += times;
        }
    }
    let not_sent: usize = findings.iter().map(|lane| lane.not_sent).sum();
    println!("{verdicts:?}; allowed to differ {allowed:?}; not sent {not_sent}");
    let differences: Vec<&str> =
        findings.iter().flat_map(|lane| &lane.differences).map(String::as_str).collect();
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
fn bodies_of_note_are_decided_as_the_gateway_decides_them() {
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
fn what_differs_on_purpose_differs_so() {
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
