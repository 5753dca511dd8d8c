//! A parsed body is encoded and parsed again: both parses are equal. The encoding of a registry can be parsed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prompush_core::{
    Buckets, EncodeError, Encoder, Exposition, Format, GroupingKey, PushProblemKind, Registry,
    check_push, parse, text,
};

fuzz_target!(|body: &[u8]| {
    for format in [Format::Text, Format::OpenMetrics] {
        if let Ok(mut exposition) = parse(body, format) {
            for family in &mut exposition.families {
                family.help =
                    family.help.take().map(|help| without_blanks(&help).to_owned().into());
            }
            if clashes(&exposition) {
                continue;
            }
            let written = text::to_string(&exposition);
            match parse(written.as_bytes(), Format::Text) {
                Ok(read) => assert_eq!(text::to_string(&read), written),
                Err(error) => panic!("{error} in {written}"),
            }
        }
    }
    if let Ok(body) = std::str::from_utf8(body) {
        registry(body);
    }
});

/// Whether two of the families clash in a gateway as well, such as a histogram `h` and a `h_count`.
fn clashes(exposition: &Exposition<'_>) -> bool {
    let key = GroupingKey::new("fuzz").expect("a job");
    let complaints = check_push(exposition, &key);
    complaints.iter().any(|complaint| matches!(complaint.kind, PushProblemKind::Clash { .. }))
}

/// The help text without blanks at its beginning, which text 0.0.4 cannot express.
fn without_blanks(help: &str) -> &str {
    help.trim_start_matches([' ', '\t'])
}

/// Encodes a registry whose help text and label values are the parts of `body`, and parses the result.
fn registry(body: &str) {
    let mut parts = body.splitn(4, '|');
    let mut part = || parts.next().unwrap_or_default();
    let (help, first, second) = (part(), part(), part());
    let help = without_blanks(help);
    let number: f64 = part().trim().parse().unwrap_or(0.5);
    let registry = Registry::new();
    let calls = registry.counter_family("calls_total", help, ["a", "b"]).expect("a family");
    // Below 2^53, because the parser reads a float.
    calls.with([first, second]).inc_by(number.to_bits() >> 11);
    calls.with([second, first]).inc();
    let seconds = registry
        .histogram_family("wait_seconds", help, ["a"], Buckets::default())
        .expect("a family");
    seconds.with([first]).observe(number);
    registry.gauge("level", help).expect("a gauge").set(number);
    for format in [Format::Text, Format::OpenMetrics] {
        let mut encoder = Encoder::new(format);
        let written = match encoder.encode(&registry) {
            Ok(written) => written.to_owned(),
            Err(error @ EncodeError::DuplicateFamily(_)) => panic!("{error}"),
            Err(_) => return,
        };
        let read = parse(&written, format).expect("what a registry encodes can be parsed");
        let label = |name: &str| {
            let family = read.family("calls_total").expect("it was encoded");
            let value = |metric: &prompush_core::Metric<'_>| {
                let labels = &metric.labels;
                labels.iter().find(|label| label.0 == name).map(|label| label.1.to_owned())
            };
            family.metrics.iter().filter_map(value).collect::<Vec<_>>()
        };
        assert!(label("a").iter().any(|value| value == first));
        assert!(label("b").iter().any(|value| value == second));
        let again = encoder.encode(&read).expect("what was parsed can be encoded");
        if format == Format::Text {
            assert_eq!(String::from_utf8_lossy(again), String::from_utf8_lossy(&written));
        }
        let again = parse(again, format).map(|read| text::to_string(&read));
        assert_eq!(again, Ok(text::to_string(&read)));
    }
}
